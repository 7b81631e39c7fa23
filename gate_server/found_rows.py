"""Put what a platform answers about one code into the ledger, and nothing else that it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from admission.codes import normalise
from admission.rows import RowReader
from gate_server.feeds.contract import Kind, Part, SourceRow
from gate_server.intake import prepare, take
from gate_server.keyring import Keyring
from gate_server.ledger.feeds import Feed
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.prepared import Preparer
from gate_server.settings import Settings

MOST_ROWS: Final = 40
"""Of one code: an order's vouchers, at most as many as a scan lists."""


def about(parts: Sequence[Part], code: str) -> Iterator[Part]:
    """Yield the rows of one code, and before them the deals that they are of.

    A platform that was asked about one code may answer with anything: the rest goes the way of its
    feed or not at all. So neither the feed's place nor its age moves by a look-up.
    """
    vouchers = [
        (part, [row for row in part.rows if code in _codes(row)][:MOST_ROWS])
        for part in parts
        if part.kind is Kind.VOUCHERS
    ]
    deal_ids = {row.row.get("deal_id") for _, rows in vouchers for row in rows}
    for part in parts:
        if part.kind is Kind.DEALS:
            rows = [row for row in part.rows if row.row.get("deal_id") in deal_ids][:MOST_ROWS]
            yield from _cut(part, rows)
    for part, rows in vouchers:
        yield from _cut(part, rows)


def take_found(ledger: Ledger, keys: Keyring, settings: Settings, feed: Feed, part: Part) -> None:
    """Take rows as the feed's own."""
    deals = ledger.catalogue.deals.values()
    platforms = {deal.deal_id: deal.platform for deal in deals}
    preparer = Preparer(keys, platforms, now=ledger.clock(), platform=feed.platform)
    prepared = prepare(part, preparer, RowReader(ledger.venue))
    take(ledger, keys, feed, prepared, by="look-up", most_aside=settings.feeds.set_aside)


def _cut(part: Part, rows: list[SourceRow]) -> Iterator[Part]:
    if rows:
        yield replace(part, rows=rows, cursor=None, whole=False)


def _codes(row: SourceRow) -> set[str]:
    if row.problem is not None:
        return set()
    return {normalise(str(code)) for code in (row.row.get("code", ""), *row.more_codes)}
