"""`gate-server key` and `voucher`."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import click

from admission.errors import InvalidInput
from admission.vouchers import MOST_ADMITS
from gate_server.cli.blocks import voucher_verify
from gate_server.cli.edge import Group, counted, listing, options, show
from gate_server.cli.pictures import png_qr
from gate_server.commands.issue import MOST_ISSUED, TLS, Issue, Rotate
from gate_server.control import call
from gate_server.key_files import OWNER_ONLY_DIR, KeyPurpose, write_durably

LIST = "vouchers.csv"
_PURPOSES = [*(each.value for each in KeyPurpose), TLS]


@click.group("key", cls=Group)
def key() -> None:
    """The server's secrets, by purpose and number; never shown."""


@key.command("list")
def key_list() -> None:
    """List every key: what for, since when, whether it is in use."""
    found = call(options().data, "key list")
    show(found, listing(found, ("purpose", "number", "state", "created_at", "signs_from")))


@key.command("rotate")
@click.argument("purpose", type=click.Choice(_PURPOSES))
@click.option("--now", "at_once", is_flag=True, help="Use it at once: the old one was stolen.")
def key_rotate(purpose: str, at_once: bool) -> None:
    """Make the next key for a purpose; what older ones made stays good.

    Keys that scanners need are used a day later, when every scanner has fetched them, unless --now
    says otherwise. `tls` renews the server's certificate; no scanner must be enrolled again.
    """
    made = call(options().data, "key rotate", Rotate(purpose=purpose, at_once=at_once))
    number = "" if made["number"] is None else f" {made['number']}"
    show(made, f"{purpose} key{number}: {made['state']}")


@click.group("voucher", cls=Group)
def voucher() -> None:
    """Vouchers: issue our own, ask whose phone bought one."""


voucher.add_command(voucher_verify)


@voucher.command("issue")
@click.argument("deal_id", metavar="DEAL")
@click.option("--count", type=click.IntRange(1, MOST_ISSUED), default=1, show_default=True)
@click.option(
    "--admits",
    type=click.IntRange(1, MOST_ADMITS),
    default=1,
    show_default=True,
    help="People that each lets in.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Empty or new directory for the pictures and vouchers.csv.",
)
def voucher_issue(deal_id: str, count: int, admits: int, out: Path) -> None:
    """Make signed vouchers: a PNG each, and vouchers.csv with their codes.

    Whoever has a picture has the voucher; the files are readable by you alone.
    """
    if out.exists() and any(out.iterdir()):
        raise InvalidInput("--out", f"{out} is not empty; give another directory")
    out.mkdir(mode=OWNER_ONLY_DIR, parents=True, exist_ok=True)
    issued = call(
        options().data, "voucher issue", Issue(deal_id=deal_id, count=count, admits=admits)
    )
    for each in issued:
        write_durably(out / f"{each['voucher_ref']}.png", png_qr(each["code"]), replace=False)
    write_durably(out / LIST, _csv(issued), replace=False)
    shown = [{**each, "file": f"{each['voucher_ref']}.png"} for each in issued]
    show(shown, f"{counted(len(issued), 'voucher')} in {out}")


def _csv(issued: list[dict[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    rows = csv.DictWriter(out, ("code", "deal_id", "voucher_ref", "admits"))
    rows.writeheader()
    rows.writerows(issued)
    return out.getvalue().encode("utf-8")
