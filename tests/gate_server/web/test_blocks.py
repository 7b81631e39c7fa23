"""Blocks of accounts: origins, ends, appeals, and what a finding proposes and a human decides."""

from datetime import timedelta

import pytest

from admission.errors import LedgerUnavailable
from admission.findings import FindingState
from admission.incidents import EntryKind
from gate_server.ledger import findings, incidents
from gate_server.ledger.audit import verify
from gate_server.ledger.block_proposals import Decided, accept_proposal
from gate_server.ledger.incident_records import list_entries
from gate_server.ledger.ledger import Ledger, utc_now
from gate_server.sales_watch import make_watch
from tests.server import Park, an_app, slug_of

LOW_BAR = '[anomalies]\nhoard_people = 4\npolicy_price_low = "off"\n'


@pytest.fixture
def park(tmp_path):
    """A park that looks at what is sold; four people for one account are very many there."""
    park = Park(tmp_path / "var", settings=LOW_BAR)
    park.ledger.close()
    watch = make_watch(park.settings)
    park.ledger = Ledger.open(park.directory, park.settings.venue, now=park._clock, watch=watch)
    yield park
    park.close()


@pytest.fixture
def boss(park):
    return park.hire("supervisor")


def buy(park, first, count, buyer="shop-7", deal_id="DAY"):
    sold_at = (utc_now() - timedelta(hours=1)).isoformat()
    codes = [f"{deal_id}-{buyer}-CODE-{first + n}" for n in range(count)]
    park.sell(*codes, deal_id=deal_id, buyer_ref=buyer, sold_at=sold_at, price_paid_minor="23800")
    return codes


def in_state(site, boss, state):
    return site.get(f"/blocks?state={state}", boss).json()["blocks"]


def decide(site, boss, block, what, **body):
    return site.post(f"/blocks/{block['block_id']}/{what}", boss, {"reason": "looked at"} | body)


def block(site, boss, **changes):
    body = {"platform": "lvtu", "buyer_ref": "b1", "reason": "x"} | changes
    return site.post("/blocks", boss, body).json()


# --- what is proposed ----------------------------------------------------------------------------


def test_bulk_buyer_is_proposed_with_its_facts_and_let_in_meanwhile(site, park, boss):
    codes = buy(park, 0, 5)
    device = park.enrol()
    scanned = site.scan(device, codes[0])
    (proposal,) = in_state(site, boss, "proposed")

    assert scanned["outcome"] == "admit"
    assert (proposal["state"], proposal["origin"]) == ("proposed", "finding")
    facts = proposal["facts"]
    assert (facts["vouchers"], facts["people"], facts["scanned"]) == (5, 5, 1)
    assert facts["deals"] == ["DAY"]
    assert facts["first_sold_at"] == facts["last_sold_at"]
    assert "5" in proposal["say"]["en"]
    assert "账号" in proposal["say"]["zh"]
    assert "shop-7" not in str(proposal)
    assert site.get("/blocks", boss).json() == {"blocks": []}


def test_accepted_proposal_refers_the_account_and_names_its_finding(site, park, boss):
    codes = buy(park, 0, 5)
    (proposal,) = in_state(site, boss, "proposed")
    made = decide(site, boss, proposal, "accept")
    again = decide(site, boss, proposal, "accept")
    scanned = site.scan(park.enrol(), codes[0])

    assert made.status_code == 201
    assert (made.json()["origin"], made.json()["origin_id"]) == ("finding", proposal["block_id"])
    assert made.json()["created_by"] == boss.name
    assert scanned["reason"] == "buyer_blocked"
    assert (again.status_code, slug_of(again)) == (409, "decided-already")
    assert in_state(site, boss, "proposed") == []
    (found,) = park.ledger.read(findings.list_findings)
    assert found.state is FindingState.CLOSED
    assert park.ledger.read(verify).findings == ()


def test_block_from_a_proposal_ends_when_the_supervisor_says(site, park, boss):
    codes = buy(park, 0, 5)
    (proposal,) = in_state(site, boss, "proposed")
    past = decide(site, boss, proposal, "accept", expires_at="2015-02-12T00:00:00Z")
    until = (utc_now() + timedelta(hours=2)).isoformat()
    made = decide(site, boss, proposal, "accept", expires_at=until)
    park.now = utc_now() + timedelta(hours=3)

    assert (past.status_code, past.json()["errors"][0]["field"]) == (400, "expires_at")
    assert made.json()["state"] == "in_force"
    assert site.scan(park.enrol(), codes[1])["outcome"] == "admit"
    assert [each["block_id"] for each in in_state(site, boss, "expired")] == [
        made.json()["block_id"]
    ]


