"""`gate-server privacy`: purge, erase one person, legal holds."""

from __future__ import annotations

from typing import Any

import click

from gate_server.cli.edge import Group, counted, listing, local, options, show
from gate_server.commands.privacy import EndHold, Erase, Hold, Purge, Settled
from gate_server.control import call

_DRY = click.option("--dry-run", is_flag=True, help="Only count; nothing is changed.")
_REASON = click.option("--reason", required=True, help="Why, for the record.")
_ROWS: dict[str, tuple[str, str]] = {
    "phones": ("phone number", "phone numbers"),
    "sealed_codes": ("sealed code", "sealed codes"),
    "buyers": ("voucher's order and account", "vouchers' orders and accounts"),
    "audit_fields": ("personal field of the audit", "personal fields of the audit"),
    "scans_operators": ("operator of a scan", "operators of scans"),
    "counts_operators": ("operator of a count", "operators of counts"),
    "reports_operators": ("operator of a lane's report", "operators of lanes' reports"),
    "shifts": ("shift", "shifts"),
    "set_aside": ("row set aside", "rows set aside"),
    "revoked_devices_lines": ("line of a revoked device", "lines of revoked devices"),
    "accounts": ("account", "accounts"),
    "operators": ("operator who left", "operators who left"),
    "vouchers": ("voucher", "vouchers"),
    "lookups": ("look-up", "look-ups"),
}
"""What one row of each kind is called, and several."""


@click.group("privacy", cls=Group)
def privacy() -> None:
    """Personal data: erase what is old or asked for, keep what the law asks for."""


@privacy.command("purge")
@_DRY
def privacy_purge(*, dry_run: bool) -> None:
    """Erase what is older than `[privacy]` in gate.toml keeps it. Run it every night.

    Scans go first. Begun anew after it was stopped, it goes on. The audit chain stays valid. What
    is on legal hold, or needed for open accounts, stays, and is told.
    """
    _tell(call(options().data, "privacy purge", Purge(dry_run=dry_run)))


@privacy.command("erase")
@click.option("--phone", metavar="NUMBER", help="All vouchers bought with this phone.")
@click.option("--platform", metavar="P", help="Whose account --buyer is.")
@click.option("--buyer", metavar="REF", help="All vouchers of this account.")
@_DRY
def privacy_erase(phone: str | None, platform: str | None, buyer: str | None, **given: Any) -> None:
    """Erase what leads to one person who asks for it; what is still needed stays, and is told."""
    params = Erase(phone=phone, platform=platform, buyer=buyer, dry_run=given["dry_run"])
    _tell(call(options().data, "privacy erase", params))


def _tell(done: dict[str, Any]) -> None:
    verb = "would be erased" if done["dry_run"] else "erased"
    lines = [f"{counted(rows, *_ROWS[what])} {verb}" for what, rows in done["removed"].items()]
    for each in done["kept"]:
        deal = "" if each["deal_id"] is None else f"deal {each['deal_id']}: "
        signed = each["statements"]
        statements = f", {counted(signed, 'statement')}" if signed else ""
        count = f"{counted(each['vouchers'], 'voucher')}{statements}"
        lines.append(f"kept: {deal}{count}. {each['zh']} {each['en']}")
    show(done, "\n".join(lines))


@privacy.command("hold")
@click.argument("subject", metavar="SUBJECT")
@click.option("--deal", "deal_id", metavar="ID", help="Only what is about this deal; else all.")
@_REASON
def privacy_hold(subject: str, deal_id: str | None, reason: str) -> None:
    """Keep personal data from the purge, for an incident or a case named SUBJECT."""
    made = call(
        options().data, "privacy hold", Hold(subject=subject, deal_id=deal_id, reason=reason)
    )
    show(made, f"legal hold {made['hold_id']} on {deal_id or 'everything'}")


@privacy.command("end-hold")
@click.argument("hold_id", metavar="ID", type=click.IntRange(1))
@_REASON
def privacy_end_hold(hold_id: int, reason: str) -> None:
    """End a legal hold."""
    made = call(options().data, "privacy end-hold", EndHold(hold_id=hold_id, reason=reason))
    show(made, f"legal hold {hold_id} is ended")


@privacy.command("holds")
def privacy_holds() -> None:
    """List the legal holds in force."""
    found = call(options().data, "privacy holds")
    columns = ("hold_id", "subject", "deal_id", "since", "made_by", "reason")
    rows = [each | {"since": local(each["since"])} for each in found]
    show(found, listing(rows, columns) or "no legal hold is in force")


@privacy.command("settled")
@click.argument("deal_id", metavar="DEAL")
def privacy_settled(deal_id: str) -> None:
    """Say that the accounts of a voided deal are closed: nobody needs its buyers any more."""
    made = call(options().data, "privacy settled", Settled(deal_id=deal_id))
    show(made, f"the accounts of {deal_id} are closed")
