"""A platform that offers the native pull: pages of changed rows since a cursor.

`GET {url}/changes?cursor=...&limit=...` answers `{type, timestamp, data, cursor, more}`, and 304
where nothing has changed; `POST {url}/find` with `{code}` answers the same for one voucher.
docs/feeds.md tells platforms what to offer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct

from admission.errors import FeedRejected
from gate_server.feeds.contract import Kind, Offer, Part, SourceRow
from gate_server.feeds.http import MOST_FOUND_BYTES, Answer, Limits, PlatformHttp, check_json
from gate_server.feeds.json_values import read_json, read_place
from gate_server.feeds.unreported import Unreported

ROWS_A_PAGE: Final = 2000
# A platform that never ends is left after so many pages; its place is kept, and it is not up to
# date: its age tells.
MOST_PAGES: Final = 10_000
AHEAD: Final = timedelta(minutes=5)
_LONGEST_CURSOR: Final = 1024


class Page(Struct, frozen=True):
    """Some rows of one kind.

    Attributes:
        cursor: where to go on; opaque. `more`: there are rows after it already.
    """

    type: Kind
    timestamp: datetime
    data: list[msgspec.Raw]
    cursor: str
    more: bool = False


class Place(Struct, frozen=True, omit_defaults=True):
    """How far a feed has come, and the tag of the answer that said so."""

    cursor: str = ""
    etag: str = ""


_pages: Final = msgspec.json.Decoder(Page)
_rows: Final = msgspec.json.Decoder(dict[str, str | int | float | bool | None])
_places: Final = msgspec.json.Decoder(Place)
_write: Final = msgspec.json.Encoder().encode


class PullSource(Unreported):
    """Fetches a platform's changes, page by page.

    Args:
        now: the time, by which a page's own is judged.
    """

    def __init__(self, http: PlatformHttp, *, now: Callable[[], datetime]) -> None:
        self._http = http
        self._now = now

    @property
    def offers(self) -> frozenset[Offer]:
        """It can be asked for one voucher."""
        return frozenset({Offer.FIND})

    def changes(self, cursor: str | None) -> Iterator[Part]:
        """Yield page after page until the platform has no more."""
        place, seen = read_place(_places, cursor), set[str]()
        for _ in range(MOST_PAGES):
            answer = self._ask(place)
            if answer.status == HTTPStatus.NOT_MODIFIED:
                yield Part(Kind.VOUCHERS, (), self._now(), whole=True)
                return
            page = self._page(answer)
            seen.add(place.cursor)
            if page.more and page.cursor in seen:
                raise FeedRejected("cursor", "comes back to where it was, and says there is more")
            place = Place(page.cursor, "" if page.more else _etag(answer.headers))
            yield _part(page, _write(place).decode(), whole=not page.more)
            if not page.more:
                return
        raise FeedRejected("more", f"is still true after {MOST_PAGES} pages")

    def find(self, code: str, *, timeout_s: float) -> Sequence[Part]:
        """Ask for one voucher; the code goes in the body, so that no log of addresses has it."""
        limits = Limits(most_bytes=MOST_FOUND_BYTES).within(timeout_s)
        answer = self._http.send("POST", "/find", _write({"code": code}), limits=limits)
        if answer.status == HTTPStatus.NOT_FOUND:
            return ()
        page = self._page(check_json(answer))
        return (_part(page, None, whole=False),) if page.data else ()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _ask(self, place: Place) -> Answer:
        query = {"limit": str(ROWS_A_PAGE)} | ({"cursor": place.cursor} if place.cursor else {})
        headers = {"If-None-Match": place.etag} if place.etag else {}
        answer = check_json(self._http.get("/changes", query, headers))
        if answer.status == HTTPStatus.NOT_MODIFIED and not place.etag:
            raise FeedRejected("", "the platform answers 304 to a question without a tag")
        return answer

    def _page(self, answer: Answer) -> Page:
        page = read_json(_pages, answer.body)
        if page.timestamp.tzinfo is None:
            raise FeedRejected("timestamp", "has no offset: give a time as 2026-05-01T09:00:00Z")
        if page.timestamp > self._now() + AHEAD:
            raise FeedRejected("timestamp", "is in the future: one of the two clocks is wrong")
        if len(page.cursor) > _LONGEST_CURSOR:
            raise FeedRejected("cursor", f"is longer than {_LONGEST_CURSOR} characters")
        return page


def _part(page: Page, cursor: str | None, *, whole: bool) -> Part:
    stamp = page.timestamp.isoformat()
    rows = [_row(f"{page.type.value} of {stamp}, row {n}", raw) for n, raw in _numbered(page)]
    return Part(page.type, rows, page.timestamp, cursor, whole)


def _numbered(page: Page) -> Iterator[tuple[int, msgspec.Raw]]:
    return enumerate(page.data, 1)


def _row(place: str, raw: msgspec.Raw) -> SourceRow:
    try:
        row = read_json(_rows, raw)
    except FeedRejected as problem:
        return SourceRow(place, {"place": place}, problem=problem)
    return SourceRow(place, row)


def _etag(headers: Mapping[str, str]) -> str:
    tag = headers.get("ETag", "")
    return tag if len(tag) <= _LONGEST_CURSOR and tag.isascii() and tag.isprintable() else ""
