"""Pages that move: their parts are drawn once for all who look, and each gets what has changed.

Drawn in one thread, a few times a second at most and only while somebody looks, from figures in
memory. Whoever comes back after a lost connection gets every part anew, so nothing can be missed.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from threading import Event, Lock, Thread
from typing import Any, Final, NamedTuple, TypeAlias

from flask import Flask, g
from flask_babel import force_locale
from markupsafe import Markup

from admission.errors import AdmissionError
from gate_server.web.board.languages import LOCALES
from gate_server.web.board.pages import LEADERS, Visit, show
from gate_server.web.board.sessions import Account, Sessions
from gate_server.web.services import Services
from gate_server.web.streams import Stream, frame_page

LOOK_EVERY_S: Final = 0.2
# Ages and minutes go on where nothing happens.
DRAW_EVERY_S: Final = 1.0
# Of the time so much may be spent on drawing, however large the venue is: scans come first.
MOST_SHARE: Final = 0.05
MOST_PAUSE_S: Final = 0.7

log = logging.getLogger("gatehouse.board")

Values: TypeAlias = Mapping[str, Any]
Kept: TypeAlias = dict[tuple[str, str], tuple[Any, str]]
"""By template and key what was drawn last, and what it was drawn as."""


class Drawn(NamedTuple):
    """A text for the page; it is sent again once its mark is another."""

    text: str
    mark: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a page that moves.

    Attributes:
        name: of its template `board/part_<name>.html`, its event and its place in the page.
    """

    name: str

    def draw(self, values: Values, _kept: Kept) -> dict[str, Drawn]:
        """Draw it in the language of the request."""
        text = show(f"part_{self.name}.html", **values)
        return {self.name: Drawn(text, text)}


