"""`gate-server deal`: list, show, hold, release, void, restore."""

from __future__ import annotations

from typing import Any

import click

from admission.deals import AtGate
from admission.voids import CostBearer
from admission.wire import Text
from admission.wire_staff import HonourWire, RemedyWire, VoidRequest
from gate_server.cli.deal_texts import deal_text, preview_text, understood
from gate_server.cli.edge import Group, listing, options, show
from gate_server.cli.times import read_time
from gate_server.commands.deals import Hold, Reasoned, RestoreDeal, VoidDeal
from gate_server.commands.venue import Named
from gate_server.control import call

_DEAL = click.argument("deal_id", metavar="DEAL")
_REASON = click.option("--reason", required=True, help="Why, for the record.")
_MONEY = click.IntRange(0, 10**12)


@click.group("deal", cls=Group)
def deal() -> None:
    """What platforms sell; hold it, void it, take that back.

    Times are RFC 3339; without an offset they are the venue's. A time alone (17:00) is today's, and
    a date alone is that day's first or last instant.
    """


@deal.command("list")
def deal_list() -> None:
    """List all deals with what was sold and who came."""
    found = call(options().data, "deal list")
    columns = ("deal_id", "platform", "title", "status", "vouchers", "people_sold",
               "people_admitted")  # fmt: skip
    show(found, listing(found, columns))


@deal.command("show")
@_DEAL
def deal_show(deal_id: str) -> None:
    """Show a deal with its hold, the void terms in force, and every version of them."""
    found = call(options().data, "deal show", Named(name=deal_id))
    show(found, deal_text(found))


@deal.command("hold")
@_DEAL
@_REASON
@click.option("--sold-from", metavar="TIME", help="Only vouchers sold from then.")
@click.option("--sold-until", metavar="TIME", help="Only vouchers sold until then.")
@click.option("--price-at-most", type=_MONEY, metavar="MINOR", help="Only at most this a person.")
@click.option(
    "--at-gate",
    type=click.Choice([each.value for each in AtGate]),
    default=AtGate.REFER.value,
    show_default=True,
    help="Call a human, or let in and mark.",
)
def deal_hold(deal_id: str, **given: Any) -> None:
    """Let a deal's vouchers await a human's decision."""
    params = Hold(
        deal_id=deal_id,
        reason=given["reason"],
        sold_from=read_time("--sold-from", given["sold_from"]),
        sold_until=read_time("--sold-until", given["sold_until"], last=True),
        price_at_most_minor=given["price_at_most"],
        at_gate=AtGate(given["at_gate"]),
    )
    show(call(options().data, "deal hold", params), f"deal {deal_id} is on hold")


@deal.command("release")
@_DEAL
@_REASON
def deal_release(deal_id: str, reason: str) -> None:
    """End a hold; the vouchers are admitted again."""
    made = call(options().data, "deal release", Reasoned(deal_id=deal_id, reason=reason))
    show(made, f"deal {deal_id} is active")


@deal.command("restore")
@_DEAL
@_REASON
@click.option("--preview", is_flag=True, help="Change nothing; say what it would come to.")
def deal_restore(deal_id: str, *, reason: str, preview: bool) -> None:
    """End a void and any hold; the vouchers are admitted again."""
    params = RestoreDeal(deal_id=deal_id, reason=reason, preview=preview)
    made = call(options().data, "deal restore", params)
    if preview:
        show(made, f"nothing was changed; a restore would touch\n{preview_text(made)}")
    else:
        show(made, f"deal {deal_id} is active again, version {made['void_version']}")


@deal.command("void")
@_DEAL
@_REASON
@click.option("--arrived-by", metavar="TIME", help="Honour who has arrived by then; "
              "17:00 is today, venue time.")  # fmt: skip
@click.option("--nobody", is_flag=True, help="Honour nobody.")
@click.option(
    "--arrived-from", metavar="TIME", help="... and not before; default that day's start."
)
@click.option("--admit-until", metavar="TIME", help="Let them in until; default that day's end.")
@click.option("--max-people", type=click.IntRange(0, 10**7), help="... and at most so many.")
@click.option(
    "--cost-bearer",
    required=True,
    type=click.Choice([each.value for each in CostBearer]),
    help="Who pays for the people honoured.",
)
@click.option("--settlement-unit", type=_MONEY, metavar="MINOR", help="Owed a person honoured; "
              "default the settle price, else the face price.")  # fmt: skip
@click.option("--statuses-since", metavar="TIME", help="Cancellations and refunds from then on are "
              "the void's own; default the hold that it ends.")  # fmt: skip
@click.option("--notice-zh", help="Sentence on every refusal, in Chinese.")
@click.option("--notice-en", help="... and in English.")
@click.option("--refund", type=click.Choice(["price_paid", "none"]), help="What others get back. "
              "Not given, visitors are promised nothing, and the settlement counts the price "
              "paid; with --compensation it is price_paid.")  # fmt: skip
@click.option("--compensation", type=_MONEY, metavar="MINOR", help="... and a buyer on top; "
              "default 0.")  # fmt: skip
@click.option("--preview", is_flag=True, help="Change nothing; count what it would touch.")
def deal_void(deal_id: str, **given: Any) -> None:
    """Withdraw a deal, or change the terms on which it was withdrawn.

    On every connected scanner within a second. Say whom to honour: --arrived-by TIME or --nobody.
    """
    params = VoidDeal(deal_id=deal_id, terms=_terms(given), preview=given["preview"])
    made = call(options().data, "deal void", params)
    if params.preview:
        text = f"{preview_text(made)}\n{understood(made)}"
        show(made, f"nothing was changed; a void would touch\n{text}")
    else:
        version = made["void_version"]
        show(made, f"deal {deal_id} is voided, version {version}\n{understood(made)}")


def _terms(given: dict[str, Any]) -> VoidRequest:
    remedy = notice = None
    if given["refund"] is not None or given["compensation"] is not None:
        remedy = RemedyWire(
            refund=given["refund"] or "price_paid",
            compensation_per_buyer_minor=given["compensation"] or 0,
        )
    if (given["notice_zh"] is None) != (given["notice_en"] is None):
        raise click.UsageError("give the notice in both languages")
    if given["notice_zh"] is not None:
        notice = Text(zh=given["notice_zh"], en=given["notice_en"])
    return VoidRequest(
        reason=given["reason"],
        honour=_honour(given),
        cost_bearer=CostBearer(given["cost_bearer"]),
        settlement_unit_minor=given["settlement_unit"],
        statuses_since=read_time("--statuses-since", given["statuses_since"]),
        notice=notice,
        remedy=remedy,
    )


def _honour(given: dict[str, Any]) -> HonourWire | None:
    arrived_by = read_time("--arrived-by", given["arrived_by"], last=True)
    if (arrived_by is None) is not given["nobody"]:
        raise click.UsageError("say whom to honour: --arrived-by TIME, or --nobody")
    if arrived_by is None:
        if given["arrived_from"] or given["admit_until"] or given["max_people"] is not None:
            raise click.UsageError("--nobody leaves nothing to limit")
        return None
    return HonourWire(
        arrived_by=arrived_by,
        arrived_from=read_time("--arrived-from", given["arrived_from"]),
        admit_until=read_time("--admit-until", given["admit_until"], last=True),
        max_people=given["max_people"],
    )
