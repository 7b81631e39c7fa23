"""The exchange desk over HTTP: tickets once, whoever asks; taken back, printed anew, and slips."""

import json
import threading
from datetime import UTC, datetime

import pytest

from admission.errors import FeedRejected
from gate_server.ledger import audit, lanes, recount, tickets
from gate_server.ledger.doctor import Patient, examine
from tests.offline_lines import a_line, send
from tests.server import Park, an_app, slug_of


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("PAIR-CODE-1", admits="2", price_paid_minor="10001", order_ref="ORDER-7")
    yield park
    assert park.ledger.read(audit.verify).findings == ()
    assert park.ledger.read(lambda db: recount.differences(db, park.ledger.venue)) == []
    assert park.ledger.read(tickets.differences) == []
    assert park.ledger.read(lanes.differences) == []
    park.close()


@pytest.fixture
def site(park):
    with an_app(park) as (_, site):
        yield site


@pytest.fixture
def desk(park):
    return park.enrol("exchange", "G2")


@pytest.fixture
def lane(park):
    return park.enrol()


def exchange(site, desk, **fields):
    return site.scan(desk, "PAIR-CODE-1", mode="exchange", **fields)


def rows(park, sql):
    return park.ledger.read(lambda db: db.execute(sql).fetchall())


def test_a_ticket_is_a_child_of_the_voucher_with_its_share_of_the_price(park, site, desk):
    answer = exchange(site, desk)

    assert (answer["outcome"], answer["admitted"], answer["remaining"]) == ("admit", 0, 0)
    assert [each["person"] for each in answer["tickets"]] == ["1/2", "2/2"]
    assert answer["message"]["zh"] == "换票成功，请取 2 张纸质门票。"
    children = rows(
        park,
        "SELECT t.price_paid_minor, t.admits, t.deal_no = v.deal_no, t.platform = v.platform,"
        " t.order_ref FROM vouchers t JOIN vouchers v ON v.voucher_id = t.parent_id",
    )
    assert children == [(5000, 1, 1, 1, None), (5001, 1, 1, 1, None)]


def test_no_code_of_a_ticket_is_kept_anywhere(park, site, desk):
    codes = [each["code"] for each in exchange(site, desk)["tickets"]]
    assert codes

    kept = b"".join(path.read_bytes() for path in park.directory.glob("ledger.db*"))
    assert [code for code in codes if code[4:].encode() in kept] == []


def test_the_exchange_counts_nobody_and_its_tickets_do(park, site, desk, lane):
    printed = exchange(site, desk)["tickets"]
    boss = park.hire()
    before = site.get("/stats", boss).json()
    site.scan(lane, printed[0]["code"])
    after = site.get("/stats", boss).json()

    assert (before["inside"], before["people_today"], before["scans_today"]) == (0, 0, 1)
    assert (after["inside"], after["people_today"], after["scans_today"]) == (1, 1, 2)
    [deal] = site.get("/deals", boss).json()["deals"]
    assert (deal["vouchers"], deal["people_sold"]) == (1, 2)


