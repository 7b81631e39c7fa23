"""Take what a source tells: prepare rows where they were fetched, then put them into the ledger.

`prepare` runs in whatever process has the rows, and what it returns may travel; `take` runs where
the ledger is. Rows and the place to go on from are one transaction at the end of each part.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec import Struct

from admission.calendar import to_ms
from admission.code_space import CodeShape, Shapes
from admission.codes import CodeForm, classify, normalise
from admission.deals import Deal
from admission.errors import FeedRejected
from admission.rows import DEAL_COLUMNS, VOUCHER_COLUMNS, RowReader, VoucherFields
from gate_server.feeds.contract import Kind, Part, SourceRow
from gate_server.keyring import Keyring
from gate_server.ledger import aside
from gate_server.ledger.aside import AsideRow
from gate_server.ledger.feeds import Feed, get_feed, note_accepted, note_failed, note_taken
from gate_server.ledger.imports import Batch, import_deals, import_vouchers
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.prepared import (
    Imported,
    PreparedDeal,
    PreparedVoucher,
    Preparer,
    Rejection,
)
from gate_server.ledger.session import Session

LONGEST_KEPT: Final = 8 * 1024
"""Bytes of a row, as JSON, that is set aside whole; of a longer one only what is wrong is kept."""

_LONGEST_FIELD: Final = 80
_LONGEST_PLACE: Final = 200


class PreparedPart(Struct, frozen=True):
    """A part as it travels: hashed and sealed, nothing in it can be read but by the server.

    Attributes:
        rows: how many the source gave.
        sealed: sealed account names by buyer.
        aside: the rows that cannot be taken, sealed.
        shapes: what the codes of each deal look like.
    """

    kind: Kind
    rows: int
    deals: list[PreparedDeal]
    vouchers: list[PreparedVoucher]
    sealed: dict[bytes, bytes]
    aside: list[AsideRow]
    shapes: dict[str, CodeShape]
    cursor: str | None
    whole: bool


class Taken(Struct, frozen=True):
    """What became of a part.

    Attributes:
        rejected: the rows that are set aside, and why, by their number in the part from 1.
        unkept: of them, those for which there was no room; then the feed keeps its place.
    """

    added: int
    changed: int
    unchanged: int
    rejected: list[Rejection]
    unkept: int = 0

    @property
    def accepted(self) -> int:
        """Rows that are in, or changed nothing."""
        return self.added + self.changed + self.unchanged


Also: TypeAlias = Callable[[Session, Taken], None]
"""What else stands in the transaction of the last rows."""


def prepare(
    part: Part,
    preparer: Preparer,
    reader: RowReader,
    *,
    pause: Callable[[], object] = lambda: None,
) -> PreparedPart:
    """Read, hash and seal a part's rows; what cannot be taken is sealed to be set aside.

    Args:
        preparer: of the feed's platform.
        pause: called after every row.
    """
    work = _Work(part, preparer, reader)
    for line, row in enumerate(part.rows, 1):
        work.add(line, row)
        pause()
    return PreparedPart(
        kind=part.kind,
        rows=len(part.rows),
        deals=work.deals,
        vouchers=work.vouchers,
        sealed=work.sealed,
        aside=work.aside,
        shapes=work.shapes.measured(),
        cursor=part.cursor,
        whole=part.whole,
    )


class _Work:
    """The rows of one part, as far as they are prepared."""

    def __init__(self, part: Part, preparer: Preparer, reader: RowReader) -> None:
        self._part = part
        self._preparer = preparer
        self._reader = reader
        self.deals: list[PreparedDeal] = []
        self.vouchers: list[PreparedVoucher] = []
        self.sealed: dict[bytes, bytes] = {}
        self.aside: list[AsideRow] = []
        self.shapes = Shapes()

    def add(self, line: int, row: SourceRow) -> None:
        """Prepare one row, or seal it."""
        fields: list[VoucherFields] = []
        try:
            if row.problem is not None:
                raise row.problem
            if self._part.kind is Kind.DEALS:
                self.deals.append(PreparedDeal(line, self._deal(row)))
            else:
                self.vouchers.append(self._voucher(line, row, fields))
        except FeedRejected as problem:
            awaits = fields[0].deal_id if fields else None
            if awaits is not None and self._preparer.knows(awaits):
                awaits = None
            self.aside.append(self._aside(line, row, problem, awaits))

    def _deal(self, row: SourceRow) -> Deal:
        _check_names(row, DEAL_COLUMNS)
        deal = self._reader.deal(row.row, updated_at=self._part.timestamp)
        if self._preparer.platform not in {None, deal.platform}:
            problem = f"must be {self._preparer.platform}: a platform sends its own deals only"
            raise FeedRejected("platform", problem)
        self._preparer.check_platform("deal_id", deal.deal_id)
        return deal

    def _voucher(self, line: int, row: SourceRow, read: list[VoucherFields]) -> PreparedVoucher:
        _check_names(row, VOUCHER_COLUMNS)
        fields = self._reader.voucher(row.row, updated_at=self._part.timestamp)
        read.append(fields)
        made = self._preparer.voucher(line, fields, self.sealed, more_codes=row.more_codes)
        if not fields.signed:
            self.shapes.add(fields.deal_id, fields.code)
        return made

    def _aside(
        self, line: int, row: SourceRow, problem: FeedRejected, awaits: str | None
    ) -> AsideRow:
        kind, platform = self._part.kind, self._preparer.platform or ""
        at = self._updated_at(row)
        told = dict(row.row)
        if not told.get("updated_at"):
            # The time that a row has by its part must stay its own when it is tried again.
            told["updated_at"] = self._part.timestamp.isoformat()
        text = json.dumps({"row": told, "more": row.more_codes}, default=str)
        subject = self._subject(row) or self._preparer.code_hash(text)
        sealed, why = b"", problem.problem
        if row.problem is not None:
            pass  # only its source can say it better
        elif len(text) <= LONGEST_KEPT:
            sealed = self._preparer.seal(text.encode(), aside.about_row(platform, kind, subject))
        else:
            why += f" (the row is longer than {LONGEST_KEPT} bytes and cannot be tried again)"
        place, field = legible(row.place, _LONGEST_PLACE), legible(problem.field, _LONGEST_FIELD)
        return AsideRow(line, place, field, legible(why, 500), subject, sealed, at, awaits)

    def _updated_at(self, row: SourceRow) -> int:
        try:
            return to_ms(self._reader.updated_at(row.row) or self._part.timestamp)
        except FeedRejected:
            return to_ms(self._part.timestamp)

    def _subject(self, row: SourceRow) -> bytes | None:
        """Return what a row is about; None where it does not say so."""
        name = "deal_id" if self._part.kind is Kind.DEALS else "code"
        value = row.row.get(name)
        if not isinstance(value, str) or not value.strip():
            return None
        if self._part.kind is Kind.DEALS:
            return value.strip().encode("utf-8", "surrogatepass")[:200]
        code = normalise(value)
        try:
            return self._preparer.code_keys(code, signed=classify(code) is CodeForm.TOKEN)[0]
        except FeedRejected:
            return self._preparer.code_hash(code)


def take(
    ledger: Ledger,
    keys: Keyring,
    feed: Feed,
    part: PreparedPart,
    *,
    by: str,
    most_aside: int,
    also: Also | None = None,
) -> Taken:
    """Put a prepared part into the ledger, with the place to go on from.

    Safe to repeat: rows that are in change nothing. Scans go first; each slice is on disk before
    the next is begun, and the last one also notes what is set aside, the place, and `also`.

    Args:
        most_aside: rows of one feed that may be set aside; beyond it the feed keeps its place.

    Raises:
        LedgerUnavailable: some rows may be in, the place is as before; take the same part again.
        NotFound: the feed was removed.
    """
    found: list[Taken] = []

    def finish(tx: Session, imported: Imported) -> None:
        found[:] = [_finish(tx, feed, part, imported, most_aside)]
        if also is not None:
            also(tx, found[0])

    ledger.read(lambda db: get_feed(db, feed.feed_id))
    if part.kind is Kind.DEALS:
        import_deals(
            ledger,
            part.deals,
            source=feed.name,
            by=by,
            platform=feed.platform,
            secondary=feed.secondary,
            finish=finish,
        )
    else:
        batch = Batch(
            part.vouchers, part.sealed, feed.name, by, feed.platform, feed.secondary, part.shapes
        )
        import_vouchers(ledger, batch, keys.code_keys, finish=finish)
    return found[0]


def _finish(
    tx: Session, feed: Feed, part: PreparedPart, imported: Imported, most_aside: int
) -> Taken:
    """Note in the transaction of a part's last rows what has come of it."""
    get_feed(tx.db, feed.feed_id)
    now, refused = tx.clock(), {each.line for each in imported.rejected}
    taken = [
        *((row.keys, row.updated_at) for row in part.vouchers if row.line not in refused),
        *(
            ((row.deal.deal_id.encode(),), to_ms(row.deal.updated_at or now))
            for row in part.deals
            if row.line not in refused
        ),
    ]
    aside.drop_taken(tx, feed.feed_id, part.kind.value, taken)
    kind, platform = part.kind.value, feed.platform
    kept = [row for row in part.aside if not aside.superseded(tx, platform, kind, row)]
    unkept = aside.keep_aside(tx, feed.feed_id, kind, kept, most=most_aside, now=now)
    rejected = [Rejection(row.line, row.field, row.problem) for row in part.aside]
    rejected = sorted([*rejected, *imported.rejected], key=lambda each: each.line)
    counts = imported.added, imported.changed, imported.unchanged
    whole = unkept == 0 and not refused
    note_taken(
        tx, feed.feed_id, imported.added + imported.changed, cursor=part.cursor if whole else None
    )
    if unkept:
        note_failed(tx, feed.feed_id, too_many(unkept, most_aside), now=now)
    elif part.whole and whole:
        note_accepted(tx, feed.feed_id, now=now)
    return Taken(*counts, rejected, unkept)


