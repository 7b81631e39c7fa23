"""Take back people who were let in and did not pass: by the server, or offline by its own rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from admission import wire
from admission.corrections import people_to_annul
from admission.errors import RelayError
from admission.history import Record, Terms
from admission.replica_columns import key_of
from admission.wire_outage import OfflineAnnul
from scanner_client.answers import NotThere
from scanner_client.clock import SteadyClock
from scanner_client.contact import Contact
from scanner_client.journal import Journal
from scanner_client.journal_rows import OwnScan
from scanner_client.offline_case import join_stamps
from scanner_client.relay import Relay
from scanner_client.replica import NoReplica, Replica, View


@dataclass(frozen=True, slots=True)
class Annulled:
    """What came of it.

    Attributes:
        people: taken back in all.
        scan: as the server has it; None where the server has yet to be told.
    """

    people: int
    scan: wire.ScanAnswer | None = None

    @property
    def offline(self) -> bool:
        """Whether the server has yet to be told."""
        return self.scan is None


class Annulment:
    """Annuls scans of this scanner."""

    def __init__(
        self,
        relay: Relay,
        contact: Contact,
        journal: Journal,
        replica: Replica,
        clock: SteadyClock,
        *,
        operator: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._operator = operator
        self._relay = relay
        self._contact = contact
        self._journal = journal
        self._replica = replica
        self._clock = clock

    def annul(self, nonce: str, request: wire.AnnulRequest) -> Annulled:
        """Take back people of a scan.

        Raises:
            Declined, LedgerConflict, InvalidInput: the rule does not allow it.
            RelayError: the server did not answer, and nothing is known of the scan here.
        """
        request = replace(request, operator=request.operator or self._operator())
        own = self._journal.find(nonce)
        # The server cannot annul what it has not been told of: then it is told of both, in order.
        if own is None or own.state != "waiting":
            try:
                return self._ask(nonce, request, own)
            except NotThere:
                # It was restored, and will be told of the scan before it is told of this.
                if own is None:
                    raise
            except RelayError as error:
                if self._contact.failed(error) or own is None:
                    raise
        return self._annul(own, request)

    def _ask(self, nonce: str, request: wire.AnnulRequest, own: OwnScan | None) -> Annulled:
        answer = self._relay.annul(nonce, request)
        self._contact.answered(answer.epoch)
        if own is None:
            return Annulled(request.people or 0, answer)
        people = own.record.people - answer.admitted
        if people > own.record.annulled:
            line = self._line(own, people, request)
            self._journal.amend(line, self._clock.now(), revision=answer.ledger_revision)
        return Annulled(people, answer)

    def _annul(self, own: OwnScan, request: wire.AnnulRequest) -> Annulled:
        now = self._clock.now()
        record, others, terms = self._look_up(own)
        people = people_to_annul(
            record, others, terms, people=request.people, now=now, by_supervisor=False
        )
        if people:
            self._journal.amend(self._line(own, people, request), now)
        return Annulled(people or record.annulled)

    def _line(self, own: OwnScan, people: int, request: wire.AnnulRequest) -> OfflineAnnul:
        return OfflineAnnul(
            annul=own.line.nonce,
            reason=request.reason,
            people=people,
            scanned_at=wire.at(self._clock.wall()) or self._clock.now(),
            gate_id=own.line.gate_id,
            operator=request.operator,
        )

    def _look_up(self, own: OwnScan) -> tuple[Record, list[Record], Terms]:
        """Return the scan as it stands, the others of its voucher, and the voucher's terms."""
        records, terms = self._records(own)
        name = own.record.device_id, own.line.nonce
        this = [each for each in records if (each.device_id, each.nonce) == name]
        others = [each for each in records if (each.device_id, each.nonce) != name]
        return (this[0] if this else own.record), others, terms

    def _records(self, own: OwnScan) -> tuple[list[Record], Terms]:
        if own.line.code_key is None:
            return [own.record], Terms()
        key = key_of(own.line.code_key)
        try:
            with self._replica.view() as view:
                return self._records_in(view, key, own.platform)
        except NoReplica:
            return [scan.record for scan in self._journal.scans_of([key])], Terms()

    def _records_in(self, view: View, key: bytes, platform: str) -> tuple[list[Record], Terms]:
        rows = [held for held in view.find([key]) if held.platform == platform or not platform]
        if len(rows) != 1:
            stamps = join_stamps(view.records_of_key(key), self._journal.scans_of([key]))
            return [record for record, _ in stamps], Terms()
        held = rows[0]
        keys = (held.credential_key, *held.more_keys)
        stamps = join_stamps(view.records_of(held), self._journal.scans_of(keys))
        return [record for record, _ in stamps], Terms.of(held.voucher, held.deal)
