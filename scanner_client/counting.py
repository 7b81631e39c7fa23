"""Count people without a voucher at a lane: by the server, or offline like a scan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from admission import wire
from admission.corrections import people_of_count_to_annul
from admission.errors import InvalidInput, RelayError
from admission.offline_lines import check_count
from admission.scans import Direction, Profile
from admission.wire_outage import OfflineAnnul, OfflineCount
from scanner_client.answers import NotThere
from scanner_client.checkin import new_nonce
from scanner_client.clock import SteadyClock
from scanner_client.contact import Contact
from scanner_client.journal import Journal
from scanner_client.journal_counts import OwnCount
from scanner_client.relay import Relay


@dataclass(frozen=True, slots=True)
class CountedHere:
    """People who were counted.

    Attributes:
        people: those who stay counted.
        offline: the server has yet to be told.
    """

    nonce: str
    people: int
    offline: bool


@dataclass(frozen=True, slots=True)
class Place:
    """What a scanner is, as far as counting goes.

    Attributes:
        gate_id: where it stands now.
        operator: who stands there now.
        practising: whether staff learn at it now, so that nothing may be recorded.
    """

    profile: Profile
    gate_id: Callable[[], str]
    operator: Callable[[], str | None]
    practising: Callable[[], bool]


class Counting:
    """Counts people at one scanner."""

    def __init__(
        self, relay: Relay, contact: Contact, journal: Journal, clock: SteadyClock, place: Place
    ) -> None:
        self._relay = relay
        self._contact = contact
        self._journal = journal
        self._clock = clock
        self._place = place

    def count(
        self, kind: wire.CountKind, people: int, direction: Direction = Direction.ENTRY
    ) -> CountedHere:
        """Count people; on disk before this returns.

        Raises:
            InvalidInput: the device counts nobody, or practises.
            Declined: the server will not have it.
        """
        self._check()
        nonce, operator = new_nonce(self._clock.wall()), self._place.operator()
        line = OfflineCount(
            nonce=nonce,
            kind=kind,
            people=people,
            direction=direction,
            operator=operator,
            gate_id=self._place.gate_id(),
            scanned_at=wire.at(self._clock.wall()) or self._clock.now(),
        )
        request = wire.CountRequest(
            kind=kind, people=people, nonce=nonce, direction=direction, operator=operator
        )
        # What the server counted while its answer was lost, it finds again by the nonce.
        told = self._told(lambda: self._relay.count(request))
        self._journal.counts.append(line, self._clock.now(), told=told)
        return CountedHere(nonce, people, offline=not told)

    def find(self, nonce: str) -> OwnCount | None:
        """Return the count of a nonce, if it is one of this scanner's."""
        return self._journal.counts.find(nonce)

    def annul(self, own: OwnCount, request: wire.AnnulRequest) -> CountedHere:
        """Take back people of a count; `people` is their number in all, None: everybody.

        Raises:
            LedgerConflict, Declined: the rule does not allow it.
            InvalidInput: this scanner practises.
        """
        self._check()
        line, now = own.line, self._clock.now()
        wanted = people_of_count_to_annul(line.people, own.annulled, people=request.people)
        if wanted == 0:
            return CountedHere(line.nonce, line.people - own.annulled, own.state == "waiting")
        operator = request.operator or self._place.operator()
        request = replace(request, people=wanted, operator=operator)
        # The server cannot take back what it has not been told of: then it hears both, in order.
        told = own.state != "waiting" and self._told(
            lambda: self._relay.annul_count(line.nonce, request)
        )
        annul = OfflineAnnul(
            annul=line.nonce,
            reason=request.reason,
            people=wanted,
            operator=operator,
            gate_id=line.gate_id,
            scanned_at=wire.at(self._clock.wall()) or now,
        )
        self._journal.counts.annul(own, annul, now, told=told)
        return CountedHere(line.nonce, line.people - wanted, offline=not told)

    def _check(self) -> None:
        check_count(self._place.profile)
        if self._place.practising():
            raise InvalidInput("count", "this lane is in PRACTICE 练习: nothing is recorded")

    def _told(self, ask: Callable[[], wire.Counted]) -> bool:
        """Tell the server; say whether it has it now. Raises RelayError: its no stands."""
        try:
            ask()
        except NotThere:
            return False  # it was restored, and will be told of the count before this
        except RelayError as error:
            if self._contact.failed(error):
                raise
            return False
        self._contact.answered(self._journal.epoch)
        return True
