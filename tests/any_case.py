"""Any records and any case, sense or nonsense, to be drawn; each strategy is made once."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from admission.cases import Case, Facts, Found
from admission.codes import CodeForm, TokenState
from admission.deals import Deal, Hold, HoldScope, Reentry, Right
from admission.history import Record, Terms
from admission.scans import Direction, GateState, Mode, PartyDefault, Scan
from admission.tickets import join_family
from admission.verdicts import Reason
from admission.voids import Honour
from admission.vouchers import Status, Voucher
from tests.builders import VENUE, a_deal, a_gate, a_history, a_void, a_voucher, at

AREAS = ("park", "canyon")
RIGHTS = (
    (Right("park"),),
    (Right("park", 2),),
    (Right("park", 1, per_day=True),),
    (Right("park"), Right("canyon", 2)),
    (Right("park", 2, per_day=True), Right("canyon")),
)

# To make a strategy anew for each thing that is drawn takes longer than to draw it.
parties = st.none() | st.integers(1, 5)
instants = st.integers(0, 3 * 24 * 6).map(lambda tens: at("00:00") + timedelta(minutes=10 * tens))
up_to_5 = st.integers(0, 5)
up_to_annulled = [st.integers(0, people) for people in range(6)]
annul_counts = st.sampled_from([0, 0, 0, 1, 2])
override_counts = st.sampled_from([0, 0, 0, 1, 4])
half_hours = st.integers(0, 30)
some_records = st.integers(0, 9)
scanners = st.sampled_from(["D1", "D2"])
areas = st.sampled_from(AREAS)
reasons = st.sampled_from(list(Reason))
modes = st.sampled_from(list(Mode))
directions = st.sampled_from(list(Direction))
flags = st.booleans()


@st.composite
def record_lists(draw: st.DrawFn) -> list[Record]:
    """Any records, sense or nonsense, each with its own nonce; some at the same instant."""
    return [a_record(draw, f"n-{number}") for number in range(draw(some_records))]


def a_record(draw: st.DrawFn, nonce: str) -> Record:
    people, annuls = draw(up_to_5), draw(annul_counts)
    scan_at = draw(instants)
    overridden = draw(override_counts)
    return Record(
        device_id=draw(scanners),
        nonce=nonce,
        scan_at=scan_at,
        gate_id="G1",
        area=draw(areas),
        reason=draw(reasons),
        mode=draw(modes),
        direction=draw(directions),
        people=people,
        party=draw(parties),
        staffed=draw(flags),
        annulled=draw(up_to_annulled[people]) if annuls else 0,
        annuls=annuls,
        annulled_at=scan_at + timedelta(minutes=1) if annuls else None,
        overridden=overridden,
        overridden_at=scan_at + timedelta(minutes=draw(half_hours)) if overridden else None,
        struck=draw(flags),
    )


terms = st.builds(
    Terms, st.integers(0, 5), st.sampled_from(list(Reentry)), st.sampled_from((*RIGHTS, ()))
)


records_of_one = record_lists()
one_to_5 = st.integers(1, 5)
statuses = st.sampled_from(list(Status))
maybe_instants = st.none() | instants
prices = st.none() | st.integers(0, 500)
ticket_lists = st.sampled_from([(), (), ("T-01",)])
parents = st.sampled_from([None, None, 9])
ends = st.none() | instants.map(lambda at: at + timedelta(days=1))
platforms = st.sampled_from(["lvtu", "tuan"])
rights = st.sampled_from(RIGHTS)
reentries = st.sampled_from(list(Reentry))
weekdays = st.sets(st.integers(1, 7)).map(frozenset)
noon = at("12:00").timetz().replace(tzinfo=None)
hours = st.sampled_from([None, (noon, noon), (noon, noon.replace(hour=3))])
gates = st.sampled_from([frozenset(), frozenset({"G1"}), frozenset({"G2"})])
minutes = st.integers(0, 90)
maybe_prices = st.none() | st.integers(0, 100)
honoured = st.integers(0, 9)
mostly_entries = st.sampled_from([Direction.ENTRY, Direction.ENTRY, Direction.EXIT])
party_defaults = st.sampled_from(list(PartyDefault))
gate_states = st.sampled_from([GateState.OPEN, *GateState])
forms = st.sampled_from(list(CodeForm))
token_states = st.sampled_from(list(TokenState))
facts = st.builds(
    Facts,
    emergency=st.sampled_from([False, False, False, True]),
    inside=st.integers(0, 20),
    limit=st.none() | st.integers(0, 20),
    stale=st.booleans(),
    key_list_stale=st.booleans(),
)


@st.composite
def vouchers(draw: st.DrawFn) -> Voucher:
    return a_voucher(
        admits=draw(one_to_5),
        status=draw(statuses),
        status_at=draw(maybe_instants),
        price_paid_minor=draw(prices),
        sold_at=draw(maybe_instants),
        refund_listed=draw(flags),
        exchanged=draw(up_to_5),
        exchanged_for=draw(ticket_lists),
        parent_id=draw(parents),
        dead=draw(flags),
        valid_until=draw(ends),
    )


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    return a_deal(
        platform=draw(platforms),
        rights=draw(rights),
        reentry=draw(reentries),
        weekdays=draw(weekdays),
        hours=draw(hours),
        gates=draw(gates),
        early_minutes=draw(minutes),
        late_minutes=draw(minutes),
    )


any_voucher, any_deal = vouchers(), deals()


@st.composite
def founds(draw: st.DrawFn) -> Found:
    voucher, deal = draw(any_voucher), draw(any_deal)
    family = join_family(voucher, deal, draw(records_of_one), draw(records_of_one), VENUE)
    arrived_from, until = draw(instants), timedelta(hours=draw(half_hours))
    honour = Honour(arrived_from, arrived_from + until, arrived_from + until, draw(parties))
    scope = HoldScope(draw(maybe_instants), None, draw(maybe_prices))
    return Found(
        voucher,
        deal,
        a_history(*draw(records_of_one), deal=deal, voucher=voucher),
        void=draw(st.sampled_from([None, a_void(None), a_void(honour=honour)])),
        hold=draw(st.none() | st.builds(Hold, instants, st.just("price"), st.just(scope))),
        buyer_blocked=draw(flags),
        family=draw(st.sampled_from([None, family])),
        honoured_people=draw(honoured),
    )


found_lists, maybe_found = st.lists(founds(), max_size=2), st.none() | founds()


@st.composite
def cases(draw: st.DrawFn) -> Case:
    scan = Scan(
        draw(modes),
        draw(mostly_entries),
        draw(parties),
        draw(party_defaults),
        draw(flags),
        desk=draw(flags),
    )
    return Case(
        venue=VENUE,
        gate=a_gate(
            state=draw(gate_states),
            area=draw(areas),
        ),
        scan=scan,
        found=tuple(draw(found_lists)),
        facts=draw(facts),
        form=draw(forms),
        token=draw(token_states),
        provisional=draw(maybe_found),
    )
