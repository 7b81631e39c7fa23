"""Read a file of deals or vouchers, hash it here, and hand it to whoever holds the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from admission.calendar import Venue
from admission.code_space import Shapes
from admission.errors import FeedRejected
from admission.rows import (
    DEAL_COLUMNS,
    DEAL_NEEDS,
    VOUCHER_COLUMNS,
    VOUCHER_NEEDS,
    RowReader,
)
from gate_server.commands.imports import Deals, Vouchers
from gate_server.commands.services import Caller
from gate_server.feeds.files import RowFile
from gate_server.keyring import Keyring
from gate_server.ledger.prepared import (
    Imported,
    PreparedDeal,
    PreparedVoucher,
    Preparer,
    Rejection,
)

ROWS_A_MESSAGE: Final = 4000
_DEALS_A_MESSAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Importer:
    """What reading a file takes.

    Attributes:
        now: the time of import: `updated_at` of rows that do not say theirs.
        progress: is told the bytes read and the bytes in all.
    """

    caller: Caller
    venue: Venue
    now: datetime
    progress: Callable[[int, int], None]

    def deals(self, path: Path) -> Imported:
        """Import a file of deals.

        Raises:
            FeedRejected: the file as a whole cannot be taken; nothing was changed.
        """
        imported, rows = Imported(), []
        reader, file = RowReader(self.venue), RowFile(path, DEAL_COLUMNS, DEAL_NEEDS)
        for line, row in file:
            try:
                if isinstance(row, FeedRejected):
                    raise row
                rows.append(PreparedDeal(line, reader.deal(row, updated_at=self.now)))
            except FeedRejected as problem:
                imported.rejected.append(_rejection(line, problem))
            self.progress(file.position, file.size)
        for start in range(0, len(rows), _DEALS_A_MESSAGE):
            part = Deals(rows=rows[start : start + _DEALS_A_MESSAGE])
            imported.add(_imported(self.caller.call("import deals", part)))
        return imported

    def vouchers(self, path: Path, keys: Keyring) -> Imported:
        """Import a file of vouchers; while one part is written the next is prepared.

        Raises:
            FeedRejected: the file as a whole cannot be taken; nothing was changed.
            LedgerUnavailable: what came before is in; import the file again.
        """
        imported, sent = Imported(), False
        platforms: dict[str, str] = self.caller.call("import platforms")
        by_code = frozenset(self.caller.call("redemptions by_code"))
        preparer = Preparer(keys, platforms, now=self.now, by_code=by_code)
        for part in self._voucher_parts(path, preparer, imported):
            if sent:
                imported.add(_imported(self.caller.receive()))
            self.caller.send("import vouchers", part)
            sent = True
        if sent:
            imported.add(_imported(self.caller.receive()))
        return imported

    def _voucher_parts(
        self, path: Path, preparer: Preparer, imported: Imported
    ) -> Iterator[Vouchers]:
        reader, file = RowReader(self.venue), RowFile(path, VOUCHER_COLUMNS, VOUCHER_NEEDS)
        rows: list[PreparedVoucher] = []
        sealed: dict[bytes, bytes] = {}
        shapes = Shapes()
        for line, row in file:
            try:
                if isinstance(row, FeedRejected):
                    raise row
                fields = reader.voucher(row, updated_at=self.now)
                rows.append(preparer.voucher(line, fields, sealed))
                shapes.add(fields.deal_id, fields.code)
            except FeedRejected as problem:
                imported.rejected.append(_rejection(line, problem))
            if len(rows) == ROWS_A_MESSAGE:
                yield Vouchers(rows=rows, sealed=sealed, shapes=shapes.measured())
                rows, sealed, shapes = [], {}, Shapes()
                self.progress(file.position, file.size)
        if rows:
            yield Vouchers(rows=rows, sealed=sealed, shapes=shapes.measured())
        self.progress(file.size, file.size)


def _rejection(line: int, problem: FeedRejected) -> Rejection:
    return Rejection(line, problem.field, problem.problem)


def _imported(answer: object) -> Imported:
    return msgspec.convert(answer, Imported)
