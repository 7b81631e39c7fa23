"""Statements over HTTP: two signatures close one, and later scans make a new version."""

import gzip
import json
from hashlib import sha256

import pytest

from tests.server import slug_of
from tests.settlement_story import a_story


@pytest.fixture
def story(tmp_path):
    with a_story(tmp_path / "var") as story:
        yield story


def make(story):
    answer = story.post("/statements", None)
    assert answer.status_code == 201, answer.text
    return answer.json()


def sign(story, by, version=1, read=None):
    read = read or story.get(f"/statements/{version}").json()["hash"]
    return story.site.post(f"/deals/DAY/statements/{version}/sign", by, {"hash": read})


def events(story, kind):
    sql = "SELECT body FROM audit WHERE kind = ?"
    rows = story.park.ledger.read(lambda db: db.execute(sql, (kind,)).fetchall())
    return [json.loads(body) for (body,) in rows]


def scan_late(story):
    """Upload what a lane admitted offline before the void and has only now handed over."""
    shown = {"outcome": "admit", "reason": "admitted", "admitted": 1}
    line = {"code": "STAYED-1", "nonce": "late-scan-1", "party": 1, "verdict": shown}
    line["scanned_at"] = "2015-05-01T08:00:00+08:00"
    body = json.dumps(line).encode() + b"\n"
    answer = story.site.post("/scans/batch", story.park.enrol(), body)
    assert json.loads(answer.text)["status"] == "accepted", answer.text


def test_two_accounts_one_of_them_a_partners_close_a_statement(story):
    made = make(story)
    first = sign(story, story.boss).json()
    second = sign(story, story.partner).json()

    assert (made["version"], made["closed_at"], made["signatures"]) == (1, None, [])
    assert first["closed_at"] is None
    assert [each["name"] for each in second["signatures"]] == ["anne", "li"]
    assert [each["partner"] for each in second["signatures"]] == [False, True]
    assert second["closed_at"] is not None
    assert [each["hash"] for each in events(story, "statement_closed")] == [made["hash"]]


@pytest.mark.parametrize("roles", [("supervisor", "admin"), ("partner", "partner")])
def test_two_accounts_of_one_side_close_nothing(story, roles):
    make(story)
    answers = [sign(story, story.park.hire(role)) for role in roles]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[-1].json()["closed_at"] is None


def test_signing_twice_is_signing_once(story):
    make(story)
    sign(story, story.boss)
    story.at("11:00:00", "2015-05-02")
    again = sign(story, story.boss).json()

    assert len(again["signatures"]) == 1
    assert len(events(story, "statement_signed")) == 1


def test_a_third_signature_changes_nothing(story):
    make(story)
    for member in (story.boss, story.partner):
        sign(story, member)

    assert slug_of(sign(story, story.park.hire("admin"))) == "statement-closed"
    assert sign(story, story.partner).status_code == 200


def test_whoever_read_something_else_signs_nothing(story):
    make(story)
    differs = sign(story, story.boss, read="0" * 64)
    unread = story.site.post("/deals/DAY/statements/1/sign", story.boss, {"hash": "0"})

    assert slug_of(differs) == "statement-differs"
    assert slug_of(unread) == "invalid"
    assert story.get("/statements/1").json()["signatures"] == []


def test_hash_is_of_the_bytes_that_are_given_out(story):
    made = make(story)
    summary = story.get("/statements/1?format=settlement").content
    vouchers = story.get("/statements/1?format=csv", story.partner).content
    parts = sha256(summary).digest() + sha256(vouchers).digest()

    assert made["hash"] == sha256(b"gatehouse statement v1\x00" + parts).hexdigest()
    assert json.loads(summary) == made["settlement"]
    assert vouchers == story.get("/settlement?format=csv").content


def test_where_nothing_changed_the_newest_stands(story):
    made = make(story)
    story.at("12:00:00", "2015-05-03")

    assert make(story) == made


def test_later_scans_make_a_new_version_with_their_differences(story):
    make(story)
    for member in (story.boss, story.partner):
        sign(story, member)
    kept = story.get("/statements/1?format=csv").content
    scan_late(story)
    second = make(story)
    told = story.get("/statements/2/differences", story.partner).json()

    assert second["version"] == 2
    assert (told["version"], told["against"]) == (2, 1)
    (changed,) = told["changed"]
    assert changed["before"]["class"] == "refund_due"
    assert changed["after"]["class"] == "used_before_void"
    assert (changed["before"]["owed_minor"], changed["after"]["owed_minor"]) == ("0", "26000")
    assert changed["after"]["evidence"] == "device"
    assert changed["after"]["voucher_ref"] == "V-5"
    assert story.get("/statements/1?format=csv").content == kept
    assert story.get("/statements/1").json()["closed_at"] is not None


def test_a_voucher_that_came_later_is_a_difference(story):
    make(story)
    story.sell("NEW-0001", order_ref="ORDER-NEW", price_paid_minor="5")
    make(story)
    (changed,) = story.get("/statements/2/differences").json()["changed"]

    assert changed["before"] is None
    assert changed["after"]["order_ref"] == "ORDER-NEW"


def test_an_old_statement_is_not_signed_any_more(story):
    make(story)
    scan_late(story)
    make(story)

    assert slug_of(sign(story, story.boss, version=1)) == "statement-old"
    assert sign(story, story.boss, version=2).status_code == 200


def test_statements_are_listed_newest_first(story):
    make(story)
    scan_late(story)
    make(story)
    listed = story.get("/statements", story.partner).json()["statements"]

    assert [each["version"] for each in listed] == [2, 1]
    assert listed[1]["settlement"]["counts"]["refund_due"] == 3


def test_the_first_statement_differs_from_none(story):
    make(story)

    assert story.get("/statements/1/differences").json() == {
        "version": 1, "against": None, "changed": [],
    }  # fmt: skip


@pytest.mark.parametrize("version", ["9", "one", "1" * 40])
def test_what_is_no_statement_is_not_found(story, version):
    assert slug_of(story.get(f"/statements/{version}")) == "not-found"


def test_partners_sign_and_never_make_and_see_their_own_only(story):
    make(story)
    stranger = story.park.hire("partner", platform="ctrip")

    assert slug_of(story.post("/statements", None, story.partner)) == "forbidden"
    assert slug_of(story.get("/statements", stranger)) == "not-found"
    assert slug_of(sign(story, stranger, read="0" * 64)) == "not-found"


def test_a_statement_that_was_altered_is_told_by_its_hash(story):
    made = make(story)
    sql = "UPDATE statements SET vouchers = ?"
    story.park.change(lambda tx: tx.db.execute(sql, (gzip.compress(b"voucher\r\n"),)))
    parts = [story.get(f"/statements/1?format={form}").content for form in ("settlement", "csv")]
    digests = b"".join(sha256(part).digest() for part in parts)

    assert sha256(b"gatehouse statement v1\x00" + digests).hexdigest() != made["hash"]
