"""The use case of voids: preview, void, amend, restore, all versions; for calls and commands."""

from __future__ import annotations

from datetime import datetime
from time import monotonic
from typing import Final, Literal

from admission.deals import Deal
from admission.errors import LedgerConflict, NotFound
from admission.remedies import Refund, Remedy
from admission.voids import Honour, Void, is_far, lost_notice
from admission.wire_base import Text
from admission.wire_staff import Preview, RemedyWire, VoidAnswer, VoidRequest
from admission.wire_terms import HonourTerms, RemedyTerms, VoidVersion
from gate_server.breath import Breath
from gate_server.ledger.actions import restore_deal, void_deal
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.conflicts import reconcile_deal
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.void_previews import plan_void, preview_terms
from gate_server.ledger.void_versions import MadeVersion, list_made

_FAR: Final = Text(
    zh="到场截止时间距今超过36小时，请核对日期",
    en="arrived_by is more than 36 hours from now; look at the day again",
)
_UNSAID: Final = Text(
    zh="条款没有写明其余订单退什么：对游客只说“退款以平台公告为准”，结算单和退款清单则按实付金额计；"
    "请用 remedy（命令行 --refund）写明",
    en="the terms do not say what all others get back: visitors hear that refunds follow the"
    " platform's notice, the settlement and refund lists count the price paid; say it with remedy"
    " (--refund)",
)


def void(ledger: Ledger, deal_id: str, terms: VoidRequest, *, by: str) -> VoidAnswer:
    """Withdraw a deal, or change the terms; on every connected scanner within a second."""
    now, before = ledger.clock(), ledger.catalogue.voids.get(_deal(ledger, deal_id).deal_no)
    version = ledger.write(
        lambda tx: void_deal(tx, deal_id, terms, by=by, now=ledger.clock()),
        alone=True,
        urgent=True,
    )
    reconcile_deal(ledger, deal_id)
    in_force = ledger.catalogue.voids.get(ledger.catalogue.deal_nos[deal_id])
    warnings = [] if in_force is None else _warnings(before, in_force, now)
    return VoidAnswer(deal_id=deal_id, status="voided", void_version=version, warnings=warnings)


def _warnings(before: Void | None, after: Void, now: datetime) -> list[Text]:
    """Return what may be a mistake in new terms, though it can be meant."""
    found = [_FAR] if is_far(after.honour, now) else []
    if after.remedy is None:
        found.append(_UNSAID)
    lost = lost_notice(before, after)
    if lost is not None:
        zh = f"第 {lost} 版的对外说明不再生效，游客听到的改由条款自动生成；要保留请再写一次"
        en = f"the notice of version {lost} no longer applies; visitors hear one put together from"
        found.append(Text(zh=zh, en=f"{en} the terms. To keep it, give it again"))
    return found


def restore(ledger: Ledger, deal_id: str, reason: str, *, by: str) -> VoidAnswer:
    """End a void and any hold; who was let in stays so."""
    version = ledger.write(
        lambda tx: restore_deal(tx, deal_id, reason=reason, by=by, now=ledger.clock()),
        alone=True,
        urgent=True,
    )
    reconcile_deal(ledger, deal_id)
    return VoidAnswer(deal_id=deal_id, status="active", void_version=version)


def preview_void(ledger: Ledger, deal_id: str, terms: VoidRequest) -> VoidAnswer:
    """Return what a void, or other terms of one, would come to; nothing is changed."""
    deal, now = _deal(ledger, deal_id), ledger.clock()
    return _preview(ledger, deal, terms, plan_void(ledger, deal, terms, now))


def preview_restore(ledger: Ledger, deal_id: str) -> VoidAnswer:
    """Return what ending a void would come to; nothing is changed.

    Raises:
        LedgerConflict: `not-voided`.
    """
    deal = _deal(ledger, deal_id)
    if deal.deal_no not in ledger.catalogue.voids:
        raise LedgerConflict("not-voided", f"deal {deal_id} is not voided")
    return _preview(ledger, deal, None, None)