def too_many(unkept: int, most_aside: int) -> str:
    """Return what is told where rows find no room any more."""
    return (
        f"{unkept} rows cannot be taken, nor set aside, where {most_aside} are already: the feed"
        " keeps its place; see `feed rejects`, and let the platform mend them"
    )


def retry(
    ledger: Ledger,
    keys: Keyring,
    feed: Feed,
    *,
    most: int,
    most_aside: int,
    pause: Callable[[], object] = lambda: None,
) -> int:
    """Try rows again that were set aside and are due; return how many were tried."""
    now = ledger.clock()
    due = ledger.read(lambda db: aside.list_due(db, feed.feed_id, now, most))
    platforms = {deal.deal_id: deal.platform for deal in ledger.catalogue.deals.values()}
    preparer = Preparer(keys, platforms, now=now, platform=feed.platform)
    for kind in Kind:
        rows = [_reopened(keys, feed, row) for row in due if row.kind == kind.value]
        if rows:
            part = prepare(Part(kind, rows, now), preparer, RowReader(ledger.venue), pause=pause)
            take(ledger, keys, feed, part, by="retry", most_aside=most_aside)
    return len(due)


def _reopened(keys: Keyring, feed: Feed, row: aside.DueRow) -> SourceRow:
    about = aside.about_row(feed.platform, row.kind, row.subject)
    told = json.loads(keys.unseal(row.sealed, about=about))
    return SourceRow(row.place, told["row"], tuple(told["more"]))


def legible(text: str, longest: int) -> str:
    """Return a platform's text as people may see it: one line, nothing that cannot be printed."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text[:longest])


def _check_names(row: SourceRow, known: tuple[str, ...]) -> None:
    for name in row.row:
        if name not in known:
            raise FeedRejected(str(name), f"unknown; known are {' '.join(known)}")
