"""The search in the audit: what was done, page by page, and nothing that stands for a visitor."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from admission.calendar import to_ms
from gate_server.cli import main
from gate_server.ledger.audit_list import AuditSearch, list_events
from tests.server import slug_of
from tests.settlement_story import AFTER, DAY, a_story, clock, copy_played

GATE = {"state": "paused", "reason": "a queue of 张三"}


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    with a_story(tmp_path_factory.mktemp("audit") / "var") as story:
        for number, hour in enumerate(("09", "10", "11"), 1):
            story.at(f"{hour}:00:00", AFTER)
            body = GATE | {"reason": f"reason {number}"}
            assert story.site.post("/gates/G1/state", story.boss, body).status_code == 200
        hired = {role: story.park.hire(role) for role in ("admin", "auditor")}
        yield SimpleNamespace(park=story.park, site=story.site, boss=story.boss, **hired)


def search(story, reader=None, /, **query):
    answer = story.site.get("/audit", reader or story.auditor, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_newest_comes_first_with_who_did_what(story):
    first, *_ = search(story, event="gate_state")["audit"]

    assert (first["event"], first["by"]) == ("gate_state", "anne")
    assert first["fields"] == {"gate_id": "G1", "reason": "reason 3", "state": "paused"}
    assert first["at"] == "2015-05-02T03:00:00Z"


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ({"event": "void"}, ["void"]),
        ({"subject": "DAY", "by": "anne"}, ["void"]),
        ({"by": "anne", "until": DAY}, ["override", "void", "block"]),
        ({"event": "gate_state", "until": f"{AFTER}T10:00:00+08:00"}, ["gate_state"] * 2),
        ({"event": "gate_state", "from": f"{AFTER}T10:00:00+08:00"}, ["gate_state"] * 2),
        ({"event": "gate_state", "from": "2015-05-03"}, []),
        ({"event": "gate_state", "until": DAY}, []),
        ({"event": "scan"}, []),
        ({"event": "void", "by": "somebody"}, []),
        ({"subject": "anne"}, ["user"]),
        ({"subject": "' OR 1=1 --"}, []),
    ],
)
def test_it_is_found_by_what_when_who_and_whom(story, query, events):
    assert [each["event"] for each in search(story, **query)["audit"]] == events


def test_a_scan_is_a_subject_and_no_event(story):
    [override] = search(story, event="override")["audit"]
    about = search(story, subject=str(override["fields"]["scan_id"]))["audit"]

    assert override["revision"] in [each["revision"] for each in about]
    assert "scan" not in {each["event"] for each in search(story)["audit"]}


def test_pages_meet_without_a_gap(story):
    read = story.park.ledger.read
    whole, end = read(lambda db: list_events(db, AuditSearch()))
    parts, before = [], None
    while True:
        some, before = read(lambda db, at=before: list_events(db, AuditSearch(before=at), most=7))
        parts += some
        if before is None:
            break

    assert parts == whole
    assert (end, len(whole) > 20) == (None, True)
    assert search(story, before=whole[4].revision)["audit"][0]["revision"] == whole[5].revision


def test_a_rare_event_among_many_is_found_over_several_reads(tmp_path):
    with a_story(tmp_path / "var") as story:
        story.park.change(
            lambda tx: [tx.record_event("report", {"number": n}) for n in range(45_000)]
        )
        found, reads, before = [], 0, None
        while reads == 0 or before is not None:
            asked = AuditSearch(by="anne", before=before)
            some, before = story.park.ledger.read(lambda db, asked=asked: list_events(db, asked))
            found += [event.kind for event in some]
            reads += 1

    assert found == ["override", "void", "block"]
    assert reads == 3


def test_what_stands_for_a_visitor_is_not_told(story):
    [block] = search(story, story.admin, event="block")["audit"]

    assert "buyer" not in block["fields"]
    assert block["fields"]["platform"] == "lvtu"
    text = json.dumps(search(story, story.admin))
    assert [word for word in ("13800000001", "buyer-6", "EARLY-1") if word in text] == []


def test_personal_fields_are_told_to_whom_they_may_be_and_while_they_stand(story):
    park = story.park
    told = {"operator": "4711", "note": "张三", "asked": "13800000001"}
    revision = park.change(lambda tx: tx.record_event("count", {"people": 1}, personal=told))
    seen = [
        search(story, who, before=revision + 1)["audit"][0]["personal"]
        for who in (story.admin, story.auditor)
    ]
    park.change(
        lambda tx: tx.db.execute("DELETE FROM audit_personal WHERE revision = ?", (revision,))
    )
    erased = search(story, story.admin, before=revision + 1)["audit"][0]

    assert seen == [
        {"asked": None, "note": "张三", "operator": "4711"},
        {"asked": None, "note": None, "operator": "4711"},
    ]
    assert erased["personal"] == {"asked": None, "note": None, "operator": None}
    assert erased["fields"] == {"people": 1}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"until": "2015-05-01T10:00:00"}, "until"),
        ({"from": "0001-01-01"}, "from"),
        ({"by": "x" * 201}, "by"),
        ({"event": "a\x00b"}, "event"),
        ({"before": "-1"}, "before"),
        ({"who": "anne"}, "who"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(story, query, field):
    answer = story.site.get("/audit", story.admin, params=query)

    assert (slug_of(answer), answer.json()["errors"][0]["field"]) == ("invalid", field)


def test_a_clock_set_back_loses_no_event(story):
    """Events stand in the order of the record; one that is dated earlier is still listed."""
    park = story.park
    early = {"at": to_ms(clock("08:00:00"))}
    park.change(lambda tx: tx.record_event("report", early))

    assert search(story, event="report")["audit"][0]["at"] == "2015-05-01T00:00:00Z"


def test_the_command_lists_the_same(tmp_path):
    copy_played(tmp_path / "var")
    asked = ["--data", str(tmp_path / "var"), "audit", "list", "--until", DAY, "--by", "anne"]
    told = CliRunner().invoke(main, [*asked, "--json"])
    text = CliRunner().invoke(main, asked)

    assert (told.exit_code, text.exit_code) == (0, 0), told.output
    events = json.loads(told.stdout)["audit"]
    assert [each["event"] for each in events] == ["override", "void", "block"]
    assert "flash-sale limit failed" in text.stdout
