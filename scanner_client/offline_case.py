"""Gather what one offline verdict depends on: the replica, and the scanner's own record since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from admission.arrivals import Stamp
from admission.calendar import Venue, from_ms
from admission.cases import Case, Facts, Family, Found
from admission.codes import CodeForm, CodeRead
from admission.history import History, Record, Terms, fold
from admission.moves import with_moves
from admission.own_records import join_records
from admission.provisional import voucher_of_token
from admission.refusal_slips import read_proof
from admission.scans import Gate, Scan
from admission.tickets import join_family
from admission.tokens import Purpose
from scanner_client.journal import Journal
from scanner_client.journal_rows import OwnScan
from scanner_client.replica import Held, View

NOWHERE = Venue(ZoneInfo("UTC"))
"""Without a replica nobody has told the venue's calendar, and nothing is decided by it."""


_NO_VOUCHER = frozenset({Purpose.SLIP, Purpose.NUMBERED_SLIP, Purpose.REFUSAL})


@dataclass(slots=True)
class Gathered:
    """What one code finds.

    Attributes:
        held: the replica's rows; `found` are the same with their histories.
        provisional: what a token says of itself, where no row is held.
        stamps: what is on record of the one voucher, or of a code that finds none.
    """

    held: Sequence[Held] = ()
    found: tuple[Found, ...] = ()
    provisional: Found | None = None
    stamps: list[Stamp] = field(default_factory=list)

    @property
    def one(self) -> Found | None:
        """The voucher that the scan is about, where there is exactly one."""
        if len(self.found) > 1:
            return None
        return self.found[0] if self.found else self.provisional

    @property
    def terms(self) -> Terms:
        """What records are folded by; a code that nobody knows admits nobody."""
        return Terms() if self.one is None else Terms.of(self.one.voucher, self.one.deal)

    @property
    def records(self) -> list[Record]:
        """What is on record of the one voucher or code."""
        return [record for record, _ in self.stamps]


