"""Move an entry to another lane, where the turnstile of the first has not turned for it.

A visitor whose lane does not let them through goes to the next one. What they hold is used up by
then, but the first lane watches its turnstile and has counted nobody: so they come in here, and
there as many are given back. Who was moved follows from the records alone, in whatever order they
arrive: where the first lane reports later that its people did turn, nothing was moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from admission.calendar import Venue
from admission.cases import Case
from admission.copies import mark_copied
from admission.history import History, Record, Terms, fold
from admission.rules import decide
from admission.scans import Direction, Mode
from admission.verdicts import Outcome, Reason, Verdict

MOVE_WITHIN = timedelta(minutes=3)
"""How long after the first lane let people in they may come in by another."""

LACKS = frozenset({Reason.USED_UP, Reason.ALREADY_INSIDE, Reason.PARTY_TOO_LARGE, Reason.EXCHANGED})
"""What is answered for lack of people; nothing else is decided anew.

Of a voucher that was exchanged in part, those left to it may have come in by another lane; of one
that was exchanged for all its people, nobody did, so that deciding anew changes nothing.
"""

_ASKS = frozenset({Mode.ADMIT, Mode.CHECK})


@dataclass(frozen=True, slots=True)
class Moved:
    """People of one scan who came in by another lane.

    Attributes:
        device_id, nonce: the scan that let them in first.
        people: all of them; `to`: device and nonce of the latest scan that they came in by.
    """

    device_id: str
    nonce: str
    people: int
    to: tuple[str, str]


def may_move(first: Record, later: Record) -> bool:
    """Say whether people of one scan may have come in by another instead, by place and time."""
    return (
        first.turned is not None
        and not first.overridden
        and first.direction is Direction.ENTRY
        and first.mode is Mode.ADMIT
        and later.mode is Mode.ADMIT
        and later.direction is Direction.ENTRY
        and not later.overridden
        and first.area == later.area
        and first.device_id != later.device_id
        and timedelta() <= later.passed_at - first.passed_at <= MOVE_WITHIN
    )


# --- a scan that is decided now -----------------------------------------------------------------


def decide_moving(
    case: Case, records: Sequence[Record], now: datetime, *, device_id: str
) -> Verdict:
    """Answer a scan as `decide` does; where people lack, with those whom another lane still has.

    Args:
        records: what is on record of the one voucher found; its history is their fold.
        device_id: of the scan.
    """
    verdict = decide(case, now)
    if verdict.reason not in LACKS or len(case.found) != 1 or case.scan.desk:
        return verdict  # a desk is no lane: nobody comes in there
    scan = _as_record(case, now, device_id)
    if case.scan.mode in _ASKS:
        sources = [each for each in records if may_move(each, scan) and _unturned(each)]
        moved = _decide_given(case, records, sources, now) if sources else None
        if moved is not None:
            return moved
    return mark_copied(verdict, records, replace(scan, mode=case.scan.mode))


def _as_record(case: Case, now: datetime, device_id: str) -> Record:
    return Record(
        device_id=device_id,
        nonce="",
        scan_at=now,
        gate_id=case.gate.gate_id,
        area=case.gate.area,
        reason=Reason.ADMITTED,
        direction=case.scan.direction,
    )


def _decide_given(
    case: Case, records: Sequence[Record], sources: Sequence[Record], now: datetime
) -> Verdict | None:
    """Decide with people given back, exactly as many as are needed; None: it is no help."""
    entering = replace(case.scan, mode=Mode.ADMIT)
    most = sum(_unturned(each) for each in sources)
    wanted = decide(_given(replace(case, scan=entering), records, sources, most), now)
    if wanted.outcome is not Outcome.ADMIT:
        return None
    one, day = case.found[0], case.venue.day_of(now)
    lacking = wanted.people - one.history.available(case.gate.area, day)
    if not 0 < lacking <= most:
        return None
    exact = replace(case, scan=replace(case.scan, party=wanted.people))
    verdict = decide(_given(exact, records, sources, lacking), now)
    return verdict if verdict.outcome is Outcome.ADMIT else None


def _given(case: Case, records: Sequence[Record], sources: Sequence[Record], people: int) -> Case:
    """Return the case as it is with so many people given back, in all its counts."""
    one = case.found[0]
    before = one.history
    taken = take_from(sources, people)

    def refold(records: Sequence[Record], terms: Terms) -> History:
        moved = [replace(each, moved=taken.get(_name(each), each.moved)) for each in records]
        return fold(moved, terms, case.venue)

    after, family = refold(records, before.terms), one.family
    if family is not None:
        together = refold(family.records, family.together.terms)
        family = replace(family, together=together)
    honoured = one.honoured_people - (before.honoured() - after.honoured())
    found = replace(one, history=after, family=family, honoured_people=honoured)
    inside = case.facts.inside - (_inside(before) - _inside(after))
    return replace(case, found=(found,), facts=replace(case.facts, inside=inside))


def _inside(history: History) -> int:
    return 0 if history.day is None else history.inside_venue(history.day)


def take_from(sources: Iterable[Record], people: int) -> dict[tuple[str, str], int]:
    """Return how many people each source has moved in all, once so many more are taken from them.

    The latest comes first: it is where the visitor comes from.
    """
    taken: dict[tuple[str, str], int] = {}
    for source in sorted(sources, key=_order, reverse=True):
        some = min(people, _unturned(source))
        if some:
            taken[_name(source)] = max(source.annulled, source.moved) + some
        people -= some
    return taken


def _unturned(record: Record) -> int:
    return max(0, record.passed - (record.turned or 0))


# --- what is on record --------------------------------------------------------------------------


def find_moves(records: Sequence[Record], terms: Terms, venue: Venue) -> list[Moved]:
    """Return who was moved, by all that is on record of one voucher.

    Each admission, in the order of the fold, for which those before it had left too few people
    takes what it lacks from what another lane let in shortly before and has not counted through.
    What was annulled later than that admission had not been annulled by then.
    """
    if not any(each.turned is not None for each in records):
        return []
    moves: dict[tuple[str, str], Moved] = {}
    ordered = sorted((replace(each, moved=0) for each in records), key=_order)
    for index, record in enumerate(ordered):
        earlier = ordered[:index]
        if record.people == 0 or not any(may_move(each, record) for each in earlier):
            continue
        before = [_as_of(each, record.passed_at, moves) for each in earlier]
        sources = [each for each in before if may_move(each, record)]
        day = venue.day_of(record.passed_at)
        available = fold(before, terms, venue).available(record.area, day)
        lacking = min(record.people, terms.admits) - available
        for name, people in take_from(sources, max(0, lacking)).items():
            moves[name] = Moved(*name, people, _name(record))
    return list(moves.values())


def _as_of(record: Record, at: datetime, moves: dict[tuple[str, str], Moved]) -> Record:
    """Return a record as it stood at an instant, with what had been moved by then."""
    known = moves.get(_name(record))
    if known is not None:
        record = replace(record, moved=known.people)
    if record.annulled_at is not None and record.annulled_at > at:
        record = replace(record, annulled=0, annuls=0, annulled_at=None)
    return record


def with_moves(records: Sequence[Record], terms: Terms, venue: Venue) -> list[Record]:
    """Return the records with who was moved, by all of them together."""
    if not any(each.turned is not None or each.moved for each in records):
        return list(records)
    moves = {(each.device_id, each.nonce): each for each in find_moves(records, terms, venue)}
    return [_moved(each, moves.get(_name(each))) for each in records]


def _moved(record: Record, move: Moved | None) -> Record:
    people = 0 if move is None else move.people
    return record if record.moved == people else replace(record, moved=people)


def _name(record: Record) -> tuple[str, str]:
    return record.device_id, record.nonce


def _order(record: Record) -> tuple[datetime, str, str]:
    return record.passed_at, record.device_id, record.nonce
