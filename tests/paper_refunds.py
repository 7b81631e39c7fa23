"""Refunds on request on paper: the real rule decides, and the real lock says who is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from admission.refunds import Lock, RefundCase, RefundVerdict, Standing, decide_refund
from admission.vouchers import Voucher
from tests.paper_desk import Desk
from tests.paper_rows import Row, Sold


class Refunds(Desk):
    """A desk whose platforms ask for refunds."""

    def __init__(self, scenario: Row, *, online: bool = True) -> None:
        self.locks: dict[tuple[str, str], Lock] = {}
        self.asked: dict[str, tuple[tuple[str, str] | None, RefundVerdict]] = {}
        self.withdrawn: set[str] = set()
        super().__init__(scenario, online=online)

    def voucher_now(self, sold: Sold) -> Voucher:
        voucher = super().voucher_now(sold)
        name = next((name for name, each in self.sold.items() if each is sold), None)
        lock = self.locks.get(name) if name is not None else None
        if lock is None:
            return voucher
        told = Standing(voucher.admits, voucher.price_paid_minor, voucher.status, voucher.status_at)
        after = lock.apply(told)
        return replace(
            voucher,
            admits=after.admits,
            price_paid_minor=after.price_paid_minor,
            status=after.status,
            status_at=after.status_at,
            refund_listed=after.listed,
        )

    def take_refund(self, now: datetime, body: Row) -> dict[str, Any]:
        if body["id"] in self.asked:
            return refund_answer(self.asked[body["id"]][1])
        platform = body.get("platform", "lvtu")
        name = (platform, body["code"]) if (platform, body["code"]) in self.sold else None
        verdict = decide_refund(self._case_of(name, body, now))
        self.asked[body["id"]] = name, verdict
        if name is not None and verdict.people:
            sold = self.sold[name].voucher.admits
            lock = self.locks.get(name) or Lock(0, sold, now)
            self.locks[name] = replace(lock, people=lock.people + verdict.people, at=now)
        return refund_answer(verdict)

    def _case_of(self, name: tuple[str, str] | None, body: Row, now: datetime) -> RefundCase:
        if name is None:
            return RefundCase(venue=self.venue, people=body.get("people"), found=())
        sold = self.sold[name]
        found = self._found(sold, now)
        records = self._records(sold) if found.family is None else found.family.records
        return RefundCase(
            venue=self.venue,
            people=body.get("people"),
            found=(found,),
            records=tuple(records),
            given_back=name in self.locks and found.voucher.refund_listed,
        )

    def take_withdraw(self, now: datetime, body: Row) -> None:
        name, verdict = self.asked[body["id"]]
        if name is None or not verdict.people or body["id"] in self.withdrawn:
            return
        self.withdrawn.add(body["id"])
        lock = self.locks.pop(name)
        if lock.people > verdict.people:
            self.locks[name] = replace(lock, people=lock.people - verdict.people)


def refund_answer(verdict: RefundVerdict) -> dict[str, Any]:
    """Return what a scenario may expect of a decision."""
    return {
        "decision": verdict.decision,
        "reason": verdict.reason,
        "people": verdict.people,
        "refundable": verdict.refundable,
    }
