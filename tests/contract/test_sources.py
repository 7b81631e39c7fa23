"""What every source must do, whatever it speaks and however its platform behaves."""

import contextlib
import random
import time

import pytest

from admission.errors import FeedError
from tests import platforms
from tests.platforms import TOKEN, Platform, a_deal_row, a_voucher_row
from tests.server import Park
from tests.sides import NOW, SIDES, OctoSide, PullSide, Truth, books

CODES = [f"CODE-{number:04}" for number in range(7)]
HTTP = ("pull", "octo")


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    park.now = NOW
    yield park
    park.close()


@pytest.fixture(params=SIDES)
def side(request, park):
    side = SIDES[request.param](park)
    yield side
    side.close()


@pytest.fixture(params=HTTP)
def http_side(request, park):
    side = SIDES[request.param](park)
    yield side
    side.close()


def expected(truths):
    return {each.code: each.status for each in truths}


def revision(park):
    return park.ledger.read(lambda db: db.execute("SELECT revision FROM venue").fetchone()[0])


def test_ledger_is_the_platforms_truth_after_a_round(side):
    truths = [Truth(code) for code in CODES]
    side.tell(truths)
    tally = side.round()

    assert books(side.park, *CODES) == expected(truths)
    assert (tally.added, tally.set_aside) == (len(CODES) + 1, 0)
    assert side.feed().accepted_at is not None
    assert side.rejects() == []


def test_second_round_without_news_changes_nothing(side):
    side.tell([Truth(code) for code in CODES])
    side.round()
    before = revision(side.park)
    tally = side.round()

    assert (tally.added, tally.changed) == (0, 0)
    assert revision(side.park) == before


def test_what_is_cancelled_later_is_cancelled_here(side):
    truths = [Truth(code) for code in CODES]
    side.tell(truths)
    side.round()
    side.tell([truths[2].ended()])
    side.round()

    assert books(side.park, *CODES) == expected(truths) | {CODES[2]: "refunded"}


def test_older_news_that_comes_late_overwrites_nothing(side):
    side.tell([Truth(CODES[0]).ended()])
    side.round()
    side.tell([Truth(CODES[0])])
    side.round()

    assert books(side.park, *CODES) == {CODES[0]: "refunded"}


def test_all_of_it_again_from_the_beginning_changes_nothing(side):
    side.tell([Truth(code) for code in CODES])
    side.round()
    before, feed = revision(side.park), side.feed()
    side.tell([Truth(code) for code in CODES])
    turn, source = side.turn(), side.source()
    turn.run(type(feed)(**{**as_dict(feed), "cursor": None}), source)
    source.close()

    assert revision(side.park) == before


def as_dict(feed):
    return {name: getattr(feed, name) for name in feed.__struct_fields__}


def test_round_that_ends_in_the_middle_is_gone_on_with(side):
    truths = [Truth(code) for code in CODES]
    side.tell(truths)
    for _ in range(20):
        source = side.source()
        parts = source.changes(side.feed().cursor)
        first = next(parts)
        give(side, first)
        parts.close()
        source.close()
        if first.whole:
            break
    side.round()

    assert books(side.park, *CODES) == expected(truths)


def give(side, part):
    """Take one part as a round does, and stop there."""

    class One:
        def changes(self, _):
            yield part

    side.turn().run(side.feed(), One())


TROUBLES = [
    platforms.hang_up,
    platforms.truncate,
    platforms.half,
    platforms.silent(1.0),
    platforms.drip(0.05),
    platforms.drip_headers(0.05),
    platforms.status(401),
    platforms.status(404),
    platforms.status(429, Retry_After="1"),
    platforms.status(500),
    platforms.status(503),
    platforms.content(b"<html>log in</html>", kind="text/html"),
    platforms.content(b"<html>log in</html>"),
    platforms.content(b""),
    platforms.content(b"null"),
    platforms.content(b"7" * 5000),
    platforms.content(b'"\xff\xfe"'),
    platforms.content(b"[" * 200_000),
    platforms.content(b'{"a":' * 200_000),
    platforms.content({"type": "vouchers"}),
    platforms.content([1, 2, 3]),
    platforms.bomb,
    platforms.endless(b"[", b'{"uuid":"u","status":"NONE","x":"' + b"y" * 65536 + b'"},'),
    platforms.endless(b'[{"uuid":"', b"u" * 65536),
    platforms.redirect("http://127.0.0.1:9/elsewhere"),
    platforms.content(b"{}", Content_Encoding="gzip"),
]


def test_trouble_loses_nothing_keeps_the_place_and_is_over_soon(http_side):
    wrong, codes = {}, [f"CODE-{number:04}" for number in range(len(TROUBLES) + 1)]
    truths = [Truth(code) for code in codes]
    http_side.tell(truths[:1])
    http_side.round()
    for number, trouble in enumerate(TROUBLES, 1):
        before, began = http_side.feed().cursor, time.monotonic()
        http_side.tell([truths[number]])
        http_side.platform.always = trouble
        with pytest.raises(FeedError) as caught:
            http_side.round()
        took_s, during = time.monotonic() - began, books(http_side.park, *codes)
        http_side.platform.always = None
        kept, said = http_side.feed().cursor, str(caught.value)
        http_side.round()
        facts = {
            "nothing lost or doubled": during == expected(truths[:number]),
            "place kept": kept == before,
            "over soon": took_s < 3,
            "no token, no code": TOKEN not in said and not any(code in said for code in codes),
            "truth after": books(http_side.park, *codes) == expected(truths[: number + 1]),
        }
        wrong |= {(number, fact): said for fact, good in facts.items() if not good}

    assert wrong == {}