def _deal(ledger: Ledger, deal_id: str) -> Deal:
    deal = ledger.catalogue.deal(deal_id)
    if deal is None:
        raise NotFound(f"no deal {deal_id}")
    return deal


def _preview(
    ledger: Ledger, deal: Deal, terms: VoidRequest | None, version: Void | None
) -> VoidAnswer:
    begun_s, now = monotonic(), ledger.clock()
    before = ledger.catalogue.voids.get(deal.deal_no)
    found = preview_terms(ledger, deal, terms, version, now, pause=Breath().take)
    touched = found.touched
    preview = Preview(
        vouchers=touched.vouchers,
        people=touched.people,
        buyers=len(touched.buyers),
        paid_minor=touched.paid_minor,
        arrived=touched.arrived,
        admitted_people=touched.admitted_people,
        inside=touched.inside,
        would_admit=touched.honoured,
        would_refuse=touched.refused,
        refunded_people=touched.refunded_people,
        money=found.after,
        before=found.before,
        newly_covered=found.newly_covered,
        no_longer_covered=found.no_longer_covered,
        seconds=round(monotonic() - begun_s, 3),
    )
    return VoidAnswer(
        deal_id=deal.deal_id,
        status=status_of(ledger.catalogue, deal),
        void_version=None,
        preview=preview,
        warnings=[] if version is None else _warnings(before, version, now),
    )


# --- what is shown -------------------------------------------------------------------------------


def status_of(catalogue: Catalogue, deal: Deal) -> Literal["active", "held", "voided"]:
    """Return how a deal stands."""
    if deal.deal_no in catalogue.voids:
        return "voided"
    return "held" if deal.deal_no in catalogue.holds else "active"


def unit_minor(deal: Deal, given: int | None) -> int:
    """Return what is owed a person honoured: as given, else the settle price, else the face."""
    unit = deal.settle_price_minor if given is None else given
    return deal.face_price_minor if unit is None else unit


def honour_terms(honour: Honour | None) -> HonourTerms | None:
    """Return honour terms as they are shown."""
    if honour is None:
        return None
    return HonourTerms(
        arrived_from=honour.arrived_from,
        arrived_by=honour.arrived_by,
        admit_until=honour.admit_until,
        max_people=honour.max_people,
    )


def void_versions(ledger: Ledger, deal: Deal, *, named: bool = True) -> list[VoidVersion]:
    """Return every version of a deal's void, oldest first; `named`: with who made it."""
    made = ledger.read(lambda db: list_made(db, deal.deal_no))
    return [_version(each, deal, named=named) for each in made]


def _version(made: MadeVersion, deal: Deal, *, named: bool) -> VoidVersion:
    version, remedy = made.void, made.remedy
    return VoidVersion(
        void_version=version.version,
        committed_at=version.committed_at,
        by=made.made_by if named else None,
        reason=version.reason,
        restored=version.restored,
        honour=honour_terms(version.honour),
        cost_bearer=version.cost_bearer,
        settlement_unit_minor=unit_minor(deal, version.settlement_unit_minor),
        statuses_since=version.statuses_since,
        notice=notice_terms(version),
        remedy=remedy_terms(remedy),
    )


def notice_terms(version: Void) -> Text | None:
    """Return the notice that somebody wrote for a version, as it is shown."""
    return None if version.notice is None else Text(zh=version.notice[0], en=version.notice[1])


def remedy_terms(remedy: RemedyWire | Remedy | None) -> RemedyTerms | None:
    """Return what a version promises to buyers, as it is shown; None: its terms do not say."""
    if remedy is None:
        return None
    refund = Refund(remedy.refund)
    return RemedyTerms(
        refund="none" if refund is Refund.NONE else "price_paid",
        compensation_per_buyer_minor=remedy.compensation_per_buyer_minor,
    )
