"""The commands about a scanner itself: enrol, status, why, sync, flush, annul."""

from __future__ import annotations

import re

import click
import msgspec

from admission import wire
from scanner_client.announcer import tell_broadcast
from scanner_client.barrier_lane import make_driver, tell_turnstile
from scanner_client.cards import tell_cards
from scanner_client.cli_options import NOT_ADMITTED, Options, open_named, options
from scanner_client.cli_people import tell_counted
from scanner_client.enrolment import enrol as enrol_device
from scanner_client.enrolment import read_invitation
from scanner_client.presenter import tell_link, tell_replica


@click.command()
@click.argument("url")
@click.argument("code", required=False)
@click.option("--name", help="What to call this scanner.")
@options
@click.pass_obj
def enrol(obj: Options, url: str, code: str | None, name: str | None) -> None:
    """Make this scanner a device: URL is https://HOST:PORT/enrol#CODE.FINGERPRINT."""
    identity = enrol_device(obj.state, read_invitation(url, code), name)
    if obj.as_json:
        _echo_json(
            {
                "device_id": identity.device_id,
                "gate_id": identity.gate_id,
                "profile": identity.profile,
            }
        )
    else:
        click.echo(f"enrolled: {identity.device_id} at gate {identity.gate_id}", err=True)


@click.command()
@options
@click.pass_obj
def status(obj: Options) -> None:
    """Say where this scanner stands and whether the gate server answers."""
    with open_named(obj) as scanner:
        standing = scanner.standing()
        link_line, parked = tell_link(scanner.outlook()), scanner.journal.parked()
        now = scanner.clock.now()
        told = scanner.broadcasts.current(now)
        zone = scanner.zone
        copy = tell_replica(scanner.replica.revision, scanner.replica.age_s(now))
    if obj.as_json:
        _echo_json(standing)
        return
    report = scanner.presenter.report
    report(f"gate {standing['gate_id']}, device {scanner.identity.device_id}")
    report(link_line)
    if standing["problem"]:
        report(str(standing["problem"]))
    report(copy)
    report(tell_turnstile(make_driver(scanner.settings.barrier)))
    for line in parked:
        report(f"parked: {line.kind} {line.nonce}: {line.problem}")
    for each in told:
        report(tell_broadcast(each, zone))


@click.command()
@options
@click.pass_obj
def why(obj: Options) -> None:
    """Say which deals explain why it is busy, and what to tell visitors."""
    with open_named(obj) as scanner:
        answer, zone = scanner.relay.fetch_why(), scanner.zone
    if obj.as_json:
        click.echo(wire.write(answer))
    else:
        click.echo("\n".join(tell_cards(answer.cards, zone)))


@click.command()
@options
@click.pass_obj
def sync(obj: Options) -> None:
    """Bring the replica up to date now."""
    with open_named(obj) as scanner:
        scanner.sync()
        revision, epoch = scanner.replica.revision, scanner.replica.epoch
    if obj.as_json:
        _echo_json({"replica_revision": revision, "epoch": epoch})
    else:
        scanner.presenter.report(f"replica at revision {revision}")


@click.command()
@options
@click.pass_context
def flush(ctx: click.Context) -> None:
    """Hand over now what was decided offline."""
    obj = ctx.ensure_object(Options)
    with open_named(obj) as scanner:
        handed = scanner.uploader.flush()
    if obj.as_json:
        _echo_json({"taken": handed.taken, "parked": handed.parked, "outbox_depth": handed.left})
    else:
        scanner.presenter.report(
            f"handed over {handed.taken}, parked {handed.parked}, {handed.left} left"
        )
    if handed.busy and handed.left:
        click.echo("scanner-client: another process of this scanner is handing over", err=True)
    if handed.left:
        ctx.exit(NOT_ADMITTED)


@click.command()
@click.argument("nonce")
@click.option("--reason", default="did not pass", show_default=True)
@click.option("--people", type=click.IntRange(1, wire.MOST_PEOPLE), help="Default: all of them.")
@options
@click.pass_obj
def annul(obj: Options, nonce: str, reason: str, people: int | None) -> None:
    """Take back people who were let in and did not pass, or who were counted by mistake."""
    if not re.fullmatch(wire.NONCE, nonce):
        raise click.UsageError("NONCE: 8 to 64 of letters, digits, dot, dash, underscore")
    with open_named(obj) as scanner:
        request = wire.AnnulRequest(reason=reason, people=people)
        counting = scanner.counting()
        count = counting.find(nonce)
        if count is not None:
            tell_counted(obj, counting.annul(count, request))
            return
        answer = scanner.annulment().annul(nonce, request)
    if not obj.as_json:
        offline = " (offline; the gate server is told later)" if answer.offline else ""
        scanner.presenter.report(f"annulled: {nonce}{offline}")
    elif answer.offline:
        _echo_json({"nonce": nonce, "annulled": answer.people, "offline": True})
    elif answer.scan is not None:
        click.echo(wire.write(answer.scan))


def _echo_json(value: dict[str, object]) -> None:
    click.echo(msgspec.json.encode(value))
