"""A day of everything at once, in any order: the chain holds and every counter adds up."""

from __future__ import annotations

import random
from datetime import UTC, timedelta
from typing import Any

import pytest

from admission.replay import Agreement
from gate_server.ledger import audit, lanes, recount, tickets
from gate_server.ledger.ledger import Ledger, utc_now
from gate_server.replay import replay_recorded
from tests.offline_lines import send
from tests.people import sheet
from tests.server import Park, an_app

CODES = ("SOLO-00001", "PAIR-00002", "FOUR-00004", "BACK-00003", "LATE-00001")
STEPS = 60
KINDS = (
    *("scan", "scan", "scan", "scan", "exchange", "exchange", "annul", "annul", "turn", "turn"),
    *("offline", "offline", "wait", "wait", "leave", "shown", "override", "reprint", "count"),
    *("fault", "sell"),
)


class Day:
    """A park with three lanes and an exchange desk, on which anything may be done."""

    def __init__(self, park: Park, site: Any, chance: random.Random) -> None:
        self.park, self.site, self.chance = park, site, chance
        # At noon, so that all of it is one venue day; of tomorrow, for a ledger refuses to go back.
        ahead = (utc_now() + timedelta(days=1)).astimezone(park.settings.venue.zone)
        park.now = self.now = ahead.replace(hour=12).astimezone(UTC)
        park.offer("BACK", reentry="same_day")
        for code, admits in zip(CODES, "1243", strict=False):
            deal_id = "BACK" if code.startswith("BACK") else "DAY"
            park.sell(code, admits=admits, deal_id=deal_id)
        self.lanes = [park.enrol() for _ in range(3)]
        self.desk, self.boss = park.enrol("exchange", "G1"), park.hire()
        self.made: list[tuple[Any, str]] = []
        self.printed: list[dict[str, Any]] = []
        self.nonces = 0

    def nonce(self, device: Any) -> str:
        self.nonces += 1
        nonce = f"mixed-{self.nonces:04}"
        self.made.append((device, nonce))
        return nonce

    def code(self) -> str:
        return self.chance.choice([*CODES, *(ticket["code"] for ticket in self.printed)])

    def lane(self) -> Any:
        return self.chance.choice(self.lanes)

    def who(self) -> dict[str, str]:
        return self.chance.choice([{}, {"operator": "4711"}, {"operator": "4712"}])

    def some(self) -> int | None:
        return self.chance.choice([None, 1, 1, 2, 3])

    def at(self, ago_s: float) -> str:
        return (self.park.ledger.clock() - timedelta(seconds=ago_s)).isoformat()

    def recent(self) -> tuple[Any, str]:
        """Return a device and the nonce of something that it did lately."""
        return self.chance.choice(self.made[-6:] or [(self.lanes[0], "mixed-none")])

    def post(self, path: str, by: Any, body: Any) -> Any:
        answer = self.site.post(path, by, body)
        assert answer.status_code < 500, answer.text
        return answer.json()

    # --- what is done ----------------------------------------------------------------------------

    def scan(self, **fields: Any) -> None:
        lane = self.lane()
        body = {"nonce": self.nonce(lane), "code": self.code(), "party": self.some(), **fields}
        watches = {"passage": self.chance.random() < 0.7}
        self.post("/scans", lane, watches | body | self.who())

    def leave(self) -> None:
        self.scan(direction="exit", passage=False)

    def exchange(self) -> None:
        body = {"nonce": self.nonce(self.desk), "code": self.code(), "mode": "exchange"}
        asked = body | {"party": self.some()} | self.who()
        self.printed += self.post("/scans", self.desk, asked).get("tickets") or []

    def offline(self) -> None:
        lane, chance = self.lane(), self.chance
        nonce, then = self.nonce(lane), {"scanned_at": self.at(chance.choice([5, 40, 170, 900]))}
        line = {"nonce": nonce, "code": self.code(), "watched": chance.random() < 0.7}
        lines = [line | {"verdict": shown(chance.randrange(3))} | self.who()]
        if chance.random() < 0.4:
            lines.append({"passage": nonce, "people": chance.randint(1, 2)})
        if chance.random() < 0.4:
            lines.append({"annul": nonce, "people": chance.randint(1, 2), "reason": "stuck"})
        send(self.site, lane, *(each | then for each in lines))

    def shown(self) -> None:
        """Send what a lane showed, where the answer to it was lost."""
        lane, nonce = self.recent()
        line = {"nonce": nonce, "code": CODES[1], "scanned_at": self.at(0)}
        send(self.site, lane, line | {"verdict": shown(self.chance.randrange(3))})

    def turn(self) -> None:
        device, nonce = self.recent()
        self.post(f"/scans/{nonce}/passage", device, {"people": self.chance.randint(1, 2)})

    def annul(self) -> None:
        device, nonce = self.recent()
        by = self.chance.choice([device, self.boss])
        asked = {"reason": "stuck", "people": self.some(), "device_id": device.name}
        self.post(f"/scans/{nonce}/annul", by, asked | self.who())

    def override(self) -> None:
        device, nonce = self.recent()
        asked = {"reason": "receipt", "party": self.some(), "device_id": device.name}
        self.post(f"/scans/{nonce}/override", self.boss, asked | self.who())

    def reprint(self) -> None:
        if self.printed:
            name = self.chance.choice(self.printed)["ticket"]
            by = self.chance.choice([self.desk, self.boss])
            made = self.post(f"/tickets/{name}/reprint", by, {"reason": "jam"})
            self.printed += [made] if "code" in made else []

    def count(self) -> None:
        lane, chance = self.lane(), self.chance
        count = {"nonce": self.nonce(lane), "kind": "staff", "people": chance.randint(1, 3)}
        count |= {"direction": chance.choice(["entry", "exit"])} | self.who()
        if chance.random() < 0.5:
            send(self.site, lane, count | {"scanned_at": self.at(0)})
        else:
            self.post("/counts", lane, count)

    def fault(self) -> None:
        lane = self.lane()
        report = {"nonce": self.nonce(lane), "kind": "jammed"}
        report["at"] = self.at(self.chance.choice([0, 3600, -60]))
        self.post("/devices/self/reports", lane, report)

    def sell(self) -> None:
        """Sell what may have been scanned before; or sell it anew, for more people or fewer."""
        self.park.sell(CODES[4], admits=str(self.chance.randint(1, 2)))

    def wait(self) -> None:
        self.now += timedelta(seconds=self.chance.choice([1, 20, 20, 60, 200, 960]))
        self.park.now = self.now