def test_declined_account_is_proposed_again_only_when_it_has_doubled(site, park, boss):
    buy(park, 0, 5)
    (proposal,) = in_state(site, boss, "proposed")
    declined = decide(site, boss, proposal, "decline", reason="a school")
    buy(park, 5, 4)
    before = in_state(site, boss, "proposed")
    buy(park, 9, 1)
    (after,) = in_state(site, boss, "proposed")

    assert (declined.json()["state"], declined.json()["reason"]) == ("declined", "a school")
    assert declined.json()["created_by"] == boss.name
    assert before == []
    assert after["facts"]["people"] == 10
    assert len(in_state(site, boss, "declined")) == 1


def test_declined_account_is_not_proposed_for_a_second_deal_before_it_has_doubled(site, park, boss):
    park.offer("NIGHT")
    buy(park, 0, 6)
    decide(site, boss, in_state(site, boss, "proposed")[0], "decline")
    buy(park, 0, 5, deal_id="NIGHT")
    before = in_state(site, boss, "proposed")
    buy(park, 5, 1, deal_id="NIGHT")
    (after,) = in_state(site, boss, "proposed")

    assert before == []
    assert after["facts"]["deals"] == ["DAY", "NIGHT"]


def test_proposal_outlives_the_void_of_its_deal(site, park, boss):
    buy(park, 0, 5)
    nobody = {"reason": "withdrawn", "honour": None, "cost_bearer": "platform"}
    site.post("/deals/DAY/void", boss, nobody)
    (proposal,) = in_state(site, boss, "proposed")

    assert decide(site, boss, proposal, "accept").status_code == 201


def test_finding_that_was_closed_by_hand_proposes_nothing(site, park, boss):
    buy(park, 0, 5)
    (found,) = park.ledger.read(findings.list_findings)
    site.post(f"/findings/{found.finding_id}/close", boss, {"note": "a tour group"})

    assert in_state(site, boss, "proposed") == []


def test_account_that_is_blocked_is_not_proposed(site, park, boss):
    block(site, boss, buyer_ref="shop-7")
    buy(park, 0, 5)

    assert in_state(site, boss, "proposed") == []


def test_proposals_call_the_duty_list_once_a_deal_until_all_are_decided(site, park, boss):
    buy(park, 0, 5)
    buy(park, 0, 7, buyer="shop-8")
    (incident,) = park.ledger.read(incidents.list_open)
    larger, smaller = in_state(site, boss, "proposed")
    decide(site, boss, larger, "accept")
    (half,) = park.ledger.read(incidents.list_open)
    decide(site, boss, smaller, "decline")

    assert incident.kind.value == "block_proposed"
    assert incident.kind.rings_once
    assert incident.figures.people == 12
    assert half.incident_id == incident.incident_id
    assert park.ledger.read(incidents.list_open) == []
    entries = park.ledger.read(lambda db: list_entries(db, [incident.incident_id]))
    kinds = [each.kind for each in entries[incident.incident_id]]
    assert kinds == [EntryKind.OPENED, EntryKind.RAISED, EntryKind.NOTED, EntryKind.CLOSED]


def test_partner_and_steward_decide_nothing(site, park, boss):
    buy(park, 0, 5)
    (proposal,) = in_state(site, boss, "proposed")

    for role in ("steward", "partner", "auditor"):
        assert decide(site, park.hire(role), proposal, "accept").status_code == 403
    assert len(in_state(site, boss, "proposed")) == 1


# --- appeals, ends, origins ----------------------------------------------------------------------


def test_appeal_waits_for_an_answer_while_the_block_stands(site, park, boss):
    park.sell("VOUCHER-1", buyer_ref="b1")
    made = block(site, boss)
    path = f"/blocks/{made['block_id']}/appeal"
    appealed = site.post(path, boss, {"note": "三个班的学生，单位统一购票"}).json()
    (open_one,) = in_state(site, boss, "appealed")
    still = site.scan(park.enrol(), "VOUCHER-1")["reason"]
    upheld = decide(site, boss, made, "uphold", reason="no list of the school").json()
    again = decide(site, boss, made, "uphold")

    (noted,) = appealed["appeals"]
    assert (noted["note"], noted["made_by"]) == ("三个班的学生，单位统一购票", boss.name)
    assert (noted["outcome"], open_one["block_id"]) == (None, made["block_id"])
    assert still == "buyer_blocked"
    (ended,) = upheld["appeals"]
    assert (ended["outcome"], ended["answer"]) == ("upheld", "no list of the school")
    assert (ended["ended_by"], upheld["state"]) == (boss.name, "in_force")
    assert in_state(site, boss, "appealed") == []
    assert (again.status_code, slug_of(again)) == (409, "not-appealed")


