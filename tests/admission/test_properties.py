"""What must hold of every sequence of scans, and of every set of recorded ones."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from admission.cases import Case
from admission.deals import Deal, Reentry
from admission.history import Record, Terms, fold
from admission.rules import decide
from admission.scans import Direction, Mode
from admission.verdicts import Outcome
from tests.any_case import AREAS, cases, instants, record_lists, terms
from tests.builders import VENUE, at
from tests.paper import Paper
from tests.paper_rows import Row

# Without chance and without a data base: a run of the checks is the same everywhere.
FIXED = settings(derandomize=True, database=None, deadline=None)

CODE = "ADULT-0001"

# --- live sequences ------------------------------------------------------------------------------

few = st.sampled_from([None, 1, 1, 2])
pauses = st.sampled_from([1, 60, 60, 60, 301, 601, 601, 50000])
entries = st.fixed_dictionaries(
    {
        "device": st.sampled_from(["D1", "D1", "ONE", "K1", "DC"]),
        "mode": st.sampled_from(["admit", "admit", "reentry"]),
        "party": few,
    }
)
exits = st.fixed_dictionaries(
    {
        "device": st.sampled_from(["D1", "D1", "DC"]),
        "direction": st.just("exit"),
        "party": few,
    }
)
annuls = st.fixed_dictionaries(
    {
        "back": st.integers(0, 2),
        "people": few,
        "by": st.sampled_from(["device", "supervisor"]),
    }
)
voids = st.fixed_dictionaries({"deal_id": st.just("DAY"), "honoured": st.sampled_from([1, 1, 0])})
KINDS = ("scan", "scan", "scan", "exit", "exit", "annul", "annul", "void", "restart")
BODIES = {"scan": entries, "exit": exits, "annul": annuls, "void": voids, "restart": st.none()}
moves = st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), pauses, BODIES[kind]))
offers = st.fixed_dictionaries(
    {
        "rights": st.sampled_from(
            ["park:1", "park:2", "park:1/day", "park:1|canyon:2", "park:2/day|canyon:1"]
        ),
        "reentry": st.sampled_from(list(Reentry)),
        "admits": st.integers(1, 3),
    }
)


def a_paper(offer: Row) -> Paper:
    """A venue of two areas that sold one voucher; kiosks and gates, each with its own default."""
    devices = [("D1", "G1", "all"), ("ONE", "G1", "one"), ("K1", "G1", "one"), ("DC", "C1", "all")]
    deal = {"deal_id": "DAY", "valid_from": "2015-01-01", "valid_until": "2015-12-31"}
    return Paper(
        {
            "gates": [{"gate_id": "G1"}, {"gate_id": "C1", "area": "canyon"}],
            "devices": [
                {
                    "device_id": name,
                    "gate_id": gate,
                    "profile": "kiosk" if name == "K1" else "gate",
                    "party_default": default,
                }
                for name, gate, default in devices
            ],
            "deals": [deal | {"rights": offer["rights"], "reentry": offer["reentry"]}],
            "vouchers": [{"code": CODE, "deal_id": "DAY", "admits": offer["admits"]}],
        }
    )


def make_move(paper: Paper, now: datetime, name: str, body: Row) -> None:
    """Play one move, and every scan twice: the second time must be the stored answer."""
    if name == "annul":
        moved = [name for name, entry in paper.entries.items() if entry.record.passed]
        if moved:
            device, nonce = moved[-1 - body["back"] % len(moved)]
            people = min(body["people"] or 99, paper.entries[device, nonce].record.people)
            step = {"nonce": nonce, "device": device, "people": people, "by": body["by"]}
            paper.play({"at": now.isoformat(), "annul": step})
        return
    if name == "void":
        until = (now + timedelta(days=9)).isoformat()
        honour = {"arrived_by": until} if body["honoured"] else None
        paper.play({"at": now.isoformat(), "void": body | {"honour": honour}})
        return
    nonce = f"nonce-{len(paper.entries):04}"
    step = {"at": now.isoformat(), "scan": body | {"code": CODE, "nonce": nonce}}
    answer, records = paper.play(step), len(paper.entries)

    assert paper.play(step) == answer | {"replayed": True}
    assert len(paper.entries) == records


def restarted(paper: Paper, offer: Row) -> Paper:
    """Build the state again from the rows and the records, the last ones first."""
    again = a_paper(offer)
    again.entries = dict(reversed(paper.entries.items()))
    again.voids = paper.voids
    (sold,) = paper.sold.values()

    assert again.history(sold) == paper.history(sold)
    return again


def assert_within(paper: Paper, offer: Row, now: datetime) -> None:
    """Hold the records against what the voucher allows, without the engine's own counts."""
    deal, admits = paper.deals["DAY"], offer["admits"]
    day = VENUE.day_of(now)
    (sold,) = paper.sold.values()
    history = paper.history(sold)
    assert history.inside_venue(day) <= admits
    for right in deal.rights:
        records = [e.record for e in paper.entries.values() if e.record.area == right.area]
        days = [VENUE.day_of(record.scan_at) for record in records]
        used = defaultdict(int) | dict.fromkeys(days, 0)
        inside = dict(used)
        in_order = sorted(zip(records, days, strict=True), key=lambda pair: pair[0].scan_at)
        for record, on in in_order:
            inside[on] += people_in(record)
            used[on] += uses_of(record, deal)
            if deal.reentry is Reentry.SAME_DAY:
                assert 0 <= inside[on] <= admits
        allowed = admits * right.uses
        assert max(used.values(), default=0) <= allowed
        assert right.per_day or sum(used.values()) <= allowed
        assert history.inside(right.area, day) <= admits


