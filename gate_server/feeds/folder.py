"""A folder that a platform, or a person, puts files into: `deals*` and `vouchers*`, CSV or NDJSON.

A file is taken once it has stood still, and then moved to `done/`, or to `failed/` where nothing of
it can be read. Where the folder may only be read, the files stay and are remembered.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import signal
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from admission.errors import FeedRejected, FeedUnavailable, InvalidInput
from admission.rows import DEAL_COLUMNS, DEAL_NEEDS, VOUCHER_COLUMNS, VOUCHER_NEEDS
from gate_server.feeds.contract import Kind, Offer, Part, SourceRow
from gate_server.feeds.files import Line, RowFile
from gate_server.feeds.json_values import read_place
from gate_server.feeds.unreported import Unreported

DONE: Final = "done"
FAILED: Final = "failed"
ROWS_A_PART: Final = 2000
# A file that is still being written changes within that; one renamed into place need not wait.
STILL_S: Final = 2.0
MOST_REMEMBERED: Final = 1000
_SUFFIXES: Final = frozenset({".csv", ".ndjson", ".jsonl"})
_SHAPES: Final = {
    Kind.DEALS: (DEAL_COLUMNS, DEAL_NEEDS),
    Kind.VOUCHERS: (VOUCHER_COLUMNS, VOUCHER_NEEDS),
}


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is there.

    Attributes:
        look: size and time of change; another one is another content.
    """

    path: Path
    kind: Kind
    look: tuple[int, int]


class Place(Struct, omit_defaults=True):
    """What was taken.

    Attributes:
        hashes: of files' contents, oldest first: the same content again is nothing new, whatever
            it is called and whenever it comes.
        left: size and time of those that could not be moved, by name.
    """

    hashes: list[str] = []
    left: dict[str, tuple[int, int]] = {}


_places: Final = msgspec.json.Decoder(Place)
_write: Final = msgspec.json.Encoder().encode


class FolderSource(Unreported):
    """Takes the files of one folder.

    Args:
        now: the time of import, for rows that do not say when they were changed.
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime]) -> None:
        self._path = path
        self._now = now

    @property
    def offers(self) -> frozenset[Offer]:
        """Files answer nothing."""
        return frozenset()

    def changes(self, cursor: str | None) -> Iterator[Part]:
        """Yield the rows of each file that has come; it is moved when its last ones are in."""
        place = read_place(_places, cursor)
        names = set()
        for file in self._files():
            names.add(file.path.name)
            if place.left.get(file.path.name) != file.look:
                yield from self._take(file, place)
        place.left = {name: look for name, look in place.left.items() if name in names}
        written = _write(place).decode()
        yield Part(
            Kind.VOUCHERS, (), self._now(), None if written == cursor else written, whole=True
        )

    def find(self, code: str, *, timeout_s: float) -> Sequence[Part]:
        """Find nothing: a folder cannot be asked."""
        return ()

    def close(self) -> None:
        """Nothing is open between two rounds."""

    def _files(self) -> list[_File]:
        """Return the files that stand still: deals first, then the oldest first."""
        try:
            with os.scandir(self._path) as entries:
                found = [each for entry in entries if (each := self._file(entry)) is not None]
        except OSError as error:
            raise FeedUnavailable(f"the folder cannot be read: {error.strerror}") from error
        return sorted(found, key=lambda each: (each.kind, each.look[1], each.path.name))

    def _file(self, entry: os.DirEntry[str]) -> _File | None:
        kind = next((kind for kind in Kind if entry.name.startswith(kind.value)), None)
        path = Path(entry.path)
        if kind is None or path.suffix.lower() not in _SUFFIXES or not entry.name.isprintable():
            return None
        try:
            # A link, a device or a pipe is no file that somebody has put here.
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        still_s = self._now().timestamp() - found.st_mtime
        # A time to come, of a wrong clock, must not keep a file from being taken for ever.
        if not stat.S_ISREG(found.st_mode) or 0 <= still_s < STILL_S or _is_being_written(path):
            return None
        return _File(path, kind, (found.st_size, found.st_mtime_ns))

    def _take(self, file: _File, place: Place) -> Iterator[Part]:
        content = _hash(file.path)
        whither = DONE
        if content not in place.hashes:
            whither = yield from self._rows(file)
            if _look(file.path) != file.look:
                return  # it was written to meanwhile: it is taken again, and the same is nothing
            place.hashes = [*place.hashes, content][-MOST_REMEMBERED:]
            yield Part(file.kind, (), self._now(), _write(place).decode())
        if not _move(file.path, self._path / whither):
            place.left[file.path.name] = file.look

    def _rows(self, file: _File) -> Generator[Part, None, str]:
        """Yield the rows of a file; return where it belongs."""
        columns, needs = _SHAPES[file.kind]
        now, name = self._now(), file.path.name
        try:
            lines = iter(RowFile(file.path, columns, needs))
            while some := list(islice(lines, ROWS_A_PART)):
                yield Part(file.kind, [_row(name, line) for line in some], now)
        except FeedRejected as problem:
            yield Part(file.kind, [SourceRow(name, {"file": name}, problem=problem)], now)
            return FAILED
        except (InvalidInput, OSError) as error:
            raise FeedUnavailable(f"{name} cannot be read") from error
        return DONE


def _row(name: str, line: Line) -> SourceRow:
    number, row = line
    place = f"{name}:{number}"
    if isinstance(row, FeedRejected):
        return SourceRow(place, {"line": place}, problem=row)
    return SourceRow(place, row)


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise FeedUnavailable(f"{path.name} cannot be read: {error.strerror}") from error


def _is_being_written(path: Path) -> bool:
    """Say whether somebody has a file open for writing, where this user may know it.

    Linux grants a lease to read only on a file that nobody writes; it is given back at once.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # A lease that is broken sends a signal: one that does nothing.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


def _look(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _move(path: Path, folder: Path) -> bool:
    """Move a file into a folder, under a name that is free there; say whether it went."""
    try:
        folder.mkdir(exist_ok=True)
        target = folder / path.name
        for number in range(2, 10_000):
            if not target.exists():
                break
            target = folder / f"{path.stem}.{number}{path.suffix}"
        path.rename(target)
    except OSError:
        return False
    return True
