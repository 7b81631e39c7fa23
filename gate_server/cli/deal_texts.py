"""Say for people how a deal stands: its hold, the terms of its void, and what they mean."""

from __future__ import annotations

from typing import Any

from gate_server.cli.edge import counted, local
from gate_server.cli.settlements import money

_COUNTED = ("vouchers", "people", "buyers", "paid_minor", "arrived", "admitted_people", "inside")
_MONEY = (
    *("refund_vouchers", "refunds_minor", "buyers_compensated", "buyers_withheld"),
    *("compensation_minor", "owed_minor", "disputed_minor"),
    *("waiting_vouchers", "waiting_people", "waiting_minor"),
    *("to_come_people", "to_come_minor"),
)
_MOVED = ("newly_covered", "no_longer_covered")


def deal_text(deal: dict[str, Any]) -> str:
    """Return a deal as `deal show` shows it."""
    people = counted(deal["people_sold"], "person", "people")
    sold = f"{counted(deal['vouchers'], 'voucher')} for {people}"
    lines = [
        f"{deal['deal_id']} {deal['title']} ({deal['platform']}): {deal['status']}",
        f"valid {local(deal['valid_from'])} to {local(deal['valid_until'])}",
        f"{sold}; {deal['people_admitted']} let in so far",
    ]
    if deal["refunded_people"]:
        lines.append(f"{deal['refunded_people']} of them were given back on request")
    if deal["hold"] is not None:
        lines.append(_hold(deal["hold"]))
    if deal["void"] is not None:
        lines += [f"void version {deal['void']['void_version']}:", terms(deal["void"] | deal)]
    if deal["void_versions"]:
        lines.append("all versions:")
    lines += [_version(each) for each in deal["void_versions"]]
    for each in deal["closures"]:
        until = local(each["terms"]["extend_until"])
        why = each["terms"]["reason"]
        lines.append(f"closure {each['closure_id']}: vouchers good until {until}; {why}")
    return "\n".join(lines)


def understood(made: dict[str, Any]) -> str:
    """Return the terms of a void as the ledger understood them, and whom they let in."""
    honour = made["honour"]
    text = f"{terms(made)}\nvouchers still let in: {made['would_admit']}"
    if honour is not None:
        text += " (arrivals so far)"
    text += f", refused: {made['would_refuse']}"
    return "\n".join([text, *(f"look again: {each['en']}" for each in made["warnings"])])


def preview_text(made: dict[str, Any]) -> str:
    """Return what a void or a restore would come to, beside what is so now."""
    preview = made["preview"]
    before, found = preview["before"], preview["money"]
    lines = [_line(name, preview) for name in _COUNTED]
    for name in _MONEY:
        line = _line(name, found)
        lines.append(line if before is None else f"{line} (now {_shown(name, before)})")
    lines += [_line(name, preview) for name in _MOVED]
    return "\n".join(lines)


def _line(name: str, found: dict[str, Any]) -> str:
    return f"{name.removesuffix('_minor').replace('_', ' ')}: {_shown(name, found)}"


def _shown(name: str, found: dict[str, Any]) -> str:
    return money(found[name]) if name.endswith("_minor") else str(found[name])


def terms(void: dict[str, Any]) -> str:
    """Return whom a void honours and who pays, what others get and hear; in venue time."""
    return "\n".join((_honoured(void), _others(void), _notice(void["notice"])))


def _others(void: dict[str, Any]) -> str:
    remedy = void["remedy"]
    if remedy is None:
        return "others get back: not said; the settlement counts the price paid"
    back = "the price paid" if remedy["refund"] == "price_paid" else "nothing"
    each = remedy["compensation_per_buyer_minor"]
    more = f", and {money(each, void['currency'])} a buyer" if each else ""
    return f"others get back: {back}{more}"


def _notice(notice: dict[str, str] | None) -> str:
    if notice is None:
        return "notice: none written; it is put together from the terms"
    return f"notice: {notice['zh']} / {notice['en']}"


def _honoured(void: dict[str, Any]) -> str:
    honour = void["honour"]
    if honour is None:
        return "honoured: nobody, not even those who have arrived"
    limit = honour["max_people"]
    most = "" if limit is None else f", at most {counted(limit, 'person', 'people')}"
    owed = f"{void['settlement_unit_minor'] / 100:.2f} {void['currency']}"
    return (
        f"honoured: who arrived from {local(honour['arrived_from'])} to"
        f" {local(honour['arrived_by'])}, let in until {local(honour['admit_until'])}{most}\n"
        f"paid by: {void['cost_bearer']}, {owed} a person honoured"
    )


def _hold(hold: dict[str, Any]) -> str:
    scope, limits = hold["scope"], []
    if scope["sold_from"] is not None:
        limits.append(f"sold from {local(scope['sold_from'])}")
    if scope["sold_until"] is not None:
        limits.append(f"sold until {local(scope['sold_until'])}")
    if scope["price_at_most_minor"] is not None:
        limits.append(f"at most {scope['price_at_most_minor'] / 100:.2f} a person")
    about = f" (only {', '.join(limits)})" if limits else ""
    if scope["any_price_from"] is not None:
        about += f", and all sold from {local(scope['any_price_from'])}"
    return (
        f"on hold since {local(hold['since'])}{about}, at the gate {hold['at_gate']}:"
        f" {hold['reason']}"
    )


def _version(void: dict[str, Any]) -> str:
    kind = "restored" if void["restored"] else "voided"
    if not void["restored"]:
        honour = void["honour"]
        kind += ", nobody" if honour is None else f", arrived by {local(honour['arrived_by'])}"
        until = "" if honour is None else f", let in until {local(honour['admit_until'])}"
        kind += f"{until}, paid by {void['cost_bearer']}"
    at = local(void["committed_at"])
    return f"{void['void_version']}  {at}  {kind}; {void['by']}: {void['reason']}"