@dataclass(frozen=True, slots=True)
class Slots:
    """A part of many alike, each of which is drawn and sent by itself.

    Attributes:
        name: `part_<name>.html` draws the whole with `slots`, text by slot; `slot_<name>.html` one
            `item`, and its own rows by `keep(template, key, item)`, which draws what has changed.
        items: what is in the slots, by their keys, in order.
    """

    name: str
    items: Callable[[Values], Mapping[str, Any]]

    def draw(self, values: Values, kept: Kept) -> dict[str, Drawn]:
        """Draw what has changed; the whole counts as changed when its order does."""

        def keep(template: str, key: str, item: Any) -> Markup:
            before, text = kept.get((template, key), (None, ""))
            if item != before:
                text = show(f"{template}.html", item=item, keep=keep, **values)
                kept[template, key] = item, text
            return Markup(text)  # noqa: S704 - our own

        drawn: dict[str, Drawn] = {}
        for key, item in self.items(values).items():
            text = keep(f"slot_{self.name}", key, item)
            drawn[f"{self.name}-{key}"] = Drawn(text, text)
        slots = {slot: each.text for slot, each in drawn.items()}
        whole = show(f"part_{self.name}.html", slots=slots, **values)
        return {self.name: Drawn(whole, repr(list(drawn)))} | drawn


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets the same bytes: a page, in one language, of those who may act or only look."""

    page: str
    language: str
    leads: bool


@dataclass(slots=True)
class Looker:
    """One open page: whose session it is, and what it was told last."""

    stream: Stream
    account: Account
    ends_at: datetime
    audience: Audience
    told: dict[str, str] = field(default_factory=dict)
    ended: bool = False


@dataclass(frozen=True, slots=True)
class LivePage:
    """A page with parts that move.

    Attributes:
        gather: what the parts show, looked up once for all audiences.
    """

    name: str
    parts: tuple[Part | Slots, ...]
    gather: Callable[[Services], Values]


class Live:
    """Draws the pages that somebody looks at."""

    def __init__(
        self, app: Flask, services: Services, sessions: Sessions, pages: tuple[LivePage, ...]
    ) -> None:
        self._app = app
        self._services = services
        self._sessions = sessions
        self._pages = {page.name: page for page in pages}
        self._lock = Lock()
        self._lookers: list[Looker] = []
        self._stopping = Event()
        self._revision, self._drawn_at, self._not_before = -1, float("-inf"), float("-inf")
        self._kept: dict[Audience, Kept] = {}
        self._thread = Thread(target=self._watch, name="board-live", daemon=True)

    def start(self) -> None:
        """Begin to draw."""
        self._thread.start()

    def stop(self) -> None:
        """Draw nothing more; returns when the thread has ended."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def show(self, visit: Visit, page: str, template: str) -> str:
        """Return a page as it stands now, ready to move."""
        live = self._pages[page]
        leads = visit.may(LEADERS)
        values = {**live.gather(self._services), "leads": leads}
        drawn = {part.name: part.draw(values, {})[part.name].text for part in live.parts}
        return show(template, parts=drawn, tab=secrets.token_hex(8), **values)

    def join(self, visit: Visit, page: str, tab: str, language: str) -> Stream:
        """Open the stream of a page.

        Raises:
            Refused: 503, too many are open.
        """
        name = f"{visit.account.key} {page} {tab}"
        stream = self._services.hub.join_page(visit.caller, name)
        audience = Audience(page, language, visit.may(LEADERS))
        looker = Looker(stream, visit.account, visit.sessions.ends_at(), audience)
        with self._lock:
            self._lookers.append(looker)
        return stream

    def _watch(self) -> None:
        while not self._stopping.wait(self._pause_s()):
            self._look()

    def _pause_s(self) -> float:
        """Return when to look again: where drawing had to pause, as soon as it may go on."""
        left_s = self._not_before - time.monotonic()
        return left_s if 0 < left_s < LOOK_EVERY_S else LOOK_EVERY_S

    def _look(self) -> None:
        with self._lock:
            # Under the lock: who joins meanwhile is in both lists or in neither.
            open_now = set(map(id, self._services.hub.pages()))
            self._lookers = [each for each in self._lookers if id(each.stream) in open_now]
            lookers = list(self._lookers)
        new = any(not each.told for each in lookers)
        revision, now = self._services.ledger.revision, time.monotonic()
        changed = revision != self._revision and now >= self._not_before
        due = new or changed or now - self._drawn_at >= DRAW_EVERY_S
        if not lookers or not due:
            return
        self._revision, self._drawn_at = revision, now
        try:
            self._tell(lookers)
        except AdmissionError as error:
            log.warning("the board is not drawn: %s", error)
        except Exception:
            # The last edge of this thread: the next draw may find the venue otherwise again.
            log.exception("the board is not drawn")
        took_s = time.monotonic() - now
        self._not_before = now + min(MOST_PAUSE_S, took_s / MOST_SHARE)

    def _tell(self, lookers: list[Looker]) -> None:
        found: dict[str, Values] = {}
        drawn: dict[Audience, dict[str, Drawn]] = {}
        # Of one audience all get the same bytes: they are made once, however many look.
        framed = cache(frame_page)
        now = self._services.ledger.clock()
        for looker in lookers:
            if not self._sessions.is_open(looker.account, looker.ends_at, now):
                _end(looker)
                continue
            audience = looker.audience
            if audience not in drawn:
                page = self._pages[audience.page]
                values = found.setdefault(page.name, page.gather(self._services))
                drawn[audience] = self._draw(page, values, audience)
            events = {}
            for name, each in drawn[audience].items():
                if looker.told.get(name) != each.mark:
                    looker.told[name] = each.mark
                    events[name] = framed(name, each.text)
            looker.stream.put_all({**events, "pulse": framed("pulse", "-")})
        self._kept = {each: self._kept[each] for each in drawn}

    def _draw(self, page: LivePage, values: Values, audience: Audience) -> dict[str, Drawn]:
        kept = self._kept.setdefault(audience, {})
        drawn: dict[str, Drawn] = {}
        with self._app.test_request_context("/"), force_locale(LOCALES[audience.language]):
            g.account = None
            seen = {**values, "leads": audience.leads}
            for part in page.parts:
                drawn |= part.draw(seen, kept)
        return drawn


def _end(looker: Looker) -> None:
    """Have a page whose session is over log in anew; what is put into a stream needs a moment."""
    if looker.ended:
        looker.stream.end()
    looker.ended = True
    looker.stream.put("ended", frame_page("ended", "-"))
