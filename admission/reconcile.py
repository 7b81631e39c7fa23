"""Find what is wrong between one voucher's recorded scans and the rest of the record.

A pure function of the set of records: the order in which scanners come back changes nothing. The
server has taken every offline scan by then; this only says what a human should look at.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from admission.attested import Claim
from admission.calendar import Venue
from admission.cases import Case, Found
from admission.closures import closures_at, opens_refund
from admission.copies import find_copies
from admission.deals import Closure, Deal
from admission.history import Record, Terms, by_stamp, fold
from admission.moves import may_move
from admission.scans import Direction, Gate, Mode, Scan
from admission.situations import Situation
from admission.verdicts import Reason
from admission.voids import Void
from admission.vouchers import Status, Voucher


class ConflictKind(StrEnum):
    """What a conflict is about. Stored and sent: add one, never rename one."""

    DOUBLE_USE = "double_use"
    USED_AFTER_VOID = "used_after_void"
    USED_AFTER_CANCEL = "used_after_cancel"
    CANCELLED_AFTER_USE = "cancelled_after_use"
    UNKNOWN_AT_UPLOAD = "unknown_at_upload"
    OVER_PARTY = "over_party"
    ANSWER_DIFFERS = "answer_differs"
    CLOCK_SKEW = "clock_skew"
    DEVICE_CLONED = "device_cloned"
    USED_AFTER_REFUND = "used_after_refund"
    ANNULLED_AFTER_MOVE = "annulled_after_move"
    COPIED_CODE = "copied_code"
    NOT_ATTESTED = "not_attested"


@dataclass(frozen=True, slots=True)
class Name:
    """What names a scan."""

    device_id: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing that does not fit.

    Attributes:
        scans: the scans it is about; of a pair the order means nothing.
    """

    kind: ConflictKind
    scans: tuple[Name, ...]

    @property
    def subject(self) -> str:
        """A text that is the same for the same conflict, whichever scan came first."""
        names = sorted(f"{name.device_id}/{name.nonce}" for name in self.scans)
        return f"{self.kind}:{':'.join(names)}"