class Gatherer:
    """Looks up one scan in one view of the replica.

    Args:
        view: None where there is no replica to decide from.
    """

    def __init__(self, view: View | None, journal: Journal, device_id: str, now: datetime) -> None:
        self._view = view
        self._journal = journal
        self._device_id = device_id
        self._now = now
        self.venue = view.venue if view is not None else NOWHERE

    def gather(self, read: CodeRead, held: Sequence[Held] | None = None) -> Gathered:
        """Return what a code finds, or what was picked."""
        view = self._view
        if view is None:
            return Gathered()
        held = view.find(read.keys, read.tail) if held is None else held
        gathered = Gathered(held)
        gathered.found = tuple(self._look_at(view, each, gathered) for each in held)
        if len(held) > 1:
            gathered.stamps = []
        if not held:
            self._look_at_code(view, read, gathered)
        return gathered

    def _look_at(self, view: View, held: Held, gathered: Gathered) -> Found:
        deal_no = held.deal.deal_no
        void = view.void_of(deal_no)
        terms = Terms.of(held.voucher, held.deal)
        gathered.stamps = self._stamps(view, held)
        return Found(
            held.voucher,
            held.deal,
            self._fold(gathered.stamps, terms),
            void,
            view.hold_of(deal_no),
            view.buyer_blocked(held.buyer_no, self._now),
            self._find_family(view, held),
            self._honoured(view, deal_no) if void is not None else 0,
        )

    def _stamps(self, view: View, held: Held) -> list[Stamp]:
        own = self._journal.scans_of((held.credential_key, *held.more_keys))
        own = [scan for scan in own if scan.platform in {"", held.platform}]
        terms = Terms.of(held.voucher, held.deal)
        return move_stamps(join_stamps(view.records_of(held), own), terms, self.venue)

    def _find_family(self, view: View, held: Held) -> Family | None:
        relations = view.find_relations(held)
        if relations is None:
            return None
        parent, tickets = relations
        own = [record for record, _ in self._stamps(view, parent)]
        theirs = [record for each in tickets for record, _ in self._stamps(view, each)]
        return join_family(parent.voucher, parent.deal, own, theirs, self.venue)

    def _look_at_code(self, view: View, read: CodeRead, gathered: Gathered) -> None:
        """Look at what is on record of a code that finds no voucher, and what its token says."""
        if not read.keys or read.form is CodeForm.PAYMENT:
            return
        own = [scan for scan in self._journal.scans_of(read.keys) if not scan.platform]
        known = [stamp for key in read.keys for stamp in view.records_of_key(key)]
        gathered.stamps = join_stamps(known, own)
        deal = None if read.token is None else view.deal_of_number(read.token.deal_number)
        # A slip only finds what was stamped, or proves a refusal; it is nobody's voucher.
        if read.token is None or read.token.purpose in _NO_VOUCHER or deal is None:
            return
        voucher = voucher_of_token(read.token, view.venue, tail=read.tail or "")
        mine = [stamp for stamp in gathered.stamps if stamp[0].device_id == self._device_id]
        gathered.provisional = Found(
            voucher,
            deal,
            self._fold(mine, Terms.of(voucher, deal)),
            view.void_of(deal.deal_no),
            view.hold_of(deal.deal_no),
            honoured_people=self._honoured(view, deal.deal_no),
        )

    def _fold(self, stamps: Iterable[Stamp], terms: Terms) -> History:
        return fold([record for record, _ in stamps], terms, self.venue)

    def _honoured(self, view: View, deal_no: int) -> int:
        return view.honoured(deal_no) + self._journal.honoured_since(view.revision, deal_no)

    def case(self, gathered: Gathered, read: CodeRead, gate: Gate, scan: Scan) -> Case:
        """Return the case that `decide` judges."""
        return Case(
            venue=self.venue,
            gate=gate,
            scan=scan,
            found=gathered.found,
            facts=self._facts(unheld_slip=_is_slip(read) and not gathered.found),
            form=read.form,
            token=read.token_state,
            provisional=gathered.provisional,
            proof=read_proof(read.token),
        )

    def _facts(self, *, unheld_slip: bool) -> Facts:
        view, now = self._view, self._now
        if view is None:
            return Facts(stale=True, key_list_stale=True)
        state = view.state
        old = timedelta(seconds=state.stale_after_s)
        key_list_stale = now - view.fresh_at > old
        feeds_at = None if state.feeds_ms is None else from_ms(state.feeds_ms)
        feed_stale = state.feed_silent or (feeds_at is not None and now - feeds_at > old)
        return Facts(
            emergency=state.emergency,
            inside=self._inside(view) if state.limit is not None else 0,
            limit=state.limit,
            # The slip is ours: that it finds nothing here is the replica's lag.
            stale=key_list_stale or feed_stale or unheld_slip,
            key_list_stale=key_list_stale,
        )

    def _inside(self, view: View) -> int:
        """People inside the venue: as told, if that was today, and by this scanner since."""
        day = self.venue.day_of(self._now)
        told = view.state.inside if self.venue.day_of(view.fresh_at) == day else 0
        return told + self._journal.inside_since(view.revision, self.venue.day_bounds(day)[0])


def _is_slip(read: CodeRead) -> bool:
    return read.token is not None and read.token.purpose is Purpose.SLIP


def join_stamps(known: Iterable[Stamp], own: Iterable[OwnScan]) -> list[Stamp]:
    """Return what is on record once: in the replica, and in the scanner's own journal."""
    known, own = list(known), list(own)
    numbers = {_name(record): number for record, number in known}
    for scan in own:
        number = scan.line.arrival_number
        if number is not None:
            numbers[_name(scan.record)] = number
    records = join_records([record for record, _ in known], [scan.record for scan in own])
    return [(record, numbers.get(_name(record))) for record in records]


def move_stamps(stamps: list[Stamp], terms: Terms, venue: Venue) -> list[Stamp]:
    """Return what is on record of one voucher with who was moved to another lane."""
    moved = with_moves([record for record, _ in stamps], terms, venue)
    return [(record, number) for record, (_, number) in zip(moved, stamps, strict=True)]


def _name(record: Record) -> tuple[str, str]:
    return record.device_id, record.nonce
