"""Build a lane screen with its server, and what it is told, for the screen's tests."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

from playwright.sync_api import Page

from admission import wire
from admission.scans import Direction, Mode
from admission.verdicts import Reason
from admission.wire_tickets import TicketAnswer
from scanner_client.checkin import Shown
from scanner_client.screen import Around, Screen
from scanner_client.screen_pictures import LanePicture
from scanner_client.screen_server import ScreenServer
from tests.fakes import NOW, a_voucher, an_answer

SENTENCES = tomllib.loads(
    (Path(__file__).parents[2] / "config/messages/verdicts.toml").read_text("utf-8")
)
TITLE = "东园成人票 East park day ticket"
FILLED = {
    "people": 2,
    "available": 2,
    "first_at": "2月12日 09:14",
    "first_gate": "南门 South gate",
    "areas": "山谷 valley",
    "gates": "",
    "from": "2月13日 08:00",
    "until": "2月11日 23:59",
    "hours": "",
    "vouchers": 3,
    "tickets": "0231",
    "remaining": 2,
}
AROUND = Around(name="南门 3 号通道 South gate lane 3", area="park", level=0.8)


def a_ticket(name: str = "T1-31", *, code: str = "GH1:SECRET") -> TicketAnswer:
    """Build a ticket as an exchange desk is answered."""
    return TicketAnswer(
        ticket=name,
        number=31,
        code=code,
        tail="CRET",
        venue="Venue",
        title="East park day ticket",
        category="adult",
        valid_from=NOW,
        valid_until=NOW,
        first_day=NOW.date(),
        last_day=NOW.date(),
        person="1/1",
    )


def a_shown(reason: Reason = Reason.ADMITTED, mode: Mode = Mode.ADMIT, **changes: Any) -> Shown:
    """Build a verdict with the sentence that staff really read."""
    sentence = SENTENCES[reason]
    if mode is not Mode.ADMIT and reason is Reason.ADMITTED:
        sentence = SENTENCES["would_admit"]
    values = {
        "message": wire.Text(
            zh=sentence["zh"].format_map(FILLED), en=sentence["en"].format_map(FILLED)
        ),
        "voucher": a_voucher(title=TITLE),
    }
    if reason is Reason.ADMITTED:
        values["admitted"] = 2
    answer = an_answer("nonce-0001", reason, **(values | changes))
    return Shown(answer.nonce, answer.outcome, answer.message, answer, mode=mode)


# Each look that a verdict can have.
LOOKS = {
    "go": a_shown(),
    "child": a_shown(voucher=a_voucher(category="child", title=TITLE), remaining=3),
    "stop": a_shown(Reason.USED_UP),
    "call": a_shown(Reason.DEAL_HELD),
    "wait": a_shown(Reason.VENUE_FULL),
    "voided": a_shown(Reason.DEAL_VOIDED),
    "valid": a_shown(mode=Mode.CHECK),
    "noted": a_shown(mode=Mode.ARRIVE, arrival_number="D3-118"),
}


@dataclass(frozen=True)
class Posted:
    """A broadcast as the scanner keeps it."""

    broadcast_id: str = "b-1"
    message: wire.Text = field(default_factory=lambda: wire.Text(zh="请注意", en="Attention"))
    priority: str = "normal"


@dataclass
class Board:
    """The broadcasts that are in force."""

    notices: list[Posted] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def current(self, now: datetime) -> list[Posted]:
        return [*self.notices]

    def shown(self, broadcast_id: str) -> None:
        self.seen.append(broadcast_id)


def a_screen(*, mode: Mode = Mode.ADMIT, stop: Event | None = None, **options: Any) -> Screen:
    """Build the screen of a lane where all is well."""
    way = options.pop("direction", Direction.ENTRY)
    lane = LanePicture("", "", way, mode, "ahead", "below")
    usual = {"verdict_s": 60.0, "ask_s": 20.0}
    screen = Screen(lane, stop=stop or Event(), **(usual | options))
    screen.take(AROUND)
    return screen


@contextmanager
def a_served_screen(
    screen: Screen | None = None,
    port: int = 0,
    bulletin: Board | None = None,
    *,
    call_help: Callable[[], object] | None = None,
) -> Iterator[tuple[Screen, str]]:
    """Serve a screen; give it and its address."""
    screen = screen or a_screen()
    with ScreenServer(screen, port, bulletin, call_help=call_help) as server:
        yield screen, f"http://127.0.0.1:{server.server_port}/"


def see(page: Page, scene: str = "verdict") -> None:
    """Wait until the page draws a scene."""
    page.wait_for_selector(f"body[data-scene={scene}]")


def show(screen: Screen, page: Page, shown: Shown) -> None:
    """Show a verdict and wait until the page has drawn it."""
    screen.show(shown)
    zh = shown.message.zh
    page.wait_for_function(
        "zh => document.querySelector('.sentence.zh')?.textContent === zh", arg=zh
    )
