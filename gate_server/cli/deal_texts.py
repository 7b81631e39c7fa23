"""Say for people how a deal stands: its hold, the terms of its void, and what they mean."""

from __future__ import annotations

from typing import Any

from gate_server.cli.edge import local


def deal_text(deal: dict[str, Any]) -> str:
    """Return a deal as `deal show` shows it."""
    sold = f"{deal['vouchers']} vouchers for {deal['people_sold']} people"
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
    return "\n".join(lines)


def understood(made: dict[str, Any]) -> str:
    """Return the terms of a void as the ledger understood them, and whom they let in."""
    honour = made["honour"]
    text = f"{terms(made)}\nvouchers still let in: {made['would_admit']}"
    if honour is not None:
        text += " (arrivals so far)"
    return f"{text}, refused: {made['would_refuse']}"


def terms(void: dict[str, Any]) -> str:
    """Return whom a void honours and who pays, in venue time."""
    honour = void["honour"]
    if honour is None:
        return "honoured: nobody, not even those who have arrived"
    most = "" if honour["max_people"] is None else f", at most {honour['max_people']} people"
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
    at = local(void["committed_at"])
    return f"{void['void_version']}  {at}  {kind}; {void['by']}: {void['reason']}"
