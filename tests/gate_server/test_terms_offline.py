"""A scanner that is cut off while terms change: what it showed stands, and is judged afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gate_server.ledger.conflicts import list_conflicts, reconcile_deal
from gate_server.ledger.settlements import make_settlement
from tests.offline_player import OfflinePlayer

CLOSURES = json.loads((Path(__file__).parents[1] / "vectors" / "closures.json").read_text("utf-8"))
DAY = "2015-02-12"


class CutOff(OfflinePlayer):
    """A venue whose scanners can be cut off; they hand over what they showed all the same."""

    away = False

    def download(self, scanner):
        if not self.away:
            super().download(scanner)


@pytest.fixture
def player(tmp_path):
    player = CutOff(tmp_path, CLOSURES)
    yield player
    player.close()


def play(player, clock, day=DAY, **move):
    return player.play({"at": f"{day}T{clock}:00+08:00"} | move)


def scan(player, clock, code="ADULT-0001", day=DAY, device="D1"):
    return play(player, clock, day, scan={"code": code, "device": device})["reason"]


def kinds(player):
    return [each.kind for each in player.ledger.read(list_conflicts) if each.status == "open"]


def void(player, clock, arrived_by):
    honour = None if arrived_by is None else {"arrived_by": f"{DAY}T{arrived_by}:00+08:00"}
    play(player, clock, void={"deal_id": "DAY", "honour": honour})


@pytest.mark.parametrize(
    ("arrived_by", "found", "counted"),
    [("17:00", [], "honoured"), ("10:00", ["used_after_void"], "used_after_void"),
     (None, ["used_after_void"], "used_after_void")],
)  # fmt: skip
def test_who_is_let_in_during_an_unknown_void_is_judged_by_its_terms(
    player, arrived_by, found, counted
):
    scan(player, "08:00", "FRIDAY-001")  # the scanner has its replica
    player.away = True
    void(player, "09:00", arrived_by)
    shown = scan(player, "11:00")
    settled = make_settlement(player.ledger, "DAY").answer

    assert shown == "admitted"
    assert kinds(player) == found
    assert (getattr(settled.counts, counted), settled.balanced) == (1, True)


def test_scanner_refuses_by_the_terms_at_its_next_contact(player):
    scan(player, "08:00", "FRIDAY-001")
    player.away = True
    void(player, "09:00", None)
    before = scan(player, "09:30", "FAMILY-001")
    player.away = False

    assert (before, scan(player, "09:40")) == ("admitted", "deal_voided")


def test_other_terms_that_come_later_undo_nothing(player):
    scan(player, "08:00", "FRIDAY-001")
    player.away = True
    void(player, "09:00", "17:00")
    scan(player, "11:00")
    void(player, "12:00", None)
    reconcile_deal(player.ledger, "DAY")

    assert kinds(player) == []
    assert make_settlement(player.ledger, "DAY").answer.counts.honoured == 1


def close(player, clock, day=DAY, **changes):
    rain = {"name": "rain", "day": DAY, "extend_until": "2015-02-20", "deals": ["DAY"]}
    play(player, clock, day, closure=rain | {"used_too": True} | changes)


def test_who_comes_by_a_new_right_is_no_double_use_whoever_decides(player):
    scan(player, "09:00")
    close(player, "11:00")

    assert scan(player, "09:00", day="2015-02-14") == "admitted"
    assert kinds(player) == []


def test_scanner_that_does_not_know_the_closure_refuses_until_its_next_contact(player):
    scan(player, "09:00")
    player.away = True
    close(player, "11:00")
    before = scan(player, "09:00", day="2015-02-14")
    player.away = False

    assert (before, scan(player, "09:10", day="2015-02-14")) == ("used_up", "admitted")


def test_who_is_let_in_after_an_unknown_restore_is_left_to_a_human(player):
    scan(player, "09:00")
    close(player, "11:00")
    scan(player, "08:00", "FRIDAY-001", day="2015-02-13")
    player.away = True
    play(player, "12:00", "2015-02-13", closure={"name": "rain", "restore": True})

    assert scan(player, "09:00", day="2015-02-14") == "admitted"
    assert kinds(player) == ["double_use"]


def test_who_is_paid_back_for_a_closed_day_is_no_conflict(player):
    scan(player, "09:00")
    close(player, "11:00", refunds_open=True)
    asked = {"id": "r1", "code": "ADULT-0001"}

    assert play(player, "12:00", refund=asked)["reason"] == "venue_closed"
    assert kinds(player) == []
    settled = make_settlement(player.ledger, "DAY").answer
    assert settled.amounts_minor.owed_to_venue == 0
    assert settled.amounts_minor.refunds_to_reverse == 0
    assert settled.balanced


def test_restore_makes_no_double_use_of_who_came_before_it(player):
    scan(player, "09:00")
    close(player, "11:00")
    scan(player, "09:00", day="2015-02-14")
    play(player, "12:00", "2015-02-14", closure={"name": "rain", "restore": True})
    play(player, "12:30", "2015-02-14", scan={"code": "ADULT-0001", "device": "D1"})

    assert kinds(player) == []
