"""What both sides count differently on a venue day is found by voucher, with its reason."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from admission.errors import FeedRejected, InvalidInput, NotFound
from gate_server.reconciling import Reconciler
from tests.platforms_redeem import a_platform
from tests.redeem_desk import a_desk


@pytest.fixture
def desk(tmp_path):
    with a_platform() as platform, a_desk(tmp_path / "var", platform) as desk:
        yield desk


def compare(desk, theirs=None, after=0):
    park = desk.park
    reconciler = Reconciler(park.directory, park.keys, park.settings.venue)
    day = desk.day + timedelta(days=after)
    told = reconciler.fetch(desk.caller, "lvtu", day) if theirs is None else theirs(reconciler)
    found = reconciler.compare("lvtu", day, told)
    return [(each.voucher_ref, each.ours, each.theirs, each.why) for each in found.lines]


def from_file(path, text):
    path.write_text(text, "utf-8")
    return lambda reconciler: reconciler.read_file(path)


def test_sides_that_agree_differ_in_nothing(desk):
    desk.park.sell("SAME-CODE-01", admits="2", voucher_ref="V1")
    desk.scan("SAME-CODE-01", party=2)
    desk.report()

    assert compare(desk) == []


def test_differences_come_with_what_is_known_of_them(desk):
    for number in range(1, 5):
        desk.park.sell(f"DIFF-CODE-{number:02}", voucher_ref=f"V{number}")
    desk.platform.refuses["V2"] = "refunded"
    desk.scan("DIFF-CODE-01")
    desk.scan("DIFF-CODE-02")
    desk.settle()
    desk.scan("DIFF-CODE-03")
    desk.platform.people.update({"V1": 1, "V4": 1, "V9": 3})

    assert compare(desk) == [
        ("V1", 1, 2, ""),
        ("V2", 1, 0, "refused: refunded"),
        ("V3", 1, 0, "never_reported"),
        ("V4", 0, 1, ""),
        ("V9", 0, 3, "unknown_voucher"),
    ]


def test_each_day_has_its_own_people(desk):
    desk.park.sell("DAYS-CODE-01", admits="3", voucher_ref="V1")
    desk.scan("DAYS-CODE-01", party=2)
    desk.pass_time(days=1)
    desk.scan("DAYS-CODE-01", party=1)

    def nothing(_):
        return ()

    assert compare(desk, nothing) == [("V1", 2, 0, "never_reported")]
    assert compare(desk, nothing, 1) == [("V1", 1, 0, "never_reported")]
    assert compare(desk, nothing, 2) == []


def test_exchange_counts_on_the_day_of_the_exchange(desk):
    desk.park.sell("DESK-CODE-01", admits="3", voucher_ref="V1")
    counter = desk.park.enrol("exchange")
    made = desk.site.scan(counter, "DESK-CODE-01", mode="exchange", party=2)
    desk.pass_time(days=1)
    desk.scan(made["tickets"][0]["code"])

    def nothing(_):
        return ()

    assert compare(desk, nothing) == [("V1", 2, 0, "never_reported")]
    assert compare(desk, nothing, 1) == []


def test_file_names_vouchers_by_reference_or_by_code(desk, tmp_path):
    desk.park.sell("FILE-CODE-01", voucher_ref="V1")
    desk.park.sell("FILE-CODE-02")
    for code in ("FILE-CODE-01", "FILE-CODE-02"):
        desk.scan(code)

    same = from_file(tmp_path / "a.csv", "voucher_ref,code,people\nV1,,1\n,FILE-CODE-02,1\n")
    other = from_file(tmp_path / "b.ndjson", '{"code": "FILE-CODE-02", "people": 2}\n')

    assert compare(desk, same) == []
    assert compare(desk, other) == [(None, 1, 2, "never_reported"), ("V1", 1, 0, "never_reported")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("people\n1\n", "line 2: needs voucher_ref or code"),
        ("voucher_ref,people\nV1,many\n", "line 2: people: must be a whole number"),
        ("voucher_ref,people\nV1,-1\n", "line 2: people: must be a whole number"),
        ("voucher_ref,persons\nV1,1\n", "persons"),
    ],
)
def test_file_that_cannot_be_read_compares_nothing(desk, tmp_path, text, problem):
    with pytest.raises(FeedRejected, match=problem):
        compare(desk, from_file(tmp_path / "bad.csv", text))


def test_platform_that_cannot_list_asks_for_a_file(desk):
    desk.platform.offers = ["partial", "ask"]

    with pytest.raises(InvalidInput, match="--file"):
        compare(desk)


def test_unknown_platform_is_told(desk):
    park = desk.park
    reconciler = Reconciler(park.directory, park.keys, park.settings.venue)

    with pytest.raises(NotFound, match="no feed of nobody"):
        list(reconciler.fetch(desk.caller, "nobody", desk.day))


def test_scan_that_came_late_from_an_outage_counts_on_its_own_day(desk):
    desk.park.sell("LATE-CODE-01", voucher_ref="V1")
    line = {
        "code": "LATE-CODE-01",
        "nonce": "late-scan-1",
        "scanned_at": desk.park.now.isoformat(),
        "verdict": {"outcome": "admit", "reason": "admitted", "admitted": 1},
    }
    desk.pass_time(days=1)

    answer = desk.site.post("/scans/batch", desk.lane, json.dumps(line).encode() + b"\n")

    assert answer.json()["status"] == "accepted"
    assert compare(desk, lambda _: ()) == [("V1", 1, 0, "never_reported")]
    desk.report()
    assert compare(desk) == []
