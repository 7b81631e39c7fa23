"""Incidents in the ledger: one about a subject, a timeline of all that touched it, an end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.deals import AtGate, HoldScope
from admission.errors import LedgerConflict, NotFound
from admission.incidents import EntryKind, IncidentKind
from admission.voids import CostBearer
from admission.wire_staff import VoidRequest
from gate_server.ledger import actions, audit, incidents
from gate_server.ledger.incident_records import list_entries, list_incidents
from tests.builders import figures, new_incident
from tests.ledgers import a_venue


@pytest.fixture
def venue(tmp_path):
    with a_venue(tmp_path) as venue:
        yield venue


def open_one(venue, by="finding", **changes):
    incident = new_incident(**changes)
    now = venue.clock()
    return venue.change(lambda tx: incidents.open_incident(tx, incident, by=by, now=now))


def hold(venue, reason="1 fen for a face price of 260 yuan"):
    venue.change(
        lambda tx: actions.hold_deal(
            tx,
            "D",
            reason=reason,
            scope=HoldScope(),
            at_gate=AtGate.REFER,
            by="finding",
            now=venue.clock(),
        )
    )


def release(venue, by="chen"):
    now = venue.clock()
    venue.change(lambda tx: actions.release_deal(tx, "D", reason="it is right", by=by, now=now))


def void(venue):
    terms = VoidRequest(reason="flash sale", honour=None, cost_bearer=CostBearer.PLATFORM)
    venue.change(lambda tx: actions.void_deal(tx, "D", terms, by="chen", now=venue.clock()))


def found(venue, incident_id):
    return venue.ledger.read(lambda db: incidents.get_incident(db, incident_id))


def timeline(venue, incident_id):
    return venue.ledger.read(lambda db: list_entries(db, [incident_id]))[incident_id]


def kinds(venue, incident_id):
    return [entry.kind.value for entry in timeline(venue, incident_id)]


def test_same_subject_opens_one_while_one_is_open(venue):
    first = open_one(venue, deal_no=1)
    again = open_one(venue, deal_no=1, figures=figures(vouchers=300))
    other = open_one(venue, subject="finding 2")

    assert (again, other == first) == (first, False)
    assert found(venue, first).figures.vouchers == 300
    assert kinds(venue, first) == ["opened", "stop_sale_written", "raised"]


def test_same_again_with_nothing_new_is_not_noted(venue):
    first = open_one(venue)
    open_one(venue)

    assert kinds(venue, first) == ["opened"]


def test_closed_one_does_not_keep_its_subject(venue):
    first = open_one(venue, kind=IncidentKind.OTHER)
    venue.change(
        lambda tx: incidents.close_incident(tx, first, summary="s", by="chen", now=venue.clock())
    )

    second = open_one(venue, kind=IncidentKind.OTHER)

    assert second != first
    assert venue.ledger.read(lambda db: incidents.find_open(db, "finding 1")).incident_id == second


@pytest.mark.parametrize("decide", [release, void])
def test_release_or_void_decides_the_incident_of_a_hold(venue, decide):
    incident_id = open_one(venue, deal_no=1)
    hold(venue)
    asked = found(venue, incident_id)
    decide(venue)

    decided = found(venue, incident_id)
    assert (asked.awaits_decision, decided.awaits_decision) == (True, False)
    assert decided.decision == {release: "released", void: "voided"}[decide]
    told = ["opened", "stop_sale_written", "held", decided.decision.value]
    assert kinds(venue, incident_id) == told
    assert timeline(venue, incident_id)[-1].by == "chen"


def test_hold_that_comes_again_after_its_release_asks_anew(venue):
    incident_id = open_one(venue, deal_no=1)
    hold(venue)
    release(venue)
    venue.clock.advance(hours=2)
    again = open_one(venue, deal_no=1, figures=figures(vouchers=900))

    incident = found(venue, again)
    assert kinds(venue, again)[-2:] == ["raised", "stop_sale_written"]
    assert again == incident_id
    assert incident.awaits_decision
    assert incident.asked_at - incident.opened_at == timedelta(hours=2)


def test_incident_of_a_held_deal_cannot_be_closed_before_the_decision(venue):
    incident_id = open_one(venue, deal_no=1)
    hold(venue)

    def close():
        now = venue.clock()
        return venue.change(
            lambda tx: incidents.close_incident(tx, incident_id, summary="s", by="c", now=now)
        )

    with pytest.raises(LedgerConflict, match="on hold") as refused:
        close()
    release(venue)
    assert refused.value.slug == "decision-awaited"
    assert not close().open
    with pytest.raises(LedgerConflict, match="closed before"):
        close()


def test_timeline_begins_with_the_hold_that_it_is_about(venue):
    hold(venue, reason="1 fen of 260 yuan")
    incident_id = open_one(venue, deal_no=1)

    told = [(entry.kind.value, entry.text, entry.by) for entry in timeline(venue, incident_id)]
    assert told[:2] == [("opened", "", "finding"), ("held", "1 fen of 260 yuan", "finding")]


def test_deals_of_others_touch_no_incident(venue):
    incident_id = open_one(venue, deal_no=None)
    hold(venue)

    assert kinds(venue, incident_id) == ["opened"]


def test_acknowledging_is_noted_with_who(venue):
    incident_id = open_one(venue)
    venue.clock.advance(minutes=3)
    now = venue.clock()
    done = venue.change(lambda tx: incidents.acknowledge(tx, incident_id, by="li", now=now))

    assert (done.acknowledged_by, done.acknowledged_at) == ("li", now)
    assert kinds(venue, incident_id) == ["opened", "acknowledged"]


def test_unknown_incident_is_not_found(venue):
    with pytest.raises(NotFound, match="no incident I0"):
        venue.change(
            lambda tx: incidents.note_incident(
                tx, "I0", EntryKind.NOTED, "x", by="li", now=venue.clock()
            )
        )


def test_incidents_are_listed_page_by_page(venue):
    made = [open_one(venue, subject=f"finding {number}") for number in range(103)]

    first, more = venue.ledger.read(lambda db: list_incidents(db, is_open=True, before=None))
    rest, last = venue.ledger.read(
        lambda db: list_incidents(db, is_open=True, before=first[-1][0].number)
    )
    closed, _ = venue.ledger.read(lambda db: list_incidents(db, is_open=False, before=None))
    assert [each.incident_id for each, _ in (*first, *rest)] == made[::-1]
    assert (len(first), more, last, closed) == (100, True, False, [])


def test_incidents_are_in_the_audit_and_what_people_wrote_can_be_erased(venue):
    incident_id = open_one(venue, by="li", kind=IncidentKind.OTHER, note="Mr Wang fell")
    venue.change(
        lambda tx: incidents.note_incident(
            tx, incident_id, EntryKind.NOTED, "Mr Wang is well", by="li", now=venue.clock()
        )
    )
    bodies = venue.rows("SELECT body FROM audit WHERE kind LIKE 'incident%'")
    venue.change(lambda tx: tx.db.execute("DELETE FROM audit_personal"))

    assert len(bodies) == 2
    assert "Wang" not in "".join(body for (body,) in bodies)
    assert venue.ledger.read(audit.verify).findings == ()
