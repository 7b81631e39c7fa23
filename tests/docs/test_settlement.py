"""The page about settlement: its figures come out of the rules, and its check of a hash works."""

import json
import re
from dataclasses import replace

import msgspec

from admission.scans import Mode
from admission.settlement import settle
from admission.settlement_sums import Sums
from admission.settlement_terms import Basis, Proof, Remedy, Sold
from admission.verdicts import Reason
from admission.voids import CostBearer
from admission.wire_settlement import write_settlement
from tests.builders import VENUE, a_deal, a_record, a_void, a_voucher, at
from tests.docs.pages import ROOT, read

PAGE = read(ROOT / "docs/settlement.md")


def figures():
    text = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    return json.loads(text[1])


def honoured(people, stamp=None):
    """A voucher of which so many people were honoured at 17:30; `stamp`: of its arrival."""
    scan = a_record("17:30", reason=Reason.HONOURED, people=people)
    proofs = [Proof(record=scan, scan_id=2, void_version=1)]
    arrived = a_record(stamp or "16:58", mode=Mode.ARRIVE, people=0, device_id="M1")
    bounded_at = at("08:45") if stamp else None
    proofs.append(
        Proof(record=arrived, scan_id=1, offline=stamp is not None, bounded_at=bounded_at)
    )
    return Sold(voucher=a_voucher(admits=people, price_paid_minor=1), proofs=proofs)


def overridden():
    scan = a_record("18:00", people=0, reason=Reason.DEAL_VOIDED, overridden=2,
                    overridden_at=at("18:01"))  # fmt: skip
    proofs = [Proof(record=scan, cost_bearer=CostBearer.VENUE)]
    return Sold(voucher=a_voucher(admits=2, price_paid_minor=1), proofs=proofs)


def test_the_case_of_2015_comes_out():
    deal = a_deal(deal_id="OCT-EAST-001")
    sums = Sums(Basis(
        deal=deal,
        venue=VENUE,
        as_of=at("09:00", day=at("09:00").date().replace(day=13)),
        voids=(a_void(settlement_unit_minor=26000),),
        remedy=Remedy(compensation_per_buyer_minor=1000),
    ))  # fmt: skip
    kinds = [(honoured(2), 1185), (honoured(4), 1), (honoured(2, "08:30"), 16),
             (honoured(2), 1), (honoured(2, "08:30"), 1), (overridden(), 3)]  # fmt: skip
    for sold, count in kinds:
        row = settle(sold, sums.basis)
        for _ in range(count):
            sums.add(row)
    due = settle(Sold(voucher=a_voucher(price_paid_minor=1)), sums.basis)
    for number in range(205_658):
        sold = replace(due.sold, buyer_no=number % 98_000, buyer_blocked=number % 98_000 < 58)
        sums.add(replace(due, sold=sold))

    assert (
        json.loads(msgspec.json.encode(write_settlement(sums, balanced=sums.balanced(206_865))))
        == figures()
    )


def test_every_class_and_amount_of_the_page_is_explained():
    made = figures()
    named = [*made["counts"], *made["amounts_minor"], *made["evidence"], "over_admitted"]

    words = {"owed_to_venue", "sold", "disputed", "refunds", "compensation"}
    assert [name for name in named if f"`{name}`" not in PAGE and name not in words] == []


def test_yuan_of_the_table_are_the_fen_of_the_figures():
    made = figures()["amounts_minor"]
    told = re.findall(r"\| ([\d,]+\.\d\d) \|$", PAGE, re.MULTILINE)

    assert [round(float(text.replace(",", "")) * 100) for text in told] == [
        made["owed_to_venue"], 0, made["refunds"], made["compensation"],
    ]  # fmt: skip
