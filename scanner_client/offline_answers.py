"""Put a verdict that the scanner reached on its own into the form that the server answers in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

from admission import wire
from admission.calendar import Venue, whole_ms
from admission.cases import Found
from admission.messages import NO_GATES, Messages
from admission.scans import Gate
from admission.verdicts import RULES_VERSION, Verdict
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


class Answers:
    """Writes the answers of this scanner, in the venue's packaged sentences."""

    def __init__(self) -> None:
        self._messages: tuple[Venue, Messages] | None = None

    def write(
        self,
        decision: Decision,
        venue: Venue,
        gates: Mapping[str, Gate] = NO_GATES,
        arrival_number: str | None = None,
    ) -> wire.ScanAnswer:
        """Return what staff are shown; it never holds the code.

        Args:
            gates: by id, for their names.
        """
        verdict = decision.verdict
        sentence = self._messages_of(venue).sentence(verdict, dry=decision.dry, gates=gates)
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

    def _messages_of(self, venue: Venue) -> Messages:
        if self._messages is None or self._messages[0] != venue:
            self._messages = venue, Messages(_sentences(), venue)
        return self._messages[1]


@cache
def _sentences() -> Mapping[str, Mapping[str, str]]:
    text = files("gatehouse_config").joinpath("messages/verdicts.toml").read_text("utf-8")
    return tomllib.loads(text)


def _voucher(found: Found, decision: Decision) -> wire.VoucherAnswer:
    voucher, deal, first = found.voucher, found.deal, decision.verdict.first_use
    return wire.VoucherAnswer(
        tail=voucher.tail,
        deal_id=deal.deal_id,
        title=deal.title,
        category=deal.category.value,
        admits=voucher.admits,
        area=decision.area,
        arrived_at=wire.at(decision.verdict.arrived_at),
        first_use=None
        if first is None
        else wire.FirstUseAnswer(at=first.at, gate_id=first.gate_id),
    )
