"""Take what a source tells: prepare rows where they were fetched, then put them into the ledger.

`prepare` runs in whatever process has the rows, and what it returns may travel; `take` runs where
the ledger is. Rows and the place to go on from are one transaction at the end of each part.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
        pause: called now and then, at least after every row.
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
        shapes=work.shapes.measured(pause=pause),
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
        variant = b"" if awaits is None else self._preparer.code_hash(text)
        return AsideRow(line, place, field, legible(why, 500), subject, variant, sealed, at, awaits)

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
    retried: Sequence[int] = (),
) -> Taken:
    """Put a prepared part into the ledger, with the place to go on from.

    Safe to repeat: rows that are in change nothing. Scans go first; each slice is on disk before
    the next is begun, and the last one also notes what is set aside, the place, and `also`.

    Args:
        most_aside: rows of one feed that may be set aside; beyond it the feed keeps its place.
        retried: the numbers of the part's rows among those that are set aside.

    Raises:
        LedgerUnavailable: some rows may be in, the place is as before; take the same part again.
        NotFound: the feed was removed.
    """
    end = _End(feed, part, most_aside, tuple(retried), also)
    ledger.read(lambda db: get_feed(db, feed.feed_id))
    if part.kind is Kind.DEALS:
        import_deals(
            ledger,
            part.deals,
            source=feed.name,
            by=by,
            platform=feed.platform,
            secondary=feed.secondary,
            finish=end.note,
        )
    else:
        batch = Batch(
            part.vouchers, part.sealed, feed.name, by, feed.platform, feed.secondary, part.shapes
        )
        import_vouchers(ledger, batch, keys.code_keys, finish=end.note)
    assert end.taken is not None  # noqa: S101 - noted with the last rows
    return end.taken


@dataclass(slots=True)
class _End:
    """What stands in the transaction of a part's last rows.

    Attributes:
        taken: what became of the part, once that transaction is on disk.
    """

    feed: Feed
    part: PreparedPart
    most_aside: int
    retried: tuple[int, ...]
    also: Also | None
    taken: Taken | None = None

    def note(self, tx: Session, imported: Imported) -> None:
        """Note what is set aside, the place to go on from, and that the feed is up to date."""
        feed, part, now = get_feed(tx.db, self.feed.feed_id), self.part, tx.clock()
        refused = {each.line for each in imported.rejected}
        aside.drop_taken(tx, feed, part.kind.value, _subjects(part, refused))
        unkept = self._set_aside(tx, feed)
        whole = unkept == 0 and not refused
        changed = imported.added + imported.changed
        note_taken(tx, feed.feed_id, changed, cursor=part.cursor if whole else None)
        if unkept:
            note_failed(tx, feed.feed_id, too_many(unkept, self.most_aside), now=now)
        elif part.whole and whole:
            note_accepted(tx, feed.feed_id, now=now)
        rejected = [Rejection(row.line, row.field, row.problem) for row in part.aside]
        rejected = sorted([*rejected, *imported.rejected], key=lambda each: each.line)
        counts = imported.added, imported.changed, imported.unchanged
        self.taken = Taken(*counts, rejected, unkept)
        if self.also is not None:
            self.also(tx, self.taken)

    def _set_aside(self, tx: Session, feed: Feed) -> int:
        """Set rows aside, or note what has come of those; return how many found no room."""
        kind, rows, now = self.part.kind.value, self.part.aside, tx.clock()
        if not self.retried:
            return aside.keep_aside(tx, feed, kind, rows, most=self.most_aside, now=now)
        by_line = {row.line: row for row in rows}
        for line, row_id in enumerate(self.retried, 1):
            aside.note_tried(tx, feed, kind, (row_id, by_line.get(line)), now=now)
        return 0


def _subjects(part: PreparedPart, refused: set[int]) -> Iterator[tuple[tuple[bytes, ...], int]]:
    """Yield what each row that is in is about, and its time."""
    for voucher in part.vouchers:
        if voucher.line not in refused:
            yield voucher.keys, voucher.updated_at
    for row in part.deals:
        if row.line not in refused and row.deal.updated_at is not None:
            yield (row.deal.deal_id.encode(),), to_ms(row.deal.updated_at)


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
        rows = [row for row in due if row.kind == kind.value]
        if rows:
            part = Part(kind, [_reopened(keys, feed, row) for row in rows], now)
            prepared = prepare(part, preparer, RowReader(ledger.venue), pause=pause)
            retried = [row.row_id for row in rows]
            take(
                ledger,
                keys,
                feed,
                prepared,
                by="retry",
                most_aside=most_aside,
                retried=retried,
            )
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
