"""Feed made-up sales into a real ledger, in small parts and at their own times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from admission.anomaly_bars import Bars
from admission.calendar import from_ms
from admission.code_space import Shapes
from admission.deals import Hold
from admission.rows import RowReader
from admission.scans import Device, Direction, Gate, Mode, PartyDefault, Profile
from admission.verdicts import Reason
from benchmarks.sales import VENUE, DealRow, Sale, World
from gate_server.checkin import CheckIn, Limits, Presented
from gate_server.keyring import Keyring
from gate_server.ledger import actions
from gate_server.ledger.findings import Recorded, list_findings
from gate_server.ledger.imports import Batch, import_deals, import_vouchers
from gate_server.ledger.ledger import Ledger, create_ledger
from gate_server.ledger.prepared import PreparedDeal, Preparer
from gate_server.ledger.session import Session
from gate_server.ledger.watch import Watch
from gate_server.settings import default_file, read_finding_words, read_settings

GATE: Final = Gate("G1", "North", "park")
LANE: Final = Device("D1", "lane", "G1", Profile.GATE, PartyDefault.ALL)


def packaged_bars(directory: Path) -> Bars:
    """Return the venue's settings as they come."""
    (directory / "gate.toml").write_text(default_file(), "utf-8")
    return read_settings(directory).anomalies


class FedVenue:
    """A venue that is fed; its clock shows the feed's time.

    Args:
        capacity: most people on one day; 0: not known.
        watched: whether anybody looks at what is sold.
    """

    def __init__(self, directory: Path, *, capacity: int = 0, watched: bool = True) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.now = datetime(2014, 6, 1, tzinfo=UTC)
        self.bars = replace(packaged_bars(directory), day_capacity=capacity)
        self.keys = Keyring.create(directory / "keys", now=self.now)
        create_ledger(directory, now=self.now)
        watch = Watch(self.bars, read_finding_words(VENUE)) if watched else None
        self.ledger = Ledger.open(directory, VENUE, now=lambda: self.now, watch=watch)
        self.ledger.write(lambda tx: actions.add_gate(tx, GATE, by="bench"), alone=True)
        self._reader = RowReader(VENUE)
        self._platforms: dict[str, str] = {}

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    def tell(self, rows: Iterable[DealRow]) -> None:
        """Take deals as their platforms tell of them."""
        for row in rows:
            self.now = max(self.now, from_ms(row.at_ms))
            self._platforms[row.deal.deal_id] = row.deal.platform
            import_deals(self.ledger, [PreparedDeal(1, row.deal)], source="bench", by="bench")

    def take(self, sales: list[Sale]) -> None:
        """Take one part of a feed; the clock moves to its last row."""
        self.now = max(self.now, from_ms(sales[-1].at_ms))
        preparer = Preparer(self.keys, self._platforms, now=self.now)
        sealed: dict[bytes, bytes] = {}
        shapes, rows = Shapes(), []
        for line, sale in enumerate(sales, 1):
            fields = self._reader.voucher(sale.row(), updated_at=self.now)
            shapes.add(sale.deal_id, fields.code)
            rows.append(preparer.voucher(line, fields, sealed))
        batch = Batch(rows, sealed, "bench", "bench", shapes=shapes.measured())
        taken = import_vouchers(self.ledger, batch, self.keys.code_keys)
        if taken.rejected:
            raise SystemExit(f"{len(taken.rejected)} rows were not taken: {taken.rejected[0]}")

    def feed(
        self,
        world: World,
        every_s: Callable[[int], float],
        *,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take all that a world brings, deals first where both come at once.

        Args:
            every_s: seconds that one part spans, by the time at which it begins, milliseconds.
            until: asked after each part; stop there.
        """
        deals = list(world.deals)
        for part in parts(world.sales, every_s):
            while deals and deals[0].at_ms <= part[-1].at_ms:
                self.tell([deals.pop(0)])
            self.take(part)
            if until():
                return
        self.tell(deals)

    def findings(self) -> list[Recorded]:
        """Return all that was found, oldest first."""
        return sorted(self.ledger.read(list_findings), key=lambda each: each.finding_id)

    def deal_id(self, recorded: Recorded) -> str:
        """Return whose finding it is; "" for a day's."""
        if recorded.deal_no is None:
            return ""
        return self.ledger.catalogue.deals[recorded.deal_no].deal_id

    def hold(self, deal_id: str) -> Hold | None:
        """Return a deal's hold."""
        catalogue = self.ledger.catalogue
        return catalogue.holds.get(catalogue.deal_nos[deal_id])

    def verdicts(self, codes: Iterable[str], at: datetime) -> Counter[Reason]:
        """Return what a gate would say to each of these codes, by the real rules."""
        self.now = max(self.now, at)
        check_in = CheckIn(self.keys, Limits(None, 1e9))
        found: Counter[Reason] = Counter()

        def check(tx: Session, part: list[str]) -> None:
            for code in part:
                found[check_in.run(tx, self._presented(check_in, code)).verdict.reason] += 1

        wanted = list(codes)
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            self.ledger.write(lambda tx: check(tx, some))  # noqa: B023
        return found

    def _presented(self, check_in: CheckIn, code: str) -> Presented:
        return Presented(
            device=LANE,
            nonce="bench-0001",
            mode=Mode.CHECK,
            direction=Direction.ENTRY,
            party=None,
            received_at=self.now,
            scanned_at=None,
            operator=None,
            code=check_in.read(code),
        )


def parts(sales: list[Sale], every_s: Callable[[int], float]) -> Iterator[list[Sale]]:
    """Cut sales, in their order of arrival, into parts that span so many seconds each."""
    part: list[Sale] = []
    ends_ms = 0.0
    for sale in sales:
        if part and sale.at_ms >= ends_ms:
            yield part
            part = []
        if not part:
            ends_ms = sale.at_ms + 1000 * every_s(sale.at_ms)
        part.append(sale)
    if part:
        yield part


def visit_time(days: int, after: datetime) -> datetime:
    """Return ten o'clock of a day so many days after an instant."""
    return VENUE.day_bounds(VENUE.day_of(after + timedelta(days=days)))[0] + timedelta(hours=10)
