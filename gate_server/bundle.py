"""Write an evidence bundle of one deal, which others check without our software or data base.

The rows come first. Then the ledger records that they were handed out, with their hashes, and signs
its head: so one signature covers every file of the bundle.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeAlias

from msgspec import Struct

from admission.calendar import to_ms
from admission.deals import Deal
from admission.errors import InvalidInput, LedgerRefused, NotFound
from gate_server.ledger import audit
from gate_server.ledger.bundle_rows import (
    Link,
    find_body,
    list_links,
    list_vouchers,
    scans_of_deal,
    written_by_now,
)
from gate_server.ledger.catalogue import Catalogue
from gate_server.ledger.heads import Head, heads_since
from gate_server.ledger.inspection import read_only
from gate_server.verify_bundle import FILES, count, read_rows, write_line

FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)
_EVERY: Final = 1 << 60


class Exported(Struct, frozen=True):
    """What a bundle says of itself; this very text is a row of the chain.

    Attributes:
        upto: the newest revision whose rows are in it.
        counts: what the rows come to.
        files: SHA-256 of each file that has no other proof.
    """

    deal_id: str
    upto: int
    rows: int
    vouchers: int
    counts: dict[str, int]
    files: dict[str, str]


Sign: TypeAlias = Callable[[Exported], int]
"""Records an export in the ledger, signs the head, and returns the revision that it took."""


def write_bundle(
    path: Path,
    out: Path,
    deal_id: str,
    *,
    sign: Sign,
    public_keys: Mapping[int, bytes],
    statement: bytes | None = None,
) -> Exported:
    """Write a bundle into a new directory, or a new file that ends in `.zip`.

    Args:
        path: the ledger's file.
        public_keys: those that verify signed heads, by number.
        statement: the deal's settlement, JSON as in the interface; None: there is none.

    Raises:
        NotFound: no such deal.
        InvalidInput: `out` is there already.
        LedgerRefused: the chain is broken.
    """
    if out.exists():
        raise InvalidInput("--out", f"{out} is there already; name a new one")
    with _unfinished(out) as directory:
        bundle = _Bundle(path, directory, public_keys)
        if statement is not None:
            (directory / "statement.json").write_bytes(statement)
        exported = bundle.write_rows(deal_id)
        bundle.write_export(exported, sign(exported))
        verifier = files("gate_server").joinpath("verify_bundle.py").read_text("utf-8")
        (directory / "verify.py").write_text(verifier, "utf-8")
    return exported


class _Bundle:
    """A bundle that is being written.

    Args:
        path: the ledger's file.
    """

    def __init__(self, path: Path, directory: Path, public_keys: Mapping[int, bytes]) -> None:
        self._path = path
        self._directory = directory
        self._public_keys = public_keys
        self._head = audit.FIRST_HEAD

    def write_rows(self, deal_id: str) -> Exported:
        """Write all of a deal that is there now, and say what it is."""
        directory = self._directory
        with read_only(self._path) as db:
            catalogue = Catalogue()
            catalogue.load(db, {"deals"})
            deal = catalogue.deal(deal_id)
            if deal is None:
                raise NotFound(f"no deal {deal_id}")
            upto = written_by_now(db)
            vouchers = _write(directory / "vouchers.ndjson", list_vouchers(db, deal))
            earlier = heads_since(db, -1, most=_EVERY)
            _write(directory / "heads.ndjson", map(self._head_line, earlier))
            self._write_chain(db, deal)
        disclosed = read_rows(directory / "rows.ndjson")
        digests = {
            name: hashlib.sha256((directory / name).read_bytes()).hexdigest()
            for name in FILES
            if (directory / name).exists()
        }
        return Exported(deal_id, upto, len(disclosed), vouchers, count(disclosed), digests)

    def _write_chain(self, db: Any, deal: Deal) -> None:
        scans = scans_of_deal(db, deal)
        with (
            (self._directory / "links.txt").open("w", encoding="ascii", newline="\n") as links,
            (self._directory / "rows.ndjson").open("w", encoding="utf-8", newline="\n") as rows,
        ):
            for link, after in list_links(db, deal, scans, head=self._head):
                links.write(link_line(link))
                if link.content is not None:
                    rows.write(_row_line(link.revision, link.kind, link.content))
                self._head = after

    def write_export(self, exported: Exported, revision: int) -> None:
        """Write the links since, the row of the export itself, and the head that covers all."""
        with read_only(self._path) as db:
            # Scans that came in between are covered too, without being shown.
            covering = heads_since(db, revision - 1, most=1)
            body = find_body(db, revision)
            if body is None or not covering:
                raise LedgerRefused("the ledger was restored meanwhile; export again")
            with (self._directory / "links.txt").open("a", encoding="ascii") as links:
                for link, _ in list_links(db, None, set(), head=self._head, after=exported.upto):
                    if link.revision <= covering[0].revision:
                        links.write(link_line(link))
        row = {"revision": revision, "kind": "export", "content": body}
        _write(self._directory / "export.ndjson", [row])
        _write(self._directory / "head.ndjson", [self._head_line(covering[0])])

    def _head_line(self, head: Head) -> dict[str, Any]:
        """Return a head as the bundle has it: nothing that its signature does not cover."""
        public = self._public_keys.get(head.signed.key_id)
        if public is None:
            problem = f"audit key {head.signed.key_id} is missing; restore it from a backup"
            raise LedgerRefused(problem)
        return {
            "revision": head.revision,
            "audit_head": head.audit_head.hex(),
            "epoch": head.epoch,
            "day": head.day.isoformat(),
            "signed_at_ms": to_ms(head.signed_at),
            "signature": head.signed.signature.hex(),
            "public_key": public.hex(),
        }


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """Give a directory beside `out` that takes its place only when it is whole."""
    directory = out.with_name(f".{out.name}.part")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700)
    try:
        yield directory
        if out.suffix == ".zip":
            _zip(directory, directory / "all.zip")
            os.replace(directory / "all.zip", out)
        else:
            os.replace(directory, out)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _zip(directory: Path, file: Path) -> None:
    members = sorted(each for each in directory.iterdir() if each != file)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            info = zipfile.ZipInfo(member.name, FIXED_TIME)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            with member.open("rb") as source, archive.open(info, "w") as target:
                shutil.copyfileobj(source, target)


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> int:
    written = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for line in lines:
            file.write(write_line(line))
            written += 1
    return written


def _row_line(revision: int, kind: str, content: str) -> str:
    return write_line({"revision": revision, "kind": kind, "content": content})


def link_line(link: Link) -> str:
    """Return a link as the bundle has it: revision, kind, digest; `=` before an old link's head."""
    return f"{link.revision} {link.kind} {'=' if link.old else ''}{link.digest.hex()}\n"
