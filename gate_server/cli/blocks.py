"""`gate-server block`, and `voucher verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from admission.errors import InvalidInput
from gate_server.cli.edge import Command, Group, counted, listing, local, options, show, tell
from gate_server.cli.times import read_time
from gate_server.commands.blocks import (
    Accepted,
    BlockNumber,
    InState,
    NewBlock,
    Reasoned,
    Verify,
)
from gate_server.control import call

_FILE = click.Path(path_type=Path, dir_okay=False)
_ID = click.argument("block_id", metavar="ID")
_REASON = click.option("--reason", required=True, help="Why, for the record.")
_EXPIRES = click.option("--expires", metavar="TIME", help="Its last instant; default: none.")
_STATES = ("proposed", "in_force", "expired", "lifted", "declined", "appealed")


@click.group("block", cls=Group)
def block() -> None:
    """Buyers' accounts whose visitors a supervisor sees; docs/blocks.md says how."""


@block.command("add")
@click.option("--platform", required=True, metavar="P", help="Whose account it is.")
@click.option("--buyer-file", type=_FILE, help="The account; else it is asked for, unseen.")
@_REASON
@_EXPIRES
@click.option(
    "--origin",
    type=click.Choice(["supervisor", "feed"]),
    default="supervisor",
    show_default=True,
    help="feed: the platform named the account.",
)
@click.option("--origin-id", metavar="ID", help="What names the platform's letter or list.")
def block_add(platform: str, buyer_file: Path | None, **given: Any) -> None:
    """Block an account. It is not shown, kept in the clear, or told again."""
    params = NewBlock(
        platform=platform,
        buyer_ref=_typed("account") if buyer_file is None else _first_line(buyer_file),
        reason=given["reason"],
        expires_at=read_time("--expires", given["expires"], last=True),
        origin=given["origin"],
        origin_id=given["origin_id"],
    )
    made = call(options().data, "block add", params)
    show(made, _says(made))


@block.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only these; proposals are none yet.")
def block_list(state: str | None) -> None:
    """List blocks, the newest first, or what is proposed, the largest first."""
    found = call(options().data, "block list", InState(state=state))
    rows = [each | _brief(each) for each in found["blocks"]]
    columns = ("block_id", "state", "platform", "origin", "created_at", "expires_at", "vouchers",
               "people", "scanned", "reason")  # fmt: skip
    show(found, listing(rows, columns) or "none")


@block.command("show")
@_ID
def block_show(block_id: str) -> None:
    """Show a block or a proposal: why, what the account bought, what was said to it."""
    found = call(options().data, "block show", BlockNumber(block_id=block_id))
    show(found, _told(found))


@block.command("lift")
@_ID
@_REASON
def block_lift(block_id: str, reason: str) -> None:
    """End a block, and every appeal against it."""
    done = call(options().data, "block lift", Reasoned(block_id=block_id, reason=reason))
    show(done, _says(done))


@block.command("appeal")
@_ID
@click.option("--note", required=True, help="What the buyer says; it can be erased later.")
def block_appeal(block_id: str, note: str) -> None:
    """Note what a blocked buyer says; the block stands until it is lifted."""
    done = call(options().data, "block appeal", Reasoned(block_id=block_id, reason=note))
    show(done, f"noted; decide: gate-server block lift|uphold {block_id} --reason ...")


@block.command("uphold")
@_ID
@_REASON
def block_uphold(block_id: str, reason: str) -> None:
    """Let a block stand in spite of what was said to it."""
    done = call(options().data, "block uphold", Reasoned(block_id=block_id, reason=reason))
    show(done, f"block {block_id} stands; the appeal is answered")


@block.command("accept")
@_ID
@_REASON
@_EXPIRES
def block_accept(block_id: str, reason: str, expires: str | None) -> None:
    """Block an account that was proposed; the block has a number of its own."""
    until = read_time("--expires", expires, last=True)
    params = Accepted(block_id=block_id, reason=reason, expires_at=until)
    made = call(options().data, "block accept", params)
    show(made, _says(made))


@block.command("decline")
@_ID
@_REASON
def block_decline(block_id: str, reason: str) -> None:
    """Decide not to block an account; it is proposed again only when it has grown."""
    done = call(options().data, "block decline", Reasoned(block_id=block_id, reason=reason))
    show(done, f"proposal {block_id} is declined")


@click.command("verify", cls=Command)
def voucher_verify() -> None:
    """Say whether four digits end the phone that bought a voucher.

    The code and the digits are asked for, unseen, or read from standard input, a line each: on the
    command line every process could read them.
    """
    params = Verify(code=_typed("code"), phone_last4=_typed("last 4 digits of the phone"))
    done = call(options().data, "voucher verify", params)
    said = "yes, they are the buyer's" if done["matches"] else "no"
    show(done, f"{said}; {done['tries_left']} wrong answers left today")


def _typed(what: str) -> str:
    """Return a line from the terminal, unseen, or from whatever is piped in."""
    if sys.stdin.isatty():
        typed: str = click.prompt(what, hide_input=True, err=True)
        return typed.strip()
    return _present(what, sys.stdin.readline())


def _first_line(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("--buyer-file", "is not text") from error
    return _present("--buyer-file", text.partition("\n")[0])


def _present(name: str, line: str) -> str:
    if not line.strip():
        raise InvalidInput(name, "is empty")
    return line.strip()


def _says(made: dict[str, Any]) -> str:
    if made["vouchers"] == 0 and made["state"] == "in_force":
        tell("no voucher of this account is known yet; those that come will be referred")
    until = "" if made["expires_at"] is None else f", until {local(made['expires_at'])}"
    vouchers = counted(made["vouchers"], "voucher")
    return f"block {made['block_id']} of {made['platform']}: {made['state']}{until}, {vouchers}"


def _brief(found: dict[str, Any]) -> dict[str, Any]:
    facts = found["facts"] or {"people": 0, "scanned": 0}
    return {"people": facts["people"], "scanned": facts["scanned"]}


def _told(found: dict[str, Any]) -> str:
    facts, lines = found["facts"], [_says(found), f"why: {found['reason']}"]
    origin = "" if found["origin_id"] is None else f" {found['origin_id']}"
    lines.append(
        f"on the word of: {found['origin']}{origin}; {found['created_by']},"
        f" {local(found['created_at'])}"
    )
    if facts is not None:
        people = counted(facts["people"], "person", "people")
        lines.append(
            f"bought: {counted(facts['vouchers'], 'voucher')} for {people},"
            f" {local(facts['first_sold_at'])} to {local(facts['last_sold_at'])};"
            f" {facts['scanned']} presented; deals {', '.join(facts['deals'])}"
        )
    for each in found["appeals"]:
        answer = "open" if each["outcome"] is None else f"{each['outcome']}: {each['answer']}"
        lines.append(f"appeal, {local(each['made_at'])}: {each['note'] or '(erased)'} ({answer})")
    if found["lifted_by"] is not None:
        lines.append(f"lifted by {found['lifted_by']}: {found['lift_reason']}")
    if found["state"] == "proposed":
        lines.append(f"decide: gate-server block accept|decline {found['block_id']} --reason ...")
    return "\n".join(lines)