def test_two_desks_at_once_print_one_set_of_tickets(park, site, desk):
    other, answers = park.enrol("exchange", "G1"), []
    ready = threading.Barrier(2)

    def scan(member):
        ready.wait()
        answers.append(exchange(site, member))

    threads = [threading.Thread(target=scan, args=(member,)) for member in (desk, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(each["reason"] for each in answers) == ["admitted", "exchanged"]
    assert rows(park, "SELECT COUNT(*) FROM tickets") == [(2,)]


def test_the_same_nonce_gives_the_same_codes_and_the_desk_can_ask_for_them(site, park, desk):
    first = exchange(site, desk, nonce="desk-0001")
    again = exchange(site, desk, nonce="desk-0001")

    assert again["replayed"] is True
    assert again["tickets"] == first["tickets"]
    assert site.get("/scans/desk-0001/tickets", desk).json()["tickets"] == first["tickets"]
    other = park.enrol("exchange", "G1")
    assert site.get("/scans/desk-0001/tickets", other).status_code == 404


def test_an_entry_and_an_annulment_that_race_end_in_one_of_two_ways(site, desk, lane):
    [ticket, *_] = exchange(site, desk, nonce="desk-0001")["tickets"]
    answers = {}
    ready = threading.Barrier(2)

    def enter():
        ready.wait()
        answers["scan"] = site.scan(lane, ticket["code"])["reason"]

    def annul():
        ready.wait()
        answer = site.post("/scans/desk-0001/annul", desk, {"reason": "x"})
        answers["annul"] = answer.status_code

    threads = [threading.Thread(target=work) for work in (enter, annul)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers in (
        {"scan": "admitted", "annul": 409},
        {"scan": "ticket_annulled", "annul": 200},
    )


def test_an_annulment_says_what_is_left_and_shows_no_code(site, park, desk):
    exchange(site, desk, nonce="desk-0001")
    boss, body = park.hire(), {"reason": "wrong party", "people": 1, "device_id": desk.name}
    answer = site.post("/scans/desk-0001/annul", boss, body)
    again = site.post("/scans/desk-0001/annul", boss, body).json()

    assert (answer.status_code, answer.json()["remaining"]) == (200, 1)
    assert answer.json()["tickets"] is None
    assert again["replayed"] is True
    assert slug_of(site.try_scan(desk, "PAIR-CODE-1", mode="exchange", nonce="desk-0001")) == (
        "annulled"
    )
    assert [
        each["person"] for each in site.get("/scans/desk-0001/tickets", desk).json()["tickets"]
    ] == ["1/2"]


def test_a_scan_that_printed_nothing_has_nothing_to_annul(site, desk):
    exchange(site, desk)
    exchange(site, desk, nonce="desk-0002")
    answer = site.post("/scans/desk-0002/annul", desk, {"reason": "x"})

    assert slug_of(answer) == "not-admitted"


def test_a_reprint_kills_the_first_and_its_scan_names_the_new_one(site, park, desk, lane):
    [first, _] = exchange(site, desk)["tickets"]
    made = site.post(f"/tickets/{first['ticket']}/reprint", desk, {"reason": "jam"}).json()
    refused = site.scan(lane, first["code"])

    assert (made["person"], made["ticket"]) == ("1/2", "T1-3")
    assert refused["reason"] == "exchanged"
    assert made["tail"] in refused["message"]["zh"]
    assert site.scan(lane, made["code"])["reason"] == "admitted"
    again = site.post(f"/tickets/{first['ticket']}/reprint", desk, {"reason": "jam"})
    used = site.post(f"/tickets/{made['ticket']}/reprint", park.hire(), {"reason": "lost"})
    assert [slug_of(each) for each in (again, used)] == ["ticket-dead", "ticket-used"]


def test_an_order_finds_the_voucher_and_not_its_tickets(site, desk, lane):
    exchange(site, desk)

    assert site.scan(lane, "ORDER-7", mode="check")["reason"] == "exchanged"


def test_a_platform_sells_no_ticket_of_ours(site, park, desk):
    [ticket, _] = exchange(site, desk)["tickets"]

    with pytest.raises(FeedRejected, match="paper ticket"):
        park.sell(ticket["code"])


def test_a_voucher_that_moves_to_another_deal_takes_its_tickets_along(site, park, desk, lane):
    park.offer("VALLEY", rights="valley:1")
    [ticket, _] = exchange(site, desk)["tickets"]
    park.sell("PAIR-CODE-1", admits="2", deal_id="VALLEY")

    assert site.scan(lane, ticket["code"])["reason"] == "wrong_gate"
    assert rows(park, "SELECT COUNT(DISTINCT deal_no) FROM vouchers") == [(1,)]


def hand_over(site, lane, code, nonce, people=1):
    """Have a lane hand over what it let in while it was cut off."""
    line = {
        "nonce": nonce,
        "code": code,
        "scanned_at": datetime.now(UTC).isoformat(),
        "verdict": {"outcome": "admit", "reason": "admitted", "admitted": people},
    }
    answer = site.post("/scans/batch", lane, json.dumps(line).encode() + b"\n")
    return json.loads(answer.text)["conflicts"]


def test_a_voucher_used_offline_beside_its_tickets_is_a_double_use(site, park, desk, lane):
    printed = exchange(site, desk)["tickets"]
    first = hand_over(site, lane, printed[0]["code"], "lane-0001")
    both = hand_over(site, lane, "PAIR-CODE-1", "lane-0002", people=2)

    assert (first, both) == ([], ["double_use"])
    assert site.scan(lane, printed[1]["code"])["reason"] == "used_up"
    [conflict] = site.get("/conflicts", park.hire()).json()["conflicts"]
    assert {each["nonce"] for each in conflict["scans"]} == {"lane-0001", "lane-0002"}


def test_a_dead_ticket_let_in_offline_is_a_double_use_with_the_one_in_its_place(site, desk, lane):
    [first, second] = exchange(site, desk)["tickets"]
    made = site.post(f"/tickets/{first['ticket']}/reprint", desk, {"reason": "jam"}).json()
    told = [
        hand_over(site, lane, each["code"], f"lane-000{number}")
        for number, each in enumerate((first, second, made))
    ]

    assert told == [[], [], ["double_use"]]


@pytest.mark.parametrize("second_used", [False, True])
def test_a_ticket_whose_first_lane_turned_after_all_is_one_double_use(
    park, site, desk, lane, second_used
):
    other, printed = park.enrol(), exchange(site, desk)["tickets"]
    site.scan(lane, printed[0]["code"], nonce="lane-0001", passage=True)
    moved = site.scan(other, printed[0]["code"], nonce="lane-0002", passage=True)
    if second_used:
        site.scan(lane, printed[1]["code"], nonce="lane-0003")
    boss = park.hire()
    before = site.get("/conflicts", boss).json()["conflicts"]
    site.post("/scans/lane-0001/passage", lane, {"people": 1})
    [conflict] = site.get("/conflicts", boss).json()["conflicts"]

    assert (moved["reason"], before) == ("admitted", [])
    assert (conflict["kind"], conflict["status"]) == ("double_use", "open")
    assert {each["nonce"] for each in conflict["scans"]} == {"lane-0001", "lane-0002"}


@pytest.mark.parametrize("first_comes_first", [True, False])
def test_a_ticket_moves_the_same_whichever_lane_hands_over_first(
    park, site, desk, lane, first_comes_first
):
    other, [ticket, second] = park.enrol(), exchange(site, desk)["tickets"]
    batches = [
        (lane, a_line(ticket["code"], ago_s=60, nonce="lane-0001", watched=True)),
        (other, a_line(ticket["code"], ago_s=40, nonce="lane-0002")),
    ]
    told = [send(site, *each) for each in (batches if first_comes_first else batches[::-1])]

    assert [each["conflicts"] for (each,) in told] == [[], []]
    moved = rows(park, "SELECT nonce, moved FROM scans WHERE moved > 0")
    assert moved == [("lane-0001", 1)]
    assert site.scan(lane, second["code"])["reason"] == "admitted"


def test_a_refund_after_a_ticket_was_used_is_told(site, park, desk, lane):
    [ticket, _] = exchange(site, desk)["tickets"]
    site.scan(lane, ticket["code"])
    park.sell("PAIR-CODE-1", admits="2", status="refunded")

    [conflict] = site.get("/conflicts", park.hire()).json()["conflicts"]
    assert conflict["kind"] == "cancelled_after_use"


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("UPDATE vouchers SET exchanged = 1 WHERE parent_id IS NULL", "says 1 on tickets, not 2"),
        ("UPDATE tickets SET dead_at = 1 WHERE place = 2", "a ticket without its record"),
    ],
)
def test_the_doctor_sees_where_tickets_and_vouchers_disagree(tmp_path, tampering, said):
    park = Park(tmp_path / "other")
    park.sell("PAIR-CODE-1", admits="2")
    with an_app(park) as (_, site):
        exchange(site, park.enrol("exchange"))
    park.change(lambda tx: tx.db.execute(tampering))
    now = park.ledger.clock()
    park.close()

    findings = [each.line for each in examine(Patient(park.directory, now, answers=False))]
    assert [line for line in findings if said in line]


# --- slips ---------------------------------------------------------------------------------------


def test_a_slip_is_the_same_whenever_it_is_asked_for(site, park, lane):
    marshal = park.enrol("marshal")
    stamp = site.scan(marshal, "PAIR-CODE-1", mode="arrive", party=2, nonce="tail-0001")
    first = site.post("/scans/tail-0001/slip", marshal, {}).json()
    there = site.post("/scans/tail-0001/slip", lane, {"device_id": marshal.name}).json()

    assert (first["number"], first["people"]) == (stamp["arrival_number"], 2)
    assert first == there
    assert site.scan(lane, first["code"])["voucher"]["title"] == "票 DAY"
    assert site.scan(lane, first["code"])["reason"] == "used_up"


def test_a_slip_of_an_order_finds_all_that_was_stamped(site, park, lane):
    park.sell("THIRD-CODE-3", order_ref="ORDER-7")
    marshal = park.enrol("marshal")
    site.scan(marshal, "ORDER-7", mode="arrive", nonce="tail-0001")
    slip = site.post("/scans/tail-0001/slip", marshal, {}).json()
    answer = site.scan(lane, slip["code"])

    assert (answer["reason"], slip["title"]) == ("several_vouchers", None)
    assert len(answer["vouchers"]) == 2


def test_what_is_no_stamp_or_finds_no_voucher_has_no_slip(site, park, lane):
    marshal = park.enrol("marshal")
    site.scan(marshal, "NOBODYS-CODE", mode="arrive", nonce="tail-0001")
    site.scan(lane, "PAIR-CODE-1", nonce="lane-0001")
    answers = [
        site.post("/scans/tail-0001/slip", marshal, {}),
        site.post("/scans/lane-0001/slip", lane, {}),
    ]

    assert [slug_of(answer) for answer in answers] == ["not-a-stamp", "not-a-stamp"]
