"""For those who check the record: `replay`, `conduct`, `audit heads`, `export`, `list`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import msgspec

from gate_server.bundle import Exported, write_bundle
from gate_server.cli.edge import Command, counted, listing, local, options, show, tell
from gate_server.cli.upkeep import audit
from gate_server.commands.evidence import Conduct, Export, Heads, Replay, StatementOf
from gate_server.commands.figures import AuditList
from gate_server.control import call
from gate_server.key_files import write_durably
from gate_server.ledger.directory import check_directory

_COMPARED = ("outcome", "reason", "admitted", "remaining", "void_version", "tickets", "arrived_at")


@click.command("replay", cls=Command)
@click.argument("scan_id", metavar="SCAN", type=click.IntRange(1))
def replay(scan_id: int) -> None:
    """Decide an old scan again, and say whether the answer is the same; if not, why.

    SCAN is the `scan_id` of its answer. Exits 1 only where the answer is another although all that
    it depended on is known.
    """
    told = call(options().data, "replay", Replay(scan_id=scan_id))
    show(told, _replayed(told))
    if told["agreement"] == "differs":
        raise click.exceptions.Exit(1)


def _replayed(told: dict[str, Any]) -> str:
    rows = [
        {"": name.replace("_", " ")}
        | {side: _shown(name, told[side][name]) for side in ("answered", "again")}
        for name in _COMPARED
    ]
    said = [f"scan {told['scan_id']}, rules version {told['rules_version']}: {told['agreement']}"]
    said += [told["message"]["zh"], told["message"]["en"]]
    said += [f"- {each['message']['zh']} {each['message']['en']}" for each in told["doubts"]]
    said.append(listing(rows, ("", "answered", "again")))
    for each in told["changed_since"]:
        people = counted(each["people"], "person", "people")
        said.append(f"since: {each['kind']} at revision {each['revision']}, {people}")
    if told["uploaded_later"]:
        scans = counted(told["uploaded_later"], "earlier scan")
        said.append(f"since: {scans} of it came in by upload")
    return "\n".join(said)


def _shown(name: str, value: Any) -> Any:
    return local(value) if name.endswith("_at") else value


@click.command("conduct", cls=Command)
@click.option("--day", metavar="YYYY-MM-DD", help="A venue day; default today.")
def conduct(day: str | None) -> None:
    """Tell who overrode, annulled and struck, by hour, and which hours stand out."""
    told = call(options().data, "conduct", Conduct(day=day))
    for alarm in told["alarms"]:
        tell(f"{alarm['message']['zh']} {alarm['message']['en']}")
    columns = ("hour_from", "act", "kind", "who", "acts", "people")
    nothing = f"nobody overrode, annulled or struck anything on {told['day']}"
    show(told, listing(told["hours"], columns) or nothing)


@audit.command("heads")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write them there, a line of JSON each, for `audit verify --heads` and for others.",
)
@click.option("--since", type=click.IntRange(0), default=0, metavar="REVISION", help="Only later.")
@click.option("--sign", is_flag=True, help="Sign the newest head first; else one a venue day is.")
def audit_heads(out: Path | None, since: int, sign: bool) -> None:
    """List the signed heads of the audit chain, and which one each platform has taken.

    Others who hold them can prove the past.
    """
    told = call(options().data, "audit heads", Heads(since=since, sign=sign))
    if out is not None:
        lines = (msgspec.json.encode(head) + b"\n" for head in told["heads"])
        write_durably(out, b"".join(lines), replace=True)
        tell(f"{out}: {counted(len(told['heads']), 'head')}")
    rows = [head | {"audit_head": head["audit_head"][:16] + "..."} for head in told["heads"]]
    keys = {head["key_id"]: head["public_key"] for head in told["heads"]}
    parts = (
        listing(rows, ("revision", "day", "signed_at", "audit_head", "key_id")),
        "\n".join(f"public key {number}: {key}" for number, key in keys.items()),
        listing(
            told["sent"], ("platform", "feed_id", "revision", "taken_at", "waiting", "problem")
        ),
    )
    show(told, "\n\n".join(part for part in parts if part))


@audit.command("export")
@click.option("--deal", "deal_id", required=True, metavar="ID", help="Whose rows.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR|FILE.zip",
    help="A new directory, or a new file that ends in .zip.",
)
@click.option(
    "--statement",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="The deal's settlement as JSON, to go with it; default its newest statement.",
)
def audit_export(deal_id: str, out: Path, statement: Path | None) -> None:
    """Write what proves a deal's record, for another party to check with verify.py in it.

    It holds the deal's rows, every link of the chain, signed heads, and of buyers nothing but the
    last characters of a code.
    """
    directory = options().data
    keys = call(directory, "audit keys")

    def sign(exported: Exported) -> int:
        revision: int = call(directory, "audit export", Export(exported=exported))
        return revision

    figures = statement.read_bytes() if statement is not None else _newest(deal_id)
    made = write_bundle(
        check_directory(directory),
        out,
        deal_id,
        sign=sign,
        public_keys={int(number): bytes.fromhex(key) for number, key in keys.items()},
        statement=figures,
    )
    rows = counted(made.rows, "row")
    said = f"{counted(made.vouchers, 'voucher')}, {rows} up to revision {made.upto}"
    value = msgspec.to_builtins(made) | {"public_keys": list(keys.values())}
    show(value, f"{out}: {said}; check it with `python3 verify.py`")


def _newest(deal_id: str) -> bytes | None:
    """Return the figures of a deal's newest statement, as they are signed; None: there is none."""
    found = call(options().data, "audit statement", StatementOf(deal_id=deal_id))
    if found is None or not found["whole"]:
        lacks = "has no statement" if found is None else "has sold more since its newest statement"
        tell(f"{deal_id} {lacks}; `gate-server settlement make {deal_id}` makes the next")
        return None
    tell(f"with statement {found['version']} of {deal_id}")
    text: str = found["text"]
    return text.encode()


@audit.command("list")
@click.option("--from", "since", metavar="DAY|TIME", help="Only from then on.")
@click.option("--until", metavar="DAY|TIME", help="Only until then.")
@click.option("--event", metavar="EVENT", help="Only this, as void or gate_state.")
@click.option("--by", metavar="NAME", help="Only what this account, device or command did.")
@click.option("--subject", metavar="ID", help="Only what names this deal, gate, device, scan.")
@click.option("--before", type=click.IntRange(1), metavar="REVISION", help="Only before that.")
def audit_list(before: int | None, **asked: str | None) -> None:
    """List what was done, the newest first; scans are no part of it.

    A day is a venue day, a time has its offset. At most 200 at a time; go on with --before.
    """
    told = call(options().data, "audit list", AuditList(before=before, **asked))
    rows = [
        each | {"said": json.dumps(each["fields"], ensure_ascii=False)} for each in told["audit"]
    ]
    if told["before"] is not None:
        tell(f"there is more: --before {told['before']}")
    columns = ("revision", "at", "event", "by", "said")
    show(told, listing(rows, columns) or "nothing of that kind was done")
