"""A deal that was sold for a fen, voided at nine, honoured until five: one voucher of each kind."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from gate_server.venue_setup import create_venue
from tests.server import Member, Park, Site, an_app

DAY = "2015-05-01"
AFTER = "2015-05-02"
VOID = {
    "reason": "flash-sale limit failed",
    "honour": {"arrived_by": f"{DAY}T17:00:00+08:00"},
    "cost_bearer": "platform",
    "settlement_unit_minor": 26000,
    "remedy": {"refund": "price_paid", "compensation_per_buyer_minor": 1000},
}


def clock(text: str, day: str = DAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{text}+08:00")


class PastPark(Park):
    """A park whose clock stands where it is set, from the beginning."""

    def __init__(self, directory: Path, start: datetime) -> None:
        self.start = start
        super().__init__(directory)

    def _clock(self) -> datetime:
        return self.now or self.start


@dataclass(slots=True)
class Story:
    """A park after its day, with those who work there."""

    park: Park
    site: Site
    gate: Member
    marshal: Member
    boss: Member
    partner: Member

    def at(self, text: str, day: str = DAY) -> None:
        self.park.now = clock(text, day)

    def sell(self, *codes: str, **columns: str) -> None:
        """Have the platform tell of vouchers now."""
        told_at = self.park.ledger.clock().isoformat()
        self.park.sell(*codes, **{"updated_at": told_at} | columns)

    def scan(self, code: str, **fields: Any) -> Any:
        return self.site.scan(self.gate, code, **fields)

    def stamp(self, code: str, **fields: Any) -> Any:
        return self.site.scan(self.marshal, code, mode="arrive", **fields)

    def post(self, path: str, body: Any, by: Member | None = None) -> Any:
        return self.site.post(f"/deals/DAY{path}", by or self.boss, body)

    def get(self, path: str, by: Member | None = None) -> Any:
        return self.site.get(f"/deals/DAY{path}", by or self.boss)

    def settle(self, query: str = "", by: Member | None = None) -> Any:
        answer = self.get(f"/settlement{query}", by)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def play(self) -> None:
        """Play the day; it ends on the morning after, when nobody may come in any more."""
        self.at("07:00:00")
        for number, code in enumerate(
            ("EARLY-1", "CAME-001", "LATE-001", "HELP-001", "STAYED-1", "BLOCKED-1"), 1
        ):
            self.sell(code, buyer_ref=f"buyer-{number}", buyer_phone=f"1380000000{number % 5}",
                      order_ref=f"ORDER-{number}", voucher_ref=f"V-{number}",
                      price_paid_minor="1")  # fmt: skip
        self.sell("PARTY-01", buyer_ref="buyer-7", admits="3", price_paid_minor="100",
                  order_ref="ORDER-7", voucher_ref="V-7")  # fmt: skip
        self.sell("BACK-001", buyer_ref="buyer-8", price_paid_minor="1")
        self.sell("GONE-001", buyer_ref="buyer-9", status="cancelled", price_paid_minor="1")
        self.scan("EARLY-1")
        block = {"platform": "lvtu", "buyer_ref": "buyer-6", "reason": "bulk"}
        assert self.site.post("/blocks", self.boss, block).status_code == 201
        self.at("09:00:00")
        assert self.post("/void", VOID).json()["void_version"] == 1
        self.at("10:00:00")
        told_at = f"{DAY}T10:00:00+08:00"
        back = {"status": "refunded", "updated_at": told_at, "status_at": told_at}
        self.sell("BACK-001", buyer_ref="buyer-8", price_paid_minor="1", **back)
        self.at("16:58:00")
        self.stamp("CAME-001")
        assert self.scan("PARTY-01", party=1)["reason"] == "honoured"
        self.at("18:40:00")
        assert self.scan("CAME-001")["reason"] == "honoured"
        assert self.scan("LATE-001")["reason"] == "deal_voided"
        assert self.scan("HELP-001", nonce="help-0001")["reason"] == "deal_voided"
        body = {"device_id": self.gate.name, "reason": "a child", "cost_bearer": "platform"}
        helped = self.site.post("/scans/help-0001/override", self.boss, body)
        assert helped.json()["reason"] == "overridden"
        self.at("09:00:00", AFTER)


@cache
def _played() -> tuple[Path, tuple[Member, ...]]:
    """Return a park after its day, to be copied, with those who work there."""
    directory = Path(mkdtemp(prefix="gatehouse-story-")) / "var"
    atexit.register(shutil.rmtree, directory.parent, ignore_errors=True)
    create_venue(directory, now=clock("06:00:00"))
    park = PastPark(directory, clock("06:00:00"))
    members = (
        *(park.enrol(), park.enrol("marshal")),
        *(park.hire("supervisor", "anne"), park.hire("partner", "li")),
    )
    with an_app(park) as (_, site):
        Story(park, site, *members).play()
    park.close()
    return directory, members


def copy_played(directory: Path) -> tuple[Member, ...]:
    """Put a park after its day into a directory, and return who works there."""
    source, members = _played()
    shutil.copytree(source, directory)
    return members


@contextmanager
def a_story(directory: Path) -> Iterator[Story]:
    """Open a park after its day, and let the test go on from there."""
    with open_story(directory, copy_played(directory)) as story:
        yield story


@contextmanager
def open_story(directory: Path, members: tuple[Member, ...]) -> Iterator[Story]:
    """Open a copy of a park after its day, on the morning after."""
    park = PastPark(directory, clock("09:00:00", AFTER))
    try:
        with an_app(park) as (_, site):
            yield Story(park, site, *members)
    finally:
        park.close()