@dataclass(frozen=True, slots=True)
class GivenBack:
    """People of a voucher were given their money back on request, and are locked.

    Attributes:
        sold: people whom it let in before; `left` of them it still does.
    """

    sold: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All that is on record of one voucher, or of a code that finds none.

    Attributes:
        records: its recorded scans, in any order.
        offline: those that a scanner decided by itself.
        voucher, deal: None for a code that nobody knows.
        voids: every version of the deal's void and its restores.
        closures: every version of what closed the venue for the deal; none: those in its row.
        given_back: None where nobody was.
        verified: when somebody before a gate knew the end of the buyer's phone.
    """

    venue: Venue
    records: Sequence[Record]
    offline: frozenset[Name]
    voucher: Voucher | None = None
    deal: Deal | None = None
    voids: Sequence[Void] = ()
    closures: Sequence[Closure] = ()
    given_back: GivenBack | None = None
    verified: Sequence[datetime] = ()

    def is_offline(self, record: Record) -> bool:
        """Say whether a scanner decided a scan by itself."""
        return name_of(record) in self.offline

    def terms_at(self, terms: Terms, at: datetime) -> Terms:
        """Return terms under the closures that were in force at an instant.

        A closure that was taken back later makes no double use of who came in under it.
        """
        if not self.closures:
            return terms
        return replace(terms, closures=closures_at(self.closures, at))


def name_of(record: Record) -> Name:
    """Return what names a record."""
    return Name(record.device_id, record.nonce)


def find_conflicts(account: Account) -> tuple[Conflict, ...]:
    """Return the conflicts of one voucher, each once.

    - `double_use`: an admission for which those before it (by scan time, device, nonce) had left
      too few people, with the latest of those before it that consumed the same right. Each
      admission is the later one of one pair at most, so n admissions of a single come to n - 1
      pairs. At least one of the two was decided offline, for the server itself never admits twice:
      an online admission is paired with the latest offline one before it, or with one that it was
      moved from (`admission.moves`), where people turned there after all.
    - `over_party`: an offline admission that alone let in more people than the voucher admits.
    - `used_after_void`, `used_after_cancel`: an offline admission after the void was in force and
      not covered by its terms, or after the platform had ended the voucher.
    - `cancelled_after_use`: the platform ended a voucher that had been used by then.
    - `used_after_refund`: an admission for which the people given back on request left too few; a
      scanner made it before it knew, or a turnstile counted through who had been taken back.
    - `annulled_after_move`: people of an admission were taken back although they had gone on by
      then; a scanner did it that did not know, or somebody made room for another.
    - `copied_code`: an admission, and the code shown at another gate when nobody was left on it
      (`admission.copies`).
    - `unknown_at_upload`: an offline admission on a code that the ledger does not know (yet).

    What a supervisor let in (`overridden`) and what was annulled is none of the others.
    """
    passages = sorted(
        (each for each in account.records if _admits(each)),
        key=lambda each: (each.passed_at, each.device_id, each.nonce),
    )
    if account.voucher is None or account.deal is None:
        return tuple(
            Conflict(ConflictKind.UNKNOWN_AT_UPLOAD, (name_of(each),))
            for each in passages
            if account.is_offline(each) and not _by_supervisor(each)
        )
    terms = Terms.of(account.voucher, account.deal)
    if account.given_back is not None:
        terms = replace(terms, admits=account.given_back.sold)
    found = [*_overuses(account, passages, terms)]
    if account.given_back is not None:
        told = {each.scans[-1] for each in found}
        left = replace(terms, admits=account.given_back.left)
        found += _after_refund(account, passages, left, told)
    found += _after_void(account, passages, account.voucher, account.deal)
    found += _status(account, passages, account.voucher)
    found += _after_move(account)
    found += [
        Conflict(ConflictKind.COPIED_CODE, (name_of(first), name_of(later)))
        for first, later in find_copies(account.records, account.verified)
    ]
    return tuple(found)


def find_shared(together: Account, alone: Sequence[Conflict]) -> tuple[Conflict, ...]:
    """Return what is wrong with a voucher and its tickets beside what is wrong with each ticket.

    Args:
        together: the records of all of them.
        alone: found for each ticket; who came in twice on one is told once, and there.
    """
    told = {conflict.subject for conflict in alone}
    twice = {each.scans[-1] for each in alone if each.kind is ConflictKind.DOUBLE_USE}
    once = [record for record in together.records if name_of(record) not in twice]
    uses = find_conflicts(replace(together, records=once))
    found = [each for each in uses if each.kind is ConflictKind.DOUBLE_USE]
    # Two tickets of one voucher are two codes, so each looks for copies of itself alone.
    alone_only = {ConflictKind.DOUBLE_USE, ConflictKind.COPIED_CODE}
    found += [c for c in find_conflicts(together) if c.kind not in alone_only]
    return tuple(conflict for conflict in found if conflict.subject not in told)


def _admits(record: Record) -> bool:
    return record.direction is Direction.ENTRY and record.passed > 0


def _by_supervisor(record: Record) -> bool:
    # The reason alone: a new epoch was told of an override by the scanner that had shown it.
    return record.overridden > 0 or record.reason is Reason.OVERRIDDEN


# --- more people than the voucher lets in --------------------------------------------------------


def _overuses(account: Account, passages: Sequence[Record], terms: Terms) -> Iterator[Conflict]:
    if len(passages) == 1 and passages[0].passed <= terms.admits:
        return
    for record in passages:
        if _by_supervisor(record) or terms.right_to(record.area) is None:
            continue
        if record.passed > terms.admits and account.is_offline(record):
            yield Conflict(ConflictKind.OVER_PARTY, (name_of(record),))
        other = _other_half(account, passages, record, terms)
        if other is None:
            continue
        then = account.terms_at(terms, record.passed_at)
        history = fold(_before(account, record), then, account.venue)
        day = account.venue.day_of(record.passed_at)
        lacking = min(record.passed, terms.admits) > history.available(record.area, day)
        if lacking and not by_stamp(history, record, day):
            yield Conflict(ConflictKind.DOUBLE_USE, (name_of(other), name_of(record)))


def _other_half(
    account: Account, passages: Sequence[Record], record: Record, terms: Terms
) -> Record | None:
    """Return the latest admission before one that used the same right, of which one is offline."""
    right, day = terms.right_to(record.area), account.venue.day_of(record.passed_at)
    daily, offline = right is not None and right.per_day, account.is_offline(record)
    same = [
        each
        for each in passages[: passages.index(record)]
        if each.area == record.area
        and (offline or account.is_offline(each) or may_move(each, record))
        and not (daily and account.venue.day_of(each.passed_at) != day)
    ]
    # A stamp consumes nothing; what it followed does.
    consumed = [each for each in same if each.mode is not Mode.REENTRY]
    return next(reversed(consumed or same), None)


def _before(account: Account, record: Record) -> list[Record]:
    """Return the records before one, exits among them, in the order of the fold."""
    mark = (record.passed_at, record.device_id, record.nonce)
    before = []
    for each in account.records:
        if (each.passed_at, each.device_id, each.nonce) < mark:
            before.append(each)
        elif (each.scan_at, each.device_id, each.nonce) < mark:
            # Overridden later: its holder had arrived by then, and was not in yet.
            before.append(replace(each, overridden=0, overridden_at=None))
    return before


# --- taken back too late -------------------------------------------------------------------------


def _after_move(account: Account) -> Iterator[Conflict]:
    for record in account.records:
        at = record.annulled_at
        if at is None or not record.annulled or record.mode in {Mode.EXCHANGE, Mode.REENTRY}:
            continue
        others = [each for each in account.records if each.passed_at <= at and each is not record]
        if record.direction is Direction.ENTRY and _gone_on(record, others) > _others_in(others):
            yield Conflict(ConflictKind.ANNULLED_AFTER_MOVE, (name_of(record),))


def _gone_on(record: Record, others: Sequence[Record]) -> int:
    """Return the people who were seen to be inside after a record: by exits or returns."""
    later = [each for each in others if each.passed_at > record.passed_at]
    exits = sum(each.passed for each in later if each.direction is Direction.EXIT)
    returned = [each.passed for each in later if each.mode is Mode.REENTRY]
    return max(exits, *returned, 0)


def _others_in(others: Sequence[Record]) -> int:
    """Return the people who came in by other scans, and may be those who went on."""
    return sum(each.passed for each in others if _admits(each) and each.mode is not Mode.REENTRY)


# --- refunds on request --------------------------------------------------------------------------


def _after_refund(
    account: Account, passages: Sequence[Record], left: Terms, told: Container[Name]
) -> Iterator[Conflict]:
    for record in passages:
        if _by_supervisor(record) or name_of(record) in told or _refund_open(account, record):
            continue
        if left.admits and left.right_to(record.area) is None:
            continue
        then = account.terms_at(left, record.passed_at)
        history = fold(_before(account, record), then, account.venue)
        day = account.venue.day_of(record.passed_at)
        lacking = record.passed > history.available(record.area, day)
        if lacking and not (left.admits and by_stamp(history, record, day)):
            yield Conflict(ConflictKind.USED_AFTER_REFUND, (name_of(record),))


def _refund_open(account: Account, record: Record) -> bool:
    """Say whether a closure opened refunds for who came in then: paid back, they are none."""
    return opens_refund(account.closures, record.passed_at, account.venue)


# --- voids and statuses --------------------------------------------------------------------------


def _after_void(
    account: Account, passages: Sequence[Record], voucher: Voucher, deal: Deal
) -> Iterator[Conflict]:
    for record in passages:
        if _by_supervisor(record) or not account.is_offline(record):
            continue
        void = void_at(account.voids, record.scan_at)
        if void is not None and record.passed > people_covered_at(
            account, record, void, voucher, deal
        ):
            yield Conflict(ConflictKind.USED_AFTER_VOID, (name_of(record),))


def void_at(versions: Sequence[Void], at: datetime) -> Void | None:
    """Return the void that was in force at an instant."""
    made = [version for version in versions if version.committed_at <= at]
    newest = max(made, key=lambda version: version.version, default=None)
    return None if newest is None or newest.restored else newest


def people_covered_at(
    account: Account, record: Record, void: Void, voucher: Voucher, deal: Deal
) -> int:
    """Return the people that the void's terms covered at a scan, by arrivals up to then."""
    history = fold(_before(account, record), Terms.of(voucher, deal), account.venue)
    found = Found(voucher, deal, history, void=void, honoured_people=history.honoured())
    gate = Gate(record.gate_id, "", record.area)
    scan = Scan(
        Mode.REENTRY if record.mode is Mode.REENTRY else Mode.ADMIT,
        party=record.party,
        staffed=record.staffed,
    )
    case = Case(venue=account.venue, gate=gate, scan=scan, found=(found,))
    if record.attested_at is not None:
        case.claim = Claim(record.attested_at)
    return Situation(case, record.scan_at).covered


def _status(account: Account, passages: Sequence[Record], voucher: Voucher) -> Iterator[Conflict]:
    status_at = voucher.status_at
    if voucher.status not in _ENDED or status_at is None:
        return
    if account.given_back is not None and account.given_back.left == 0:
        return  # the lock's own effect
    newest = max(account.voids, key=lambda version: version.version, default=None)
    if newest is not None and not newest.restored and newest.made(status_at):
        return  # the void's own effect
    for record in passages:
        if _by_supervisor(record) or _refund_open(account, record):
            continue
        if record.passed_at < status_at:
            yield Conflict(ConflictKind.CANCELLED_AFTER_USE, (name_of(record),))
        elif account.is_offline(record):
            yield Conflict(ConflictKind.USED_AFTER_CANCEL, (name_of(record),))


_ENDED = frozenset({Status.CANCELLED, Status.REFUNDED})
