"""The use case of closures: preview, declare, amend, restore, list; for calls and commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from admission.broadcasts import checked_text
from admission.deals import Closure, Deal
from admission.errors import NotFound
from admission.wire_base import Text
from admission.wire_terms import (
    ClosureAnswer,
    ClosureCounts,
    ClosurePreview,
    ClosureRequest,
    ClosuresAnswer,
    ClosureTerms,
)
from gate_server.breath import Breath
from gate_server.ledger.closure_counts import count_closure
from gate_server.ledger.closure_rows import ClosureVersion, list_versions
from gate_server.ledger.closures import (
    Plan,
    amend_closure,
    closure_number,
    declare_closure,
    plan_closure,
    restore_closure,
)
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session

FAR: Final = timedelta(days=14)
"""A closed time further away than this may be a mistyped day."""


_FAR_OFF: Final = Text(
    zh="闭园时间在14天以后，请核对日期",
    en="the closed time begins more than 14 days from now; look at the day again",
)
_LONG_AGO: Final = Text(
    zh="闭园时间在14天以前，请核对日期",
    en="the closed time began more than 14 days ago; look at the day again",
)


class ClosureDesk:
    """What supervisors do with closures; on every connected scanner within a second.

    Args:
        by: who, for the record.
    """

    def __init__(self, ledger: Ledger, *, by: str) -> None:
        self._ledger = ledger
        self._by = by

    def page(self) -> ClosuresAnswer:
        """Return all closures, the newest first."""
        found = self._ledger.read(list_versions)
        return ClosuresAnswer(closures=[self._answer(versions) for versions in found])

    def show(self, closure_id: str) -> ClosureAnswer:
        """Return one closure with all its versions.

        Raises:
            NotFound: there is none of that number.
        """
        return self._answer(self._versions(closure_id))

    def declare(self, request: ClosureRequest) -> ClosureAnswer:
        """Close the venue for a time."""
        _check_texts(request)
        now = self._ledger.clock()
        return self._write(lambda tx: declare_closure(tx, request, by=self._by, now=now))

    def amend(self, closure_id: str, request: ClosureRequest) -> ClosureAnswer:
        """Put other terms in the place of those in force, or of a closure that was restored."""
        _check_texts(request)
        now = self._ledger.clock()
        return self._write(lambda tx: amend_closure(tx, closure_id, request, by=self._by, now=now))

    def restore(self, closure_id: str, reason: str) -> ClosureAnswer:
        """End a closure."""
        why, now = checked_text("reason", reason), self._ledger.clock()
        return self._write(
            lambda tx: restore_closure(tx, closure_id, reason=why, by=self._by, now=now)
        )

    # --- previews --------------------------------------------------------------------------------

    def preview(self, request: ClosureRequest, closure_id: str | None = None) -> ClosureAnswer:
        """Return what declaring or amending would come to; nothing is changed."""
        _check_texts(request)
        ledger, begun_s = self._ledger, monotonic()
        before = None if closure_id is None else self._versions(closure_id)[-1]
        plan = plan_closure(ledger.catalogue, ledger.venue, request, now=ledger.clock())
        return ClosureAnswer(
            closure_id=closure_id,
            status="preview",
            terms=self._terms(
                plan.closure, plan.deal_nos, by=self._by, reason=request.reason, planned=True
            ),
            preview=self._counted(plan, before, begun_s),
            warnings=odd_days(plan.closure, self._ledger.clock()),
        )

    def preview_restore(self, closure_id: str) -> ClosureAnswer:
        """Return what ending a closure would take back; nothing is changed."""
        begun_s, versions = monotonic(), self._versions(closure_id)
        answer = self._answer(versions)
        preview = self._counted(None, versions[-1], begun_s)
        return ClosureAnswer(
            closure_id=closure_id, status="preview", terms=answer.terms, preview=preview
        )

    def _counted(
        self, plan: Plan | None, before: ClosureVersion | None, begun_s: float
    ) -> ClosurePreview:
        after = ClosureCounts()
        if plan is not None:
            closure = plan.closure
            if before is not None:
                # Of one closure the old terms go as the new ones come.
                closure = replace(closure, closure_id=before.closure.closure_id)
            after = self._count(closure, plan.deal_nos)
        earlier = None
        if before is not None and not before.closure.restored:
            earlier = self._count(before.closure, before.deal_nos)
        seconds = round(monotonic() - begun_s, 3)
        return ClosurePreview(after=after, before=earlier, seconds=seconds)

    def _count(self, closure: Closure, deal_nos: Sequence[int]) -> ClosureCounts:
        deals = self._ledger.catalogue.deals
        bound: list[Deal] = [deals[number] for number in deal_nos]
        now, pause = self._ledger.clock(), Breath().take
        return count_closure(self._ledger, closure, bound, now, pause=pause)

    # --- answers ---------------------------------------------------------------------------------

    def _versions(self, closure_id: str) -> list[ClosureVersion]:
        number = closure_number(closure_id)
        found = self._ledger.read(lambda db: list_versions(db, number))
        if not found:
            raise NotFound(f"no closure {closure_id}")
        return found[0]

    def _write(self, work: Callable[[Session], ClosureVersion]) -> ClosureAnswer:
        version = self._ledger.write(work, alone=True, urgent=True)
        return self._answer(self._versions(version.closure.closure_id))

    def _answer(self, versions: Sequence[ClosureVersion]) -> ClosureAnswer:
        told = [
            self._terms(each.closure, each.deal_nos, by=each.made_by, reason=each.reason)
            for each in versions
        ]
        newest = versions[-1].closure
        return ClosureAnswer(
            closure_id=newest.closure_id,
            status="restored" if newest.restored else "in_force",
            terms=told[-1],
            versions=told,
            warnings=[] if newest.restored else odd_days(newest, self._ledger.clock()),
        )

    def _terms(
        self,
        closure: Closure,
        deal_nos: Sequence[int],
        *,
        by: str,
        reason: str,
        planned: bool = False,
    ) -> ClosureTerms:
        deals, notice = self._ledger.catalogue.deals, closure.notice
        return ClosureTerms(
            version=None if planned else closure.version,
            committed_at=None if planned else closure.committed_at,
            by=by,
            reason=reason,
            restored=closure.restored,
            closed_from=closure.closed_from,
            closed_until=closure.closed_until,
            extend_until=closure.extend_until,
            used_too=closure.used_too,
            refunds_open=closure.refunds_open,
            notice=None if notice is None else Text(zh=notice[0], en=notice[1]),
            deals=[deals[number].deal_id for number in deal_nos],
        )


def shown_closures(ledger: Ledger, deal: Deal) -> list[ClosureAnswer]:
    """Return the closures in force for a deal."""
    desk = ClosureDesk(ledger, by="")
    return [desk.show(closure.closure_id) for closure in deal.closures]


def odd_days(closure: Closure, now: datetime) -> list[Text]:
    """Say what of a closure's times may be mistyped, though it can be meant."""
    if abs(closure.closed_from - now) <= FAR:
        return []
    return [_LONG_AGO if closure.closed_from < now else _FAR_OFF]


def _check_texts(request: ClosureRequest) -> None:
    checked_text("reason", request.reason)
    if request.notice is not None:
        checked_text("notice.zh", request.notice.zh)
        checked_text("notice.en", request.notice.en)
