"""The command `scanner-client`: enrol, read, run, status, why, sync, flush, annul."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import click
import msgspec

from admission import wire
from admission.errors import AdmissionError
from admission.scans import Direction, Mode
from scanner_client import __version__
from scanner_client.announcer import tell_broadcast
from scanner_client.barrier_lane import make_driver, tell_turnstile
from scanner_client.capture import Watch
from scanner_client.capture_files import Pictures
from scanner_client.capture_names import join_paths
from scanner_client.cards import tell_cards
from scanner_client.checkin import Terms
from scanner_client.cli_options import Options, open_named, options
from scanner_client.cli_people import call_help, count, operator, practice_codes, tell_counted
from scanner_client.cli_print import print_pending, reprint, slip
from scanner_client.decode import load_stages, read_all
from scanner_client.enrolment import enrol as enrol_device
from scanner_client.enrolment import read_invitation
from scanner_client.json_lines import JsonLines
from scanner_client.outputs import Output, Outputs
from scanner_client.presenter import tell_link, tell_replica
from scanner_client.preview import Window
from scanner_client.running import run as run_scanner
from scanner_client.scanner import Scanner

SOURCE_HELP = (
    "camera:N, video FILE, folder DIR, stdin, evdev:/dev/input/..., serial:/dev/tty..., "
    "rtsp://... or http://...; several may be given."
)

NOT_ADMITTED = 1
WRONG_USAGE = 2
NO_CODE = 3


class Refusing(click.Group):
    """Turns our errors into one line on stderr and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command."""
        try:
            return super().invoke(ctx)
        except AdmissionError as error:
            click.echo(f"scanner-client: {error}", err=True)
            ctx.exit(NOT_ADMITTED)


@click.group(cls=Refusing)
@options
@click.version_option(__version__)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Read QR codes, ask the gate server, show staff the verdict."""
    ctx.ensure_object(Options)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot write Chinese gets question marks, not a traceback.
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")


@main.command()
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


@main.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--code", help="The text of a code instead of pictures.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]))
@click.option("--direction", type=click.Choice([way.value for way in Direction]), default="entry")
@click.option("--party", type=click.IntRange(1, wire.MOST_PEOPLE))
@click.option("--practice", is_flag=True, help="For learning: nobody is let in, nothing recorded.")
@options
@click.pass_context
def read(
    ctx: click.Context,
    files: tuple[Path, ...],
    code: str | None,
    mode: str | None,
    *,
    direction: str,
    party: int | None,
    practice: bool,
) -> None:
    """Decode pictures or take a text; one verdict a code."""
    if bool(files) is (code is not None):
        raise click.UsageError("give picture files, or --code TEXT")
    obj = ctx.ensure_object(Options)
    with open_named(obj) as scanner:
        terms = Terms(scanner.mode(mode), Direction(direction), party)
        printer = scanner.print_desk()
        check_in = scanner.check_in(terms, printer=printer)
        answer = scanner.practice(terms).check_in if practice else check_in.check_in
        scanner.presenter.watch(scanner.outlook)
        codes, broken = ([code], False) if code is not None else _codes(files)
        output, admitted = Outputs((_output(scanner, obj), printer)), []
        for text in codes:
            shown = answer(text)
            output.show(shown)
            admitted.append(shown.admitted)
            if not shown.practice:
                check_in.seen(shown)
        printer.flush()
    if broken or not all(admitted):
        ctx.exit(NOT_ADMITTED)
    if not codes:
        ctx.exit(NO_CODE)


@main.command()
@click.option("--source", "sources", multiple=True, help=SOURCE_HELP)
@click.argument("paths", nargs=-1)
@click.option("--preview", is_flag=True, help="A window with what the camera sees.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]))
@click.option("--direction", type=click.Choice([way.value for way in Direction]), default="entry")
@click.option("--party", type=click.IntRange(1, wire.MOST_PEOPLE))
@click.option("--practice", is_flag=True, help="For learning; ends by itself.")
@options
@click.pass_obj
def run(
    obj: Options,
    sources: tuple[str, ...],
    paths: tuple[str, ...],
    *,
    preview: bool,
    mode: str | None,
    direction: str,
    party: int | None,
    practice: bool,
) -> None:
    """Scan until Ctrl-C, or until every source has ended."""
    if preview and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        raise click.UsageError("--preview needs a display")
    with open_named(obj) as scanner:
        settings = scanner.settings
        names = join_paths(sources or (settings.source, *settings.also), paths)
        terms = Terms(scanner.mode(mode), Direction(direction), party)
        run_scanner(
            scanner,
            names,
            terms,
            stop=_stop_on_signal(),
            output=_output(scanner, obj),
            keys=sys.stdin,
            preview=Window() if preview else None,
            practise=practice or scanner.settings.practice.start,
        )


@main.command()
@options
@click.pass_obj
def status(obj: Options) -> None:
    """Say where this scanner stands and whether the gate server answers."""
    with open_named(obj) as scanner:
        standing = scanner.standing()
        link_line, parked = tell_link(scanner.outlook()), scanner.journal.parked()
        now = scanner.clock.now()
        told = scanner.broadcasts.current(now)
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
        report(tell_broadcast(each))


@main.command()
@options
@click.pass_obj
def why(obj: Options) -> None:
    """Say which deals explain why it is busy, and what to tell visitors."""
    with open_named(obj) as scanner:
        answer = scanner.relay.fetch_why()
    if obj.as_json:
        click.echo(wire.write(answer))
    else:
        click.echo("\n".join(tell_cards(answer.cards)))


@main.command()
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


@main.command()
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


@main.command()
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


for each in (call_help, count, operator, practice_codes, print_pending, reprint, slip):
    main.add_command(each)


def _codes(files: tuple[Path, ...]) -> tuple[list[str], bool]:
    """Return the codes in pictures, and whether one of the files is no picture."""

    def report(line: str) -> None:
        click.echo(f"scanner-client: {line}", err=True)

    stages = load_stages(report)
    codes: list[str] = []
    readable = 0
    for frame in Pictures(files).sightings(Watch(threading.Event(), report)):
        readable += 1
        found = read_all(frame.image, stages)
        if not found:
            report(f"no code in {frame.origin}")
        codes += [reading.text for reading in found]
    return codes, readable < len(files)


def _output(scanner: Scanner, obj: Options) -> Output:
    return JsonLines(sys.stdout, scanner.presenter) if obj.as_json else scanner.presenter


def _stop_on_signal() -> threading.Event:
    """Return what is set by the first Ctrl-C or SIGTERM; the second ends the process at once."""
    stop = threading.Event()

    def end(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return stop


def _echo_json(value: dict[str, object]) -> None:
    click.echo(msgspec.json.encode(value))