def people_in(record: Record) -> int:
    return record.passed if record.direction is Direction.ENTRY else -record.passed


def uses_of(record: Record, deal: Deal) -> int:
    """People of a record who used an entry; under same_day an exit gives its people back."""
    if record.direction is Direction.EXIT:
        return -record.passed if deal.reentry is Reentry.SAME_DAY else 0
    stamped = deal.reentry is Reentry.SAME_DAY_STAMP and record.mode is Mode.REENTRY
    return 0 if stamped else record.passed


@settings(FIXED, max_examples=450)
@given(offer=offers, sequence=st.lists(moves, min_size=6, max_size=14))
def test_never_more_people_than_the_voucher_allows(offer: Row, sequence: list[Any]) -> None:
    paper, now = a_paper(offer), at("08:00")

    for name, pause_s, body in sequence:
        now += timedelta(seconds=pause_s)
        if name == "restart":
            paper = restarted(paper, offer)
        else:
            make_move(paper, now, name, body)
        assert_within(paper, offer, now)


# --- recorded scans ------------------------------------------------------------------------------


@settings(FIXED, max_examples=300)
@given(records=record_lists(), terms=terms, data=st.data())
def test_the_same_records_fold_to_the_same_history(
    records: list[Record], terms: Terms, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(records))

    assert fold(shuffled, terms, VENUE) == fold(records, terms, VENUE)


@settings(FIXED, max_examples=300)
@given(records=record_lists(), terms=terms)
def test_shares_sum_to_the_counts_of_the_day(records: list[Record], terms: Terms) -> None:
    history = fold(records, terms, VENUE)
    day = history.day or date(2015, 2, 12)
    of_day = {
        (record.device_id, record.nonce): record.area
        for record in records
        if VENUE.day_of(record.passed_at) == day
    }
    shares = [(of_day[name], share) for name, share in history.shares.items() if name in of_day]

    for area in AREAS:
        people = sum(share.people for where, share in shares if where == area)
        assert people == history.entered_today(area, day)
    entered = max(history.entered_today(area, day) for area in AREAS)
    assert sum(share.persons for _, share in shares) == entered
    assert sum(share.inside for _, share in shares) == history.inside_venue(day)
    assert sum(share.honoured for share in history.shares.values()) == history.honoured()


@settings(FIXED, max_examples=300)
@given(records=record_lists(), terms=terms)
def test_nobody_is_counted_below_nothing(records: list[Record], terms: Terms) -> None:
    history = fold(records, terms, VENUE)
    day = history.day or date(2015, 2, 12)

    for area in AREAS:
        assert history.inside(area, day) >= 0
        assert 0 <= history.available(area, day) <= terms.admits
    assert all(share.people >= 0 and share.persons >= 0 for share in history.shares.values())


# --- any case ------------------------------------------------------------------------------------


@settings(FIXED, max_examples=150)
@given(case=cases(), now=instants)
def test_every_case_has_one_answer(case: Case, now: datetime) -> None:
    verdict = decide(case, now)

    assert decide(case, now) == verdict
    assert verdict.people >= 0
    assert verdict.remaining >= 0
    if verdict.outcome is not Outcome.ADMIT or case.scan.mode in {Mode.CHECK, Mode.ARRIVE}:
        assert verdict.people == 0
    if case.scan.direction is Direction.ENTRY and verdict.people:
        (one,) = case.found or (case.provisional,)
        assert one is not None
        assert verdict.people <= one.voucher.admits