def test_lift_answers_the_appeals(site, park, boss):
    made = block(site, boss)
    site.post(f"/blocks/{made['block_id']}/appeal", boss, {"note": "a family"})
    lifted = decide(site, boss, made, "lift", reason="that is so").json()
    late = site.post(f"/blocks/{made['block_id']}/appeal", boss, {"note": "once more"})

    assert (lifted["state"], lifted["lifted_by"]) == ("lifted", boss.name)
    assert lifted["lift_reason"] == "that is so"
    assert [each["outcome"] for each in lifted["appeals"]] == ["lifted"]
    assert (late.status_code, slug_of(late)) == (409, "lifted-already")
    assert park.ledger.read(verify).findings == ()


def test_every_change_is_audited_and_what_the_buyer_says_can_be_erased(site, park, boss):
    made = block(site, boss)
    site.post(f"/blocks/{made['block_id']}/appeal", boss, {"note": "my name is Li"})
    decide(site, boss, made, "uphold")
    decide(site, boss, made, "lift")

    sql = "SELECT kind, body FROM audit WHERE kind IN ('block', 'appeal', 'appeal_upheld', 'lift')"
    rows = park.ledger.read(lambda db: db.execute(sql).fetchall())
    assert [kind for kind, _ in rows] == ["block", "appeal", "appeal_upheld", "lift"]
    assert all(boss.name in body for _, body in rows)
    assert not any("Li" in body for _, body in rows)
    park.change(lambda tx: tx.db.execute("DELETE FROM audit_personal"))
    (erased,) = site.get(f"/blocks/{made['block_id']}", boss).json()["appeals"]
    assert (erased["note"], erased["outcome"]) == (None, "upheld")
    assert park.ledger.read(verify).findings == ()


def test_platform_can_be_the_one_who_named_the_account(site, boss):
    made = block(site, boss, origin="feed", origin_id="list-2015-02-12")

    assert (made["origin"], made["origin_id"]) == ("feed", "list-2015-02-12")


NEW = {"platform": "lvtu", "buyer_ref": "b", "reason": "x"}
IMPOSSIBLE = [
    ("/blocks/0/appeal", {"note": "x"}, "not-found"),
    ("/blocks/one/uphold", {"reason": "x"}, "not-found"),
    ("/blocks/7/accept", {"reason": "x"}, "not-found"),
    ("/blocks/7/decline", {"reason": "x"}, "not-found"),
    ("/blocks", NEW | {"reason": "\x1b[31m"}, "invalid"),
    ("/blocks", NEW | {"origin": "finding"}, "invalid"),
]


def test_what_cannot_be_done_is_told(site, boss):
    slugs = [slug_of(site.post(path, boss, body)) for path, body, _ in IMPOSSIBLE]

    assert slugs == [slug for _, _, slug in IMPOSSIBLE]


def test_unknown_state_is_refused(site, boss):
    assert slug_of(site.get("/blocks?state=maybe", boss)) == "invalid"


def test_one_block_is_shown(site, park, boss):
    made = block(site, boss)

    assert site.get(f"/blocks/{made['block_id']}", boss).json() == made
    assert slug_of(site.get("/blocks/999999", boss)) == "not-found"


def test_decision_that_was_cut_off_half_way_leaves_the_proposal(site, park, boss):
    buy(park, 0, 5)
    (proposal,) = in_state(site, boss, "proposed")
    decided = Decided("resold", "anne", park.ledger.clock())

    def cut_off(tx):
        accept_proposal(tx, int(proposal["block_id"]), decided, factor=2.0, expires_at=None)
        raise LedgerUnavailable("the disk is full")

    with pytest.raises(LedgerUnavailable):
        park.change(cut_off)
    assert in_state(site, boss, "proposed") == [proposal]
    assert site.get("/blocks", boss).json() == {"blocks": []}
    assert park.ledger.read(verify).findings == ()


def test_decision_survives_a_restart(tmp_path, park, boss):
    buy(park, 0, 5)
    with an_app(park) as (_, site):
        decide(site, boss, in_state(site, boss, "proposed")[0], "decline")
    park.ledger.close()
    park.ledger = Ledger.open(park.directory, park.settings.venue)

    with an_app(park) as (_, site):
        assert in_state(site, boss, "proposed") == []
        assert len(in_state(site, boss, "declined")) == 1
