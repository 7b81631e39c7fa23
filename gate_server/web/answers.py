"""Turn a decision into what the device is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec import UNSET
from msgspec.structs import replace

from admission.messages import Messages
from admission.verdicts import RULES_VERSION, FirstUse, Outcome, Reason, Verdict
from admission.wire import FirstUseAnswer, PickAnswer, ScanAnswer, Text, VoucherAnswer
from admission.wire_tickets import TicketAnswer
from gate_server.decisions import Decision
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.scans import VoucherRow
from gate_server.ledger.tickets import Shown
from gate_server.web.picks import Picks


@dataclass(frozen=True, slots=True)
class Answers:
    """Writes scan answers of one ledger.

    Attributes:
        catalogue: gives the ledger's newest, for the names of its gates.
        venue: its name, for paper.
    """

    messages: Messages
    picks: Picks
    catalogue: Callable[[], Catalogue]
    venue: str

    def scan(self, decision: Decision, *, device_id: str, now: datetime) -> ScanAnswer:
        """Return what a device is told of its scan; it never holds the code."""
        verdict = decision.verdict
        row = decision.row
        return ScanAnswer(
            outcome=verdict.outcome,
            reason=verdict.reason,
            admitted=verdict.people,
            remaining=verdict.remaining,
            nonce=decision.nonce,
            scan_id=None if decision.scan_id is None else str(decision.scan_id),
            replayed=decision.replayed,
            message=self.words(decision),
            decided_at=decision.decided_at,
            epoch=self.picks.epoch,
            ledger_revision=decision.revision,
            void_version=verdict.void_version,
            rules_version=RULES_VERSION,
            voucher=None if row is None else _voucher(row, verdict, decision.area),
            vouchers=self._several(decision, device_id, now) if decision.several else None,
            arrival_number=decision.arrival_number,
            tickets=[self.ticket(each) for each in decision.tickets] or None,
            clock_skew_s=decision.skew_s,
            attested=decision.attested,
        )

    def turned_away(self, decision: Decision, *, device_id: str, now: datetime) -> ScanAnswer:
        """Return what the lane shows once a human has answered its call and lets nobody in.

        Only what is shown: the scan's own answer, and what its record says, stay as they were.
        """
        answer, said = self.scan(decision, device_id=device_id, now=now), self.messages.turned_away
        message = Text(zh=said.zh, en=said.en)
        return replace(answer, outcome=Outcome.REFUSE, message=message, replayed=False)

    def words(self, decision: Decision) -> Text:
        """Return the sentence of a decision, as staff were told it."""
        gates = self.catalogue().gates
        sentence = self.messages.sentence(decision.verdict, dry=decision.dry, gates=gates)
        return Text(zh=sentence.zh, en=sentence.en)

    def ticket(self, shown: Shown) -> TicketAnswer:
        """Return a ticket for whoever prints it."""
        ticket, deal = shown.ticket, shown.deal
        return TicketAnswer(
            ticket=ticket.ticket,
            number=ticket.number,
            code=shown.code,
            tail=shown.tail,
            venue=self.venue,
            title=deal.title,
            category=deal.category.value,
            valid_from=shown.valid_from,
            valid_until=shown.valid_until,
            first_day=ticket.first_day,
            last_day=ticket.last_day,
            person=f"{ticket.place}/{ticket.row_of}",
        )

    def _several(
        self, decision: Decision, device_id: str, now: datetime
    ) -> list[PickAnswer] | None:
        # Two platforms' vouchers under one code: a human must find out whose it is.
        if decision.verdict.reason is not Reason.SEVERAL_VOUCHERS:
            return None
        return [
            PickAnswer(
                pick=self.picks.write(row.voucher.voucher_id, device_id=device_id, now=now),
                tail=row.voucher.tail,
                title=row.deal.title,
                category=row.deal.category.value,
                remaining=remaining,
            )
            for row, remaining in decision.several
        ]


def _voucher(row: VoucherRow, verdict: Verdict, area: str) -> VoucherAnswer:
    voucher, deal = row.voucher, row.deal
    return VoucherAnswer(
        tail=voucher.tail,
        deal_id=deal.deal_id,
        title=deal.title,
        category=deal.category.value,
        admits=voucher.admits,
        area=area,
        arrived_at=verdict.arrived_at,
        first_use=_place(verdict.first_use),
        elsewhere=_place(verdict.elsewhere) or UNSET,
    )


def _place(use: FirstUse | None) -> FirstUseAnswer | None:
    return None if use is None else FirstUseAnswer(at=use.at, gate_id=use.gate_id)