def test_rows_told_twice_and_backwards_are_the_same_rows(http_side):
    truths = [Truth(code) for code in CODES]
    http_side.tell(truths)
    http_side.platform.always = platforms.repeat
    http_side.round()

    assert books(http_side.park, *CODES) == expected(truths)


@pytest.mark.parametrize("seed", range(2))
def test_in_the_end_the_ledger_is_the_truth_whatever_happened(http_side, seed):
    chance, truth = random.Random(seed), {}
    troubles = [
        platforms.hang_up, platforms.truncate, platforms.half, platforms.status(500),
        platforms.repeat, platforms.content(b"[]"), platforms.content(b"{"),
    ]  # fmt: skip
    for _ in range(12):
        code = chance.choice(CODES)
        truth[code] = truth[code].ended() if code in truth else Truth(code)
        http_side.tell([truth[code]])
        http_side.platform.troubles = [chance.choice([None, *troubles]) for _ in range(4)]
        run(http_side)
    http_side.platform.troubles = []
    http_side.round()

    assert books(http_side.park, *CODES) == expected(truth.values())


def run(side):
    with contextlib.suppress(FeedError):
        side.round()


def test_another_platforms_deal_is_not_touched(park):
    park.offer("EAST", platform="lvtu", title="Theirs")
    side = PullSide(park)
    side.platform.pages = [("deals", [a_deal_row()]), ("vouchers", [a_voucher_row(CODES[0])])]
    side.round()
    side.close()

    assert park.ledger.catalogue.deal("EAST").title == "Theirs"
    assert books(park) == {}
    assert {row["field"] for row in side.rejects()} == {"deal_id"}


def test_wrong_row_is_set_aside_and_the_others_go_in(park):
    side = PullSide(park)
    rows = [
        a_voucher_row(CODES[0]), {"code": {"deep": ["er"]}}, a_voucher_row(CODES[1], colour="red"),
        a_voucher_row(CODES[2], price_paid_minor=10**30), 7, a_voucher_row(CODES[3]),
    ]  # fmt: skip
    side.platform.pages = [("deals", [a_deal_row()]), ("vouchers", rows)]
    tally = side.round()
    side.close()

    assert books(park, *CODES) == {CODES[0]: "valid", CODES[3]: "valid"}
    assert tally.set_aside == len(side.rejects()) == 4
    assert not any(code in str(side.rejects()) for code in CODES)


def test_page_that_makes_no_sense_is_refused_whole(park):
    side = PullSide(park)
    good = {"type": "vouchers", "timestamp": "2026-05-01T09:00:00Z", "data": [], "cursor": "0"}
    for page in (
        {"cursor": "", "more": True},
        {"cursor": "x" * 2000},
        {"timestamp": "2026-05-01T09:00:00"},
        {"timestamp": "2126-05-01T09:00:00Z"},
        {"type": "refunds"},
        {"data": {}},
        {"cursor": 7},
        {"more": "yes"},
    ):
        side.platform.always = platforms.content(good | page)
        with pytest.raises(FeedError):
            side.round()
        assert side.feed().accepted_at is None, page
    side.close()


def test_platform_whose_pages_never_end_is_left(park):
    side = PullSide(park)
    count = iter(range(10**9))

    def another(handler):
        cursor = str(next(count) % 50)
        handler.give({**Platform.changes(handler.server, "0"), "cursor": cursor, "more": True})

    side.platform.pages = [("deals", [a_deal_row()])]
    side.platform.always = another
    with pytest.raises(FeedError, match="cursor: comes back"):
        side.round()
    side.close()

    assert side.feed().accepted_at is None


def test_unchanged_is_told_by_a_tag_and_counts_as_heard(park):
    side = PullSide(park)
    side.tell([Truth(CODES[0])])
    side.round()
    side.round()
    asked = side.platform.asked[-1]
    side.close()

    assert asked.headers["If-None-Match"] == '"2"'
    assert asked.query["cursor"] == "2"


@pytest.mark.parametrize("kind", HTTP)
def test_one_voucher_is_found_by_its_code(park, kind):
    side = SIDES[kind](park)
    if isinstance(side, OctoSide):
        side.platform.bookings["2026-05-01"] = [
            platforms.a_booking(platforms.Sold(1, (CODES[0],), voucher_code=CODES[1]))
        ]
    else:
        side.tell([Truth(CODES[1])])
    source = side.source()
    found = [row for part in source.find(CODES[1], timeout_s=0.5) for row in part.rows]
    nobody = source.find("NO-SUCH-CODE", timeout_s=0.5)
    source.close()
    side.close()

    assert CODES[1] in {row.row.get("code") for row in found}
    assert [row for part in nobody for row in part.rows] == []


def test_look_up_is_over_within_its_time(http_side):
    http_side.platform.always = platforms.drip_headers(0.02)
    source, began = http_side.source(), time.monotonic()
    with pytest.raises(FeedError):
        source.find(CODES[0], timeout_s=0.3)
    source.close()

    assert time.monotonic() - began < 1.5
