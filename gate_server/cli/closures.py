"""`gate-server closure`: declare, amend, restore, list, show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import click

from admission.errors import InvalidInput
from admission.wire import Text
from admission.wire_terms import ClosureRequest
from gate_server.cli.closure_texts import closure_text, counts_text
from gate_server.cli.edge import Group, listing, local, options, show
from gate_server.cli.times import read_time
from gate_server.commands.closures import Declare, Restore
from gate_server.commands.venue import Named
from gate_server.control import call

_ID = click.argument("closure_id", metavar="ID")
_REASON = click.option("--reason", required=True, help="Why, for the record.")
_PREVIEW = click.option(
    "--preview", is_flag=True, help="Change nothing; say what it would come to."
)


@click.group("closure", cls=Group)
def closure() -> None:
    """Rain or a typhoon shuts the venue: longer vouchers, a new right, refunds open.

    Times are RFC 3339; without an offset they are the venue's. A closure does not shut gates: for
    that there is `gate-server gate state`.
    """


def _terms(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what a closure means."""
    for option in reversed(
        (
            click.option("--day", metavar="DATE", help="The day that is closed."),
            click.option("--last-day", metavar="DATE", help="... and the days up to this one."),
            click.option("--from", "closed_from", metavar="TIME", help="Or: closed from then"),
            click.option("--until", "closed_until", metavar="TIME", help="... until then."),
            click.option("--extend-until", required=True, metavar="TIME",
                         help="Vouchers of that time are good until then; a date is its end."),
            click.option("--deal", "deals", multiple=True, metavar="DEAL", help="May be repeated."),
            click.option("--area", "areas", multiple=True, help="All deals that open an area."),
            click.option("--gate", "gates", multiple=True, help="All deals of a gate."),
            click.option("--platform", "platforms", multiple=True, help="All of a platform."),
            click.option("--all-deals", is_flag=True, help="All deals that are good in that time."),
            click.option("--used-too", is_flag=True, help="A new right, once, for who was in."),
            click.option("--refunds-open", is_flag=True, help="Who asks may have a refund."),
            click.option("--notice-zh", help="Sentence on refusals, in Chinese."),
            click.option("--notice-en", help="... and in English."),
            _PREVIEW,
        )
    ):  # fmt: skip
        command = option(command)
    return command


@closure.command("declare")
@_REASON
@_terms
def closure_declare(**given: Any) -> None:
    """Close the venue for a time; on every connected scanner within a second."""
    _send("closure declare", None, given)


@closure.command("amend")
@_ID
@_REASON
@_terms
def closure_amend(closure_id: str, **given: Any) -> None:
    """Put other terms, given anew in full, in the place of a closure's."""
    _send("closure amend", closure_id, given)


@closure.command("restore")
@_ID
@_REASON
@_PREVIEW
def closure_restore(closure_id: str, *, reason: str, preview: bool) -> None:
    """End a closure: its vouchers are good as they were sold; who came in stays so."""
    params = Restore(closure_id=closure_id, reason=reason, preview=preview)
    made = call(options().data, "closure restore", params)
    show(made, counts_text(made) if preview else f"closure {closure_id} is restored")


@closure.command("list")
def closure_list() -> None:
    """List all closures, the newest first."""
    found = call(options().data, "closure list")
    rows = [
        {
            "closure": each["closure_id"],
            "state": each["status"],
            "closed from": local(each["terms"]["closed_from"]),
            "until": local(each["terms"]["closed_until"]),
            "good until": local(each["terms"]["extend_until"]),
            "deals": len(each["terms"]["deals"]),
            "reason": each["terms"]["reason"],
        }
        for each in found
    ]
    columns = ("closure", "state", "closed from", "until", "good until", "deals", "reason")
    show(found, listing(rows, columns))


@closure.command("show")
@_ID
def closure_show(closure_id: str) -> None:
    """Show a closure with every version: who, when, on which terms."""
    found = call(options().data, "closure show", Named(name=closure_id))
    show(found, closure_text(found))


def _send(command: str, closure_id: str | None, given: dict[str, Any]) -> None:
    request = _request(given)
    params = Declare(request=request, closure_id=closure_id, preview=given["preview"])
    made = call(options().data, command, params)
    show(made, counts_text(made) if params.preview else closure_text(made))


def _request(given: dict[str, Any]) -> ClosureRequest:
    if (given["notice_zh"] is None) != (given["notice_en"] is None):
        raise click.UsageError("give the notice in both languages")
    notice = None
    if given["notice_zh"] is not None:
        notice = Text(zh=given["notice_zh"], en=given["notice_en"])
    extend_until = read_time("--extend-until", given["extend_until"], last=True)
    if extend_until is None:
        raise click.UsageError("say until when: --extend-until TIME")
    return ClosureRequest(
        reason=given["reason"],
        extend_until=extend_until,
        day=_day("--day", given["day"]),
        last_day=_day("--last-day", given["last_day"]),
        closed_from=read_time("--from", given["closed_from"]),
        closed_until=read_time("--until", given["closed_until"], last=True),
        deals=list(given["deals"]),
        areas=list(given["areas"]),
        gates=list(given["gates"]),
        platforms=list(given["platforms"]),
        all_deals=given["all_deals"],
        used_too=given["used_too"],
        refunds_open=given["refunds_open"],
        notice=notice,
    )


def _day(name: str, value: str | None) -> date | None:
    try:
        return None if value is None else date.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput(name, "is a date, as 2026-05-01") from error
