"""Put a verdict that the scanner reached on its own into the form that the server answers in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.resources import files

from msgspec import UNSET

from admission import wire
from admission.calendar import Venue, whole_ms
from admission.cases import Found
from admission.messages import NO_COPY, NO_GATES, Messages, Sentence
from admission.notices import NoticeWords
from admission.scans import Gate
from admission.verdicts import RULES_VERSION, FirstUse, Reason, Verdict
from admission.wire_arrivals import AttestedAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict with what the answer shows beside it.

    Attributes:
        revision: of the replica that it was decided on; 0: none.
        one: the voucher it is about, where there is exactly one.
        dry: the scan was a look only, so nobody passes by it.
        attested: the earlier arrival that it counts as, by the word of staff.
        fresh: nobody of it was seen before.
    """

    verdict: Verdict
    nonce: str
    decided_at: datetime
    epoch: str
    revision: int
    area: str
    one: Found | None = None
    picks: Sequence[wire.PickAnswer] | None = None
    dry: bool = False
    replayed: bool = False
    attested: AttestedAnswer | None = None
    fresh: bool = False


def without_copy(decision: Decision) -> Decision:
    """Return a decision that was made with no replica at all: it says so, not that it is late."""
    if decision.verdict.reason is not Reason.LEDGER_STALE:
        return decision
    return replace(decision, verdict=replace(decision.verdict, say={NO_COPY: True}))


class Answers:
    """Writes the answers of this scanner, in the venue's packaged sentences."""

    def __init__(self) -> None:
        self._messages: tuple[tuple[Venue, wire.Text | None], Messages] | None = None

    def write(
        self,
        decision: Decision,
        venue: Venue,
        gates: Mapping[str, Gate] = NO_GATES,
        arrival_number: str | None = None,
        *,
        desk: wire.Text | None = None,
    ) -> wire.ScanAnswer:
        """Return what staff are shown; it never holds the code.

        Args:
            gates: by id, for their names.
            desk: where visitors are helped.
        """
        verdict = decision.verdict
        sentence = self._messages_of(venue, desk).sentence(verdict, dry=decision.dry, gates=gates)
        return wire.ScanAnswer(
            outcome=verdict.outcome,
            reason=verdict.reason,
            admitted=verdict.people,
            remaining=verdict.remaining,
            nonce=decision.nonce,
            scan_id=None,
            replayed=decision.replayed,
            message=wire.Text(zh=sentence.zh, en=sentence.en),
            decided_at=whole_ms(decision.decided_at),
            epoch=decision.epoch,
            ledger_revision=decision.revision,
            void_version=verdict.void_version,
            rules_version=RULES_VERSION,
            voucher=None if decision.one is None else _voucher(decision.one, decision),
            vouchers=None if decision.picks is None else list(decision.picks),
            arrival_number=arrival_number,
            tickets=None,
            clock_skew_s=None,
            attested=decision.attested,
        )

    def _messages_of(self, venue: Venue, desk: wire.Text | None) -> Messages:
        if self._messages is None or self._messages[0] != (venue, desk):
            place = None if desk is None else Sentence(desk.zh, desk.en)
            notices = NoticeWords(_sentences("notices.toml"), venue, place)
            self._messages = (venue, desk), Messages(_sentences("verdicts.toml"), venue, notices)
        return self._messages[1]


@cache
def _sentences(name: str) -> Mapping[str, Mapping[str, str]]:
    text = files("gatehouse_config").joinpath("messages", name).read_text("utf-8")
    return tomllib.loads(text)


def _voucher(found: Found, decision: Decision) -> wire.VoucherAnswer:
    voucher, deal, verdict = found.voucher, found.deal, decision.verdict
    return wire.VoucherAnswer(
        tail=voucher.tail,
        deal_id=deal.deal_id,
        title=deal.title,
        category=deal.category.value,
        admits=voucher.admits,
        area=decision.area,
        arrived_at=wire.at(verdict.arrived_at),
        first_use=_place(verdict.first_use),
        elsewhere=_place(verdict.elsewhere) or UNSET,
    )


def _place(use: FirstUse | None) -> wire.FirstUseAnswer | None:
    return None if use is None else wire.FirstUseAnswer(at=use.at, gate_id=use.gate_id)
