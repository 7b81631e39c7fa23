"""`gate-server list`, `settlement`, `statement`: what goes to a platform, and comes back signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from admission.errors import FeedRejected
from admission.wire_settlement import ListKind
from gate_server.cli.edge import Command, Group, counted, listing, options, show
from gate_server.cli.month_text import month_text
from gate_server.cli.settlements import FILE, in_venue_time, money, settlement_text, write_parts
from gate_server.commands.settlement_papers import (
    MakeList,
    Month,
    OneStatement,
    ShowList,
    Sign,
)
from gate_server.commands.theirs import find_theirs
from gate_server.commands.venue import Named
from gate_server.control import call, connect
from gate_server.settlement_tables import csv_parts

_DEAL = click.argument("deal_id", metavar="DEAL")
_VERSION = click.argument("version", metavar="VERSION")


@click.group("list", cls=Group)
def lists() -> None:
    """Lists that a platform acts on: refunds, compensation, refunds to reverse, disputed.

    Each is numbered and kept; the next of its kind holds only what is new.
    """


@lists.command("make")
@_DEAL
@click.argument("kind", metavar="KIND", type=click.Choice([each.value for each in ListKind]))
def list_make(deal_id: str, kind: str) -> None:
    """Make the next list: refunds, compensation, reverse or disputed.

    Nobody is admitted any more on a voucher that stands on a refund list. So refunds and
    compensation are refused while a void in force still receives who arrives in time.
    """
    made = call(options().data, "list make", MakeList(deal_id=deal_id, kind=ListKind(kind)))
    what = "buyer" if kind == ListKind.COMPENSATION.value else "voucher"
    show(made, f"list {made['number']} of {kind}: {counted(made['entries'], what)}")


@lists.command("list")
@_DEAL
def list_list(deal_id: str) -> None:
    """List the lists of a deal that were made."""
    found = call(options().data, "list list", Named(name=deal_id))
    show(found, listing(found, ("number", "kind", "made_at", "made_by", "entries", "amount_minor")))


@lists.command("show")
@_DEAL
@click.argument("number", metavar="NUMBER")
@click.option("--out", type=FILE, help="Where to write it; default standard output.")
def list_show(deal_id: str, number: str, out: Path | None) -> None:
    """Write a list as CSV, for the platform; reading accounts is on record."""
    found = call(options().data, "list show", ShowList(deal_id=deal_id, number=number))
    if options().as_json:
        show(found, "")
        return
    write_parts(csv_parts(found["rows"], found["columns"]), out)


@click.group("settlement", cls=Group)
def settlement() -> None:
    """Statements of a deal's settlement, and the signatures that close them.

    `gate-server settle DEAL` shows the figures; docs/settlement.md says how both sides check them.
    """


@settlement.command("make")
@_DEAL
def settlement_make(deal_id: str) -> None:
    """Keep a statement of the settlement as it is now; where nothing changed, the newest stands."""
    made = call(options().data, "settlement make", Named(name=deal_id))
    head = f"statement {made['version']}, hash {made['hash']}"
    show(made, f"{head}\n{settlement_text(in_venue_time(made['settlement']))}")


@settlement.command("list")
@_DEAL
def settlement_list(deal_id: str) -> None:
    """List a deal's statements, the newest first, with who has signed each."""
    found = call(options().data, "settlement list", Named(name=deal_id))
    rows = [
        row | {"signed_by": ", ".join(each["name"] for each in row["signatures"]) or "-"}
        for row in found
    ]
    show(found, listing(rows, ("version", "made_at", "made_by", "signed_by", "closed_at", "hash")))


@settlement.command("differences")
@_DEAL
@_VERSION
def settlement_differences(deal_id: str, version: str) -> None:
    """Tell which vouchers stand otherwise than in the statement before."""
    asked = OneStatement(deal_id=deal_id, version=version)
    found = call(options().data, "settlement differences", asked)
    show(found, "\n".join(map(_changed, found["changed"])))


def _changed(change: dict[str, Any]) -> str:
    before, after = change["before"] or {}, change["after"] or {}
    told = [
        f"{name} {before.get(name) or '-'} -> {after.get(name) or '-'}"
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]
    return f"voucher {change['voucher']}: {', '.join(told)}"


@settlement.command("sign")
@_DEAL
@_VERSION
@click.option("--hash", "read", required=True, help="The hash of the statement that was read.")
@click.option("--token-file", type=FILE, required=True,
              help="The API token of the account that signs.")  # fmt: skip
def settlement_sign(deal_id: str, version: str, *, read: str, token_file: Path) -> None:
    """Sign a statement with an account of one's own; the venue's and a partner's close it."""
    token = token_file.read_text("utf-8")
    params = Sign(deal_id=deal_id, version=version, hash=read, token=token)
    made = call(options().data, "settlement sign", params)
    state = "is closed" if made["closed_at"] else "waits for the other side"
    show(made, f"statement {version} is signed; it {state}")


@settlement.command("overrides")
@_DEAL
def settlement_overrides(deal_id: str) -> None:
    """List the overrides that say the platform bears them; its partner confirms each."""
    found = call(options().data, "settlement overrides", Named(name=deal_id))
    columns = ("scan_id", "overridden_at", "gate_id", "overridden_by", "people", "tail", "reason",
               "confirmed_by")  # fmt: skip
    show(found, listing(found, columns))


@click.command("statement", cls=Command)
@click.argument("platform", metavar="PLATFORM")
@click.option("--month", required=True, metavar="YYYY-MM", help="The month of the venue's days.")
@click.option("--theirs", type=FILE, help="The platform's own file, CSV: deal_id, voucher_ref "
              "or order_ref, people, amount_minor.")  # fmt: skip
@click.option("--close", is_flag=True, help="Close it: what changes later is a correction.")
def statement(platform: str, *, month: str, theirs: Path | None, close: bool) -> None:
    """State an ordinary month of a platform: by deal, people times the settle price.

    With corrections of months that were closed before. A closed month stays as it was told.
    """
    params = Month(platform=platform, month=month)
    with connect(options().data) as caller:
        made = caller.call("statement close" if close else "statement", params)
        differences = None
        if theirs is not None:
            asked = {name: made[name] for name in ("platform", "month", "as_of")}
            try:
                differences = find_theirs(caller, theirs, asked)
            except FeedRejected as error:
                raise click.ClickException(f"{theirs}: {error}") from error
    text = month_text(made)
    if differences is not None:
        made = made | {"differences": [_difference(each) for each in differences]}
        text = f"{text}\n{_differences_text(made['differences'])}"
    show(made, text)


def _difference(each: Any) -> dict[str, Any]:
    return {
        "deal_id": each.deal_id,
        "ref": each.ref,
        "ours": None if each.ours is None else each.ours._asdict(),
        "theirs": None if each.theirs is None else each.theirs._asdict(),
    }


def _differences_text(differences: list[dict[str, Any]]) -> str:
    lines = [f"differences: {len(differences)}"]
    for each in differences:
        sides = " / ".join(f"{name} {_side(each[name])}" for name in ("ours", "theirs"))
        lines.append(f"  {each['deal_id']} {each['ref'] or '-'}: {sides}")
    return "\n".join(lines)


def _side(used: dict[str, int] | None) -> str:
    if used is None:
        return "nothing"
    return f"{counted(used['people'], 'person', 'people')}, {money(used['amount_minor'])}"
