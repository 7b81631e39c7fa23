"""An old scan is decided again on what was known then, whatever has happened since."""

from __future__ import annotations

import random
import sqlite3
from typing import Any

import pytest

from admission.replay import Agreement, Doubt
from gate_server.evidence_words import read_evidence_words
from gate_server.replay import replay_recorded, replay_scan
from tests.gate_server.test_mixed_day import CODES, KINDS, Day, replays
from tests.server import Park, an_app

TERMS = {"reason": "limit failed", "cost_bearer": "platform"}


class Troubled(Day):
    """A day on which the venue and its platforms change their minds, too."""

    def boss_does(self, path: str, **body: Any) -> None:
        self.post(path, self.boss, {"reason": "test"} | body)

    def hold(self) -> None:
        scope = self.chance.choice([{}, {"price_at_most_minor": 500}])
        at_gate = self.chance.choice(["refer", "admit_and_mark"])
        self.boss_does("/deals/DAY/hold", scope=scope, at_gate=at_gate)

    def release(self) -> None:
        self.boss_does("/deals/DAY/release")

    def void(self) -> None:
        arrived_by = self.at(self.chance.choice([-3600, 0, 600]))
        most = self.chance.choice([None, 1, 3])
        honour = self.chance.choice([None, {"arrived_by": arrived_by, "max_people": most}])
        self.post("/deals/DAY/void", self.boss, TERMS | {"honour": honour})

    def restore(self) -> None:
        self.boss_does("/deals/DAY/restore")

    def gate(self) -> None:
        state = self.chance.choice(["open", "open", "paused", "exit_only"])
        self.boss_does("/gates/G1/state", state=state)

    def alarm(self) -> None:
        self.boss_does("/venue/emergency", on=self.chance.random() < 0.3)

    def block(self) -> None:
        made = self.post(
            "/blocks", self.boss, {"platform": "lvtu", "buyer_ref": "buyer", "reason": "bulk"}
        )
        if self.chance.random() < 0.7 and "id" in made:
            self.boss_does(f"/blocks/{made['id']}/lift")

    def cancel(self) -> None:
        code = self.chance.choice(CODES[:3])
        status = self.chance.choice(["valid", "cancelled", "refunded", "blocked"])
        columns = {"status": status, "buyer_ref": "buyer", "price_paid_minor": "300"}
        self.park.sell(code, status_at=self.at(0), **columns)

    def change(self) -> None:
        valid_until = self.chance.choice(["2014-02-01", "2099-12-31"])
        rights = self.chance.choice(["park:1", "park:2", "valley:1"])
        self.park.offer("DAY", valid_until=valid_until, rights=rights)

    def arrive(self) -> None:
        self.scan(mode="arrive", passage=False)

    def stranger(self) -> None:
        code = self.chance.choice(["NOBODY-KNOWS", "x", "134567890123456789", "GH1:ABC"])
        self.scan(code=code)


TROUBLES = (
    *("hold", "hold", "release", "void", "void", "restore", "restore", "gate", "gate", "alarm"),
    *("block", "cancel", "cancel", "change", "arrive", "arrive", "stranger"),
)


@pytest.mark.parametrize("seed", range(3))
def test_every_scan_of_a_troubled_day_replays_as_it_was_answered(tmp_path, seed):
    park = Park(tmp_path / "var", settings='[venue]\nzone = "Asia/Shanghai"\nlimit = 9\n')
    with an_app(park) as (_, site):
        day = Troubled(park, site, random.Random(100 + seed))
        for _ in range(120):
            getattr(day, day.chance.choice([*KINDS, *TROUBLES, "scan", "scan"]))()

        again = replays(park)
        reasons = {each.answered.reason for each in again.values()}
        assert len(again) > 15
        assert len(reasons) > 4
        assert {n: each for n, each in again.items() if each.agreement != Agreement.AGREES} == {}
    park.close()


def scan_id_of(answer: dict[str, Any]) -> int:
    return int(answer["scan_id"])


def tamper(park: Park, *statements: str) -> None:
    db = sqlite3.connect(park.directory / "ledger.db", isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()


@pytest.fixture
def used(tmp_path):
    """A park in which a voucher was admitted once and refused once."""
    park = Park(tmp_path / "var")
    park.sell("USED-CODE-1", status="valid")
    with an_app(park) as (_, site):
        device = park.enrol()
        first = scan_id_of(site.scan(device, "USED-CODE-1"))
        second = scan_id_of(site.scan(device, "USED-CODE-1"))
        yield park, site, device, (first, second)
    park.close()


def test_what_came_later_is_told_and_changes_no_answer(used):
    park, site, device, (first, second) = used
    boss = park.hire()
    asked = {"reason": "lost child", "device_id": device.name}
    nonce = park.ledger.read(
        lambda db: db.execute("SELECT nonce FROM scans WHERE scan_id = ?", (second,)).fetchone()
    )[0]
    assert site.post(f"/scans/{nonce}/override", boss, asked).status_code == 200
    park.sell("USED-CODE-1", status="refunded")

    told = replay_scan(park.ledger, second, read_evidence_words())

    assert told.agreement is Agreement.AGREES
    assert (told.again.reason, told.again.admitted) == ("used_up", 0)
    assert [change.kind for change in told.changed_since] == ["override"]
    assert replay_scan(park.ledger, first, read_evidence_words()).again.reason == "admitted"


def test_changed_answer_is_found(used):
    park, _, _, (_, second) = used
    tamper(park, f"UPDATE scans SET reason = 'expired' WHERE scan_id = {second}")

    found = replay_recorded(park.ledger, second)

    assert found.agreement is Agreement.DIFFERS
    assert found.again.reason == "used_up"


def test_lost_history_is_found(used):
    park, _, _, (first, second) = used
    tamper(park, f"DELETE FROM scans WHERE scan_id = {first}")

    found = replay_recorded(park.ledger, second)

    assert found.agreement is Agreement.DIFFERS


def test_other_rules_version_is_no_difference_but_a_doubt(used):
    park, _, _, (_, second) = used
    tamper(park, f"UPDATE scans SET rules_version = 0, people = 5 WHERE scan_id = {second}")

    found = replay_recorded(park.ledger, second)

    assert found.agreement is Agreement.NOT_KNOWN
    assert found.doubts == (Doubt.RULES_CHANGED,)


def test_scan_of_before_states_were_kept_claims_nothing(used):
    park, _, _, (first, _) = used
    tamper(park, "UPDATE venue SET states_since = 1000000")
    park.sell("USED-CODE-1", status="cancelled")
    tamper(park, "DELETE FROM voucher_states")

    found = replay_recorded(park.ledger, first)

    assert found.agreement is Agreement.NOT_KNOWN
    assert found.doubts == (Doubt.STATES_NOT_KEPT,)
