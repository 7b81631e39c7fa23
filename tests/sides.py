"""A platform's side of a feed, for each source: how its truth is told, and how a round is run."""

from __future__ import annotations

import csv
import json
import os
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from admission.codes import normalise
from admission.keys import code_hash
from gate_server.commands import table
from gate_server.commands.services import Services
from gate_server.feed_rounds import Round, Tally
from gate_server.feed_sources import FetchedFeed
from gate_server.feeds.contract import Source
from gate_server.feeds.folder import FolderSource
from gate_server.feeds.http import Limits, PlatformHttp
from gate_server.feeds.octo import Dates, OctoPlan, OctoSource
from gate_server.feeds.pull import PullSource
from tests.platforms import (
    STAMP,
    TOKEN,
    Platform,
    Sold,
    a_booking,
    a_deal_row,
    a_voucher_row,
)
from tests.server import Park

QUICK = Limits(connect_s=1.0, silence_s=0.4, whole_s=0.8, most_bytes=4 << 20)
NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
NEWS = "2026-05-01T08:{minute:02}:00Z"


@dataclass(frozen=True)
class Truth:
    """A voucher as its platform has it.

    Attributes:
        minute: of the last change, which is later with each.
    """

    code: str
    status: str = "valid"
    minute: int = 0

    @property
    def updated_at(self) -> str:
        return NEWS.format(minute=self.minute)

    def ended(self) -> Truth:
        """Return it cancelled and paid back."""
        return replace(self, status="refunded", minute=self.minute + 1)


class LocalCaller:
    """Runs commands on a park's open ledger; all of them travel, as over the socket."""

    def __init__(self, park: Park) -> None:
        self._services = Services(park.ledger, park.keys, park.settings, park.directory)
        self._reply = b""

    def call(self, name: str, params: Any = None) -> Any:
        self.send(name, params or {})
        return self.receive()

    def send(self, name: str, params: Any) -> None:
        self._reply = table.answer(self._services, table.write_request(name, params))

    def receive(self) -> Any:
        return table.read_reply(self._reply)


class Side:
    """A platform `sunny` and the venue that it sells for."""

    kind = ""

    def __init__(self, park: Park) -> None:
        self.park = park
        self.caller = LocalCaller(park)
        asked = {"platform": "sunny", "kind": self.kind, "config": self.config(), "secret": TOKEN}
        self.feed_id = self.caller.call("feed add", asked)["feed_id"]

    def config(self) -> dict[str, Any]:
        return {}

    def tell(self, truths: list[Truth]) -> None:
        """Make this what the platform says from now on."""
        raise AssertionError

    def source(self) -> Source:
        raise AssertionError

    def round(self) -> Tally:
        """Run one round; raises what went wrong."""
        turn = self.turn()
        feed = self.feed()
        with closing(self.source()) as source:
            return turn.run(feed, source)

    def turn(self) -> Round:
        return Round(self.caller, self.park.settings.venue, self.park.keys, now=lambda: NOW)

    def feed(self) -> FetchedFeed:
        found = self.turn().find_feed(self.feed_id)
        assert found is not None
        return found

    def rejects(self) -> list[dict[str, Any]]:
        return self.caller.call("feed rejects", {"platform": "sunny"})

    def close(self) -> None:
        """Let go of the platform."""


class PullSide(Side):
    """The native pull, in pages of two rows."""

    kind = "pull"

    def __init__(self, park: Park) -> None:
        self.platform = Platform().__enter__()
        super().__init__(park)

    def config(self) -> dict[str, Any]:
        return {"url": self.platform.url}

    def tell(self, truths: list[Truth]) -> None:
        rows = [
            a_voucher_row(each.code, status=each.status, updated_at=each.updated_at)
            for each in truths
        ]
        pages: list[tuple[str, list[Any]]] = [("deals", [a_deal_row(updated_at=STAMP)])]
        self.platform.pages += pages if not self.platform.pages else []
        self.platform.pages += [("vouchers", rows[at : at + 2]) for at in range(0, len(rows), 2)]

    def source(self) -> Source:
        http = PlatformHttp(self.platform.url, TOKEN, limits=QUICK)
        return PullSource(http, now=lambda: NOW)

    def close(self) -> None:
        self.platform.__exit__()


class OctoSide(Side):
    """OCTO, a voucher a booking of one unit."""

    kind = "octo"

    def __init__(self, park: Park) -> None:
        self.platform = Platform().__enter__()
        self.numbers: dict[str, int] = {}
        super().__init__(park)

    def config(self) -> dict[str, Any]:
        return {"url": self.platform.url, "days": 3}

    def tell(self, truths: list[Truth]) -> None:
        self.sold([self._sold(each) for each in truths])

    def sold(self, bookings: list[Sold]) -> None:
        """Tell bookings, half of them as made yesterday."""
        told = self.platform.bookings
        for sold in bookings:
            day = "2026-05-01" if sold.number % 2 else "2026-04-30"
            mine = [each for each in told.get(day, []) if each["id"] != f"b-{sold.number}"]
            told[day] = [*mine, a_booking(sold)]

    def _sold(self, truth: Truth) -> Sold:
        number = self.numbers.setdefault(truth.code, len(self.numbers) + 1)
        sold = Sold(number, (truth.code,), updated=truth.updated_at)
        return sold if truth.status == "valid" else sold.as_cancelled(truth.updated_at)

    def source(self) -> Source:
        http = PlatformHttp(self.platform.url, TOKEN, limits=QUICK)
        plan = OctoPlan(Dates.CREATED, 3, self.park.settings.venue.zone)
        return OctoSource("sunny", http, plan, now=lambda: NOW, limits=QUICK)

    def close(self) -> None:
        self.platform.__exit__()


class FolderSide(Side):
    """A folder of files, one each time that something is told; every other one is NDJSON."""

    kind = "folder"

    def __init__(self, park: Park) -> None:
        self.path = park.directory.parent / "inbox"
        self.path.mkdir()
        self.told = 0
        super().__init__(park)

    def config(self) -> dict[str, Any]:
        return {"path": str(self.path)}

    def tell(self, truths: list[Truth]) -> None:
        if not self.told:
            self.put("deals.csv", [a_deal_row()])
        self.told += 1
        rows = [
            {**a_voucher_row(each.code), "status": each.status, "updated_at": each.updated_at}
            for each in truths
        ]
        self.put(f"vouchers-{self.told}.{'ndjson' if self.told % 2 else 'csv'}", rows)

    def put(self, name: str, rows: list[dict[str, Any]], *, age_s: float = 60.0) -> None:
        """Put a file there that was last written to so long ago."""
        path = self.path / name
        with path.open("w", encoding="utf-8", newline="") as file:
            if path.suffix == ".csv":
                table_ = csv.DictWriter(file, list(rows[0]))
                table_.writeheader()
                table_.writerows(rows)
            else:
                file.writelines(json.dumps(row) + "\n" for row in rows)
        at = (NOW - timedelta(seconds=age_s)).timestamp()
        os.utime(path, (at, at))

    def source(self) -> Source:
        return FolderSource(self.path, now=lambda: NOW)


SIDES: dict[str, type[Side]] = {"folder": FolderSide, "pull": PullSide, "octo": OctoSide}


def books(park: Park, *codes: str) -> dict[str, str]:
    """Return the status of each code that the ledger holds."""
    key = park.keys.code_key(park.ledger.clock())
    names = {code_hash(normalise(code), key): code for code in codes}
    sql = "SELECT credential_key, status FROM vouchers"
    found = park.ledger.read(lambda db: db.execute(sql).fetchall())
    return {names.get(key, "?"): status for key, status in found}
