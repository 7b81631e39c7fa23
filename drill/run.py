"""Run the drill: its parts in their order, and in the end everything it started has ended."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Final

from msgspec.structs import replace

from drill import evening, morning, night
from drill.calls import DrillFailed, Platform
from drill.cast import Cast, Cue, choose_cast
from drill.checks import check
from drill.crowd import Day, draw_crowd, play_day, sample
from drill.figures import Measured, checked_figures, figures
from drill.fold import Played, came_in, fold
from drill.kept import Seen, gather, keep, read_kept
from drill.lanes import FEW_HOSTS, HOSTS, Lanes
from drill.player import Player
from drill.plug import HOLD, PASS
from drill.progress import Told
from drill.report import find_report
from drill.sales import Sales
from drill.story import LANES, MARSHAL_NAMES, SCANNERS, Pace, Sizes, choose_pace
from drill.venue import Venue
from drill.words import PARTS

SALE_BEGAN: Final = timedelta(hours=10)
TOLD_WITHIN_S: Final = 30.0
FEW_BELOW: Final = 0.1
_CUT: Final = frozenset({*LANES, *MARSHAL_NAMES})
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Asked:
    """What whoever starts the drill may choose.

    Attributes:
        keep: where everything is kept; None: it is thrown away.
        report: where the incident's report is left; None: it goes where everything goes.
    """

    scale: float
    seed: int
    keep: Path | None = None
    report: Path | None = None


def run(asked: Asked, told: Told) -> dict[str, Any]:
    """Play the story and return what the drill found.

    Raises:
        DrillFailed: it could not be played to its end.
        KeyboardInterrupt: somebody asked for the end; by then nothing runs any more.
    """
    with _signals(), _directory(asked.keep) as root, ExitStack() as stack:
        venue = Venue(root)
        stack.callback(venue.close)
        stack.push(_undisturbed)
        return _Drill(asked, told, venue, stack).play()


def check_again(root: Path) -> dict[str, Any]:
    """Check the invariants of a kept drill once more, against its ledger as it is now.

    Raises:
        InvalidInput: no drill was kept there.
    """
    seen = read_kept(root)
    return seen.found | checked_figures(check(gather(seen, Venue(root).data)))


@dataclass(frozen=True, slots=True)
class _Open:
    """A venue whose gates are open.

    Attributes:
        rate: scans a second that all scanners together can make here.
    """

    platform: Platform
    cast: Cast
    lanes: Lanes
    rate: float
    pace: Pace
    incident_id: str


@dataclass(slots=True)
class _Drill:
    """One drill while it goes on."""

    asked: Asked
    told: Told
    venue: Venue
    stack: ExitStack
    sizes: Sizes = field(init=False)
    sales: Sales = field(init=False)

    def __post_init__(self) -> None:
        self.sizes = Sizes.of(self.asked.scale)
        self.sales = Sales(self.sizes, datetime.now(UTC) - SALE_BEGAN)

    def play(self) -> dict[str, Any]:
        """Play all parts."""
        with self.told.part(_name("venue")):
            self.venue.make()
            self.venue.start()
        platform = self.venue.platform()
        with self.told.part(_name("night"), self.sizes.sold + self.sizes.honest) as advance:
            sold = night.sell(self.venue, platform, self.sales, advance)
        with self.told.part(_name("crowd"), 2) as advance:
            days = self._draw(advance)
        cast = choose_cast(sample(days[0], self.asked.scale), self.sales, self.asked.seed)
        opened = self._open(platform, cast, sold.incident_id)
        with self.told.part(_name("void")):
            morning.block_buyers(self.venue, cast)
            voided = morning.void_deal(self.venue, opened.lanes, opened.pace, sold.incident_id)
        seen = self._settle(opened, voided, *self._day(opened, voided))
        with self.told.part(_name("checks")):
            opened.lanes.close()
            self.venue.stop()
            evidence = gather(seen, self.venue.data)
            checked = check(evidence)
        day = Measured(self.sizes, sold, voided, opened.pace, opened.rate, *days)
        found = figures(day, evidence, checked, took_s=self.told.elapsed_s)
        if self.asked.keep is not None:
            keep(self.venue.root, replace(seen, found=found))
        return found

    def _draw(self, advance: Callable[[int], None]) -> tuple[Day, Day]:
        crowd = draw_crowd(self.asked.seed)
        with_marshals = play_day(crowd, marshals=True)
        advance(1)
        without = play_day(crowd, marshals=False)
        advance(1)
        return with_marshals, without

    def _open(self, platform: Platform, cast: Cast, incident_id: str) -> _Open:
        """Start the scanners, and let those come who come before nine."""
        with self.told.part(_name("morning"), SCANNERS) as advance:
            self.venue.enrol_all()
            hosts = FEW_HOSTS if self.asked.scale < FEW_BELOW else HOSTS
            log = self.venue.root / "scanners.log"
            lanes = Lanes(self.venue.devices, log, hosts=hosts)
            self.stack.callback(lanes.close)
            self.stack.push(_undisturbed)
            morning.start_scanners(self.venue, lanes, advance)
            rate = morning.present_early(lanes, cast)
        pace = choose_pace((step.at_s for step in cast.steps), rate)
        return _Open(platform, cast, lanes, rate, pace, incident_id)

    def _day(self, opened: _Open, voided: morning.Voided) -> tuple[Played, dict[str, Any]]:
        """Play the day; return what was seen, and the broadcast with who has shown it."""
        venue, cast, platform, sent = self.venue, opened.cast, opened.platform, list[str]()
        cues = {
            Cue.BROADCAST: lambda: sent.append(morning.send_broadcast(venue, opened.incident_id)),
            Cue.REFUNDS: lambda: evening.push_refunds(
                platform, self.sales, cast.refunded, lambda _: None
            ),
            Cue.CUT: lambda: _turn(venue, cut=True),
            Cue.BACK: lambda: _turn(venue, cut=False),
        }
        with self.told.part(_name("day"), len(cast.steps)) as advance:
            Player(opened.lanes, opened.pace, voided.begun_s, cues).play(cast, platform, advance)
            evening.await_quiet(opened.lanes)
            overridden = evening.override_blocked(venue, opened.lanes)
            broadcast = morning.show_broadcast(venue, sent[0], TOLD_WITHIN_S)
        return self._played(opened, voided, overridden), broadcast

    def _played(self, opened: _Open, voided: morning.Voided, overridden: dict[str, int]) -> Played:
        sold = [*self.sales.all_flash(), *self.sales.all_honest()]
        return Played(
            shown=opened.lanes.shown,
            vouchers={each.code: each for each in sold},
            refunded={each.code for each in opened.cast.refunded},
            overridden=overridden,
            blocked={each.buyer for each in opened.cast.blocked},
            tickets=opened.lanes.tickets,
            arrived_by=voided.arrived_by,
        )

    def _settle(
        self, opened: _Open, voided: morning.Voided, played: Played, broadcast: dict[str, Any]
    ) -> Seen:
        """Close the gates, have the platform refund in bulk, settle; return all that was seen."""
        venue, lanes = self.venue, opened.lanes
        lanes.close_but(set(evening.STAY))
        came = came_in(fold(played), played.overridden)
        vouchers = evening.choose_refunds(self.sales, came, played.refunded)
        with self.told.part(_name("refunds"), len(vouchers)) as advance:
            evening.push_refunds(opened.platform, self.sales, vouchers, advance)
        played.refunded.update(each.code for each in vouchers)
        with self.told.part(_name("accounts")):
            accounts = evening.settle(venue, lanes, self.sales, voided.admit_until)
            summary = _summary(accounts.settlement)
            incident = evening.close_incident(venue, opened.incident_id, summary)
            out = self.asked.report or venue.root / "report"
            return Seen(
                scale=self.asked.scale,
                begun_at=self.sales.begun_at,
                shown=played.shown,
                refunded=played.refunded,
                overridden=dict(played.overridden),
                blocked=played.blocked,
                tickets=dict(played.tickets),
                arrived_by=played.arrived_by,
                doubles=_doubles(venue),
                inside=venue.supervisor.get("/stats")["inside"],
                accounts=accounts,
                broadcast=broadcast,
                incident=incident,
                found={},
                report=find_report(venue.data, opened.incident_id, out),
            )


def _name(part: str) -> str:
    return " ".join(PARTS[part])


def _turn(venue: Venue, *, cut: bool) -> None:
    """Cut the lanes and the marshals off the server, or connect them again."""
    for device in venue.devices:
        if device.name in _CUT:
            device.plug.turn(HOLD if cut else PASS)


def _doubles(venue: Venue) -> set[tuple[str, str]]:
    """Return the scans in the open conflicts about a voucher that was used twice."""
    return {
        (scan["device_id"], scan["nonce"])
        for each in venue.supervisor.get("/conflicts")["conflicts"]
        if each["kind"] == "double_use" and each["status"] == "open"
        for scan in each["scans"]
    }


def _summary(settlement: dict[str, Any]) -> str:
    counts, people = settlement["counts"], settlement["people"]
    return (
        f"演练结束：照常入园 {people['honoured']} 人，结算单已由双方签署。 Drill: of"
        f" {counts['sold']} vouchers {counts['honoured']} were honoured for"
        f" {people['honoured']} people; both sides have signed the statement."
    )


# --- an orderly end -------------------------------------------------------------------------------


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    """Give a directory for all that the drill writes, which is removed in the end unless given.

    Raises:
        DrillFailed: the one that was given has something in it.
    """
    if given is None:
        root = Path(tempfile.mkdtemp(prefix="gatehouse-drill-"))
    elif given.exists() and any(given.iterdir()):
        raise DrillFailed(f"{given} is not empty; name a new directory for --keep")
    else:
        root = given.resolve()
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield root
    finally:
        if given is None:
            shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _signals() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the drill as Ctrl-C does."""
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _undisturbed(*_: object) -> None:
    """Let nobody interrupt the end: what runs must be stopped, and a second Ctrl-C is no help."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