def shown(people: int) -> dict[str, Any]:
    if people:
        return {"outcome": "admit", "reason": "admitted", "admitted": people}
    return {"outcome": "refuse", "reason": "used_up", "admitted": 0}


def problems(park: Park) -> list[str]:
    """Return all that does not add up."""
    return [
        *map(str, park.ledger.read(audit.verify).findings),
        *park.ledger.read(lambda db: recount.differences(db, park.ledger.venue)),
        *park.ledger.read(lanes.differences),
        *park.ledger.read(tickets.differences),
    ]


def replays(park: Park) -> dict[int, Any]:
    """Return every scan that the server decided, decided again."""
    numbers = park.ledger.read(lambda db: db.execute("SELECT scan_id FROM scans").fetchall())
    every = {number: replay_recorded(park.ledger, number) for (number,) in numbers}
    return {number: each for number, each in every.items() if each.agreement != "by_device"}


def totals(park: Park) -> tuple[int, int]:
    """Return the people in and out by the venue's own counters."""
    sql = "SELECT COALESCE(SUM(entered), 0), COALESCE(SUM(left_out), 0) FROM counters"
    return park.ledger.read(lambda db: db.execute(sql).fetchone())


@pytest.mark.parametrize("seed", range(8))
def test_whatever_was_done_in_whatever_order_adds_up(tmp_path, seed):
    park = Park(tmp_path / "var")
    with an_app(park) as (_, site):
        day = Day(park, site, random.Random(seed))
        for _ in range(STEPS):
            getattr(day, day.chance.choice(KINDS))()
        made, inside = sheet(site, day.boss), park.ledger.tallies.today.inside

        again = replays(park)
        assert problems(park) == []
        assert len(again) > STEPS / 10
        assert {n: each for n, each in again.items() if each.agreement != Agreement.AGREES} == {}
        assert (made["people_in"], made["people_out"]) == totals(park)
    park.ledger.close()
    park.ledger = Ledger.open(park.directory, park.settings.venue, now=lambda: day.now)
    assert park.ledger.tallies.today.inside == inside
    park.close()
