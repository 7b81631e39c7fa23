"""Read rows of deals or vouchers from a CSV or NDJSON file, line by line.

Control characters are refused in every value, so a row never runs over its line: each line is read
by itself, and a wrong one spoils no other.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import msgspec

from admission.errors import FeedRejected, InvalidInput
from admission.row_values import Row
from admission.rows import check_columns

LONGEST_LINE: Final = 64 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_ROW: Final = re.compile(r'(?:"(?:[^"]|"")*"|[^",]*)(?:,(?:"(?:[^"]|"")*"|[^",]*))*')
_NDJSON_SUFFIXES: Final = frozenset({".ndjson", ".jsonl", ".json"})
_OTHERS: Final = {
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"PK": "a spreadsheet or a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
}

Line: TypeAlias = tuple[int, Row | FeedRejected]
"""Line number, from 1, and its row, or why it cannot be taken."""

_decode = msgspec.json.Decoder(dict[str, str | int | float | bool | None]).decode


class RowFile:
    """The rows of one file, with flat memory whatever its size.

    The header, and every key of NDJSON, is looked at before the first row is given out.

    Attributes:
        size: bytes in the file.
        position: bytes read so far.
    """

    def __init__(self, path: Path, columns: tuple[str, ...], needs: tuple[str, ...]) -> None:
        self.path = path
        self._columns = columns
        self._needs = needs
        self.size = _size(path)
        self.position = 0

    def __iter__(self) -> Iterator[Line]:
        """Yield every line that is not empty.

        Raises:
            FeedRejected: the file as a whole cannot be taken; nothing was given out yet.
        """
        with self.path.open("rb") as file:
            start = file.read(4096)
            kind = next((name for magic, name in _OTHERS.items() if start.startswith(magic)), None)
            if kind is not None:
                raise FeedRejected("", f"this is {kind}; save it as CSV in UTF-8")
            file.seek(len(_BOM) if start.startswith(_BOM) else 0)
            text = start.removeprefix(_BOM).lstrip()
            if not text:
                raise FeedRejected("", "the file is empty; its first line must be the header")
            if self.path.suffix.lower() in _NDJSON_SUFFIXES or text.startswith(b"{"):
                yield from self._ndjson(file)
            else:
                yield from self._csv(file)

    def _csv(self, file: BinaryIO) -> Iterator[Line]:
        header: list[str] = []
        # A csv reader over all lines would let one open quote swallow the rest of the file, and
        # most lines have no quotes at all: splitting them is exact and three times as fast.
        for number, line in self._lines(file):
            if isinstance(line, FeedRejected):
                if not header:
                    raise line
                yield number, line
                continue
            try:
                values = _quoted(line) if '"' in line else line.split(",")
            except FeedRejected as problem:
                if not header:
                    raise
                yield number, problem
                continue
            if not header:
                header = [value.strip() for value in values]
                check_columns(header, self._columns, self._needs)
            elif len(values) == len(header):
                yield number, dict(zip(header, values, strict=True))
            else:
                yield number, _ragged(len(values), len(header))

    def _ndjson(self, file: BinaryIO) -> Iterator[Line]:
        begin = file.tell()
        for number, line in self._lines(file):
            row = _object(line)
            if not isinstance(row, FeedRejected):
                self._check_keys(number, row)
        file.seek(begin)
        self.position = begin
        for number, line in self._lines(file):
            yield number, _object(line)

    def _check_keys(self, number: int, row: Row) -> None:
        for key in row:
            if key not in self._columns:
                known = " ".join(self._columns)
                problem = f"unknown column in line {number}; known are {known}"
                raise FeedRejected(key[:80], problem)

    def _lines(self, file: BinaryIO) -> Iterator[tuple[int, str | FeedRejected]]:
        """Yield number and text of every line that is not blank, its end stripped."""
        number = 0
        while raw := file.readline(LONGEST_LINE):
            number += 1
            self.position += len(raw)
            if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                _skip_line(file)
                yield number, FeedRejected("", f"the line is longer than {LONGEST_LINE} bytes")
                continue
            try:
                line = raw.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                problem = f"byte {error.start + 1} is not UTF-8; save the file as UTF-8"
                yield number, FeedRejected("", problem)
                continue
            # Spreadsheets leave rows of nothing but commas at the end.
            if line.strip(", \t"):
                yield number, line


def _size(path: Path) -> int:
    try:
        if not path.is_file():
            raise InvalidInput("FILE", f"{path} is not a file")
        return path.stat().st_size
    except OSError as error:
        raise InvalidInput("FILE", f"{path} cannot be read: {error.strerror}") from error


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def _quoted(line: str) -> list[str]:
    # The reader takes a quote in the midst of a value for the value's: so the rest of a value that
    # runs over its line would pass for a row.
    if _ROW.fullmatch(line) is None:
        raise FeedRejected("", "its quotes do not match; a row must not run over its line")
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise FeedRejected("", f"is no row of CSV: {error}") from error


def _object(line: str | FeedRejected) -> Row | FeedRejected:
    if isinstance(line, FeedRejected):
        return line
    try:
        return _decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        return FeedRejected("", f"is not one JSON object of texts and numbers: {error}")


def _ragged(values: int, columns: int) -> FeedRejected:
    return FeedRejected("", f"has {values} values, and the header has {columns} columns")
