"""The audit chain: each row's hash covers the row and the hash before it.

A scan's row is chained itself, without a copy. Personal fields enter as a salted hash, so that
salt and value can be erased later and the chain still holds.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

SCAN_FIELDS = (
    "device_id, nonce, gate_id, area, voucher_id, mode, direction, party, scanned_at, received_at,"
    " scan_at, staffed, offline, reason, people, remaining, void_version, rules_version,"
    " arrival_number, detail"
)
"""What of a scan is chained as it stands, in this order."""

FIRST_HEAD = hashlib.sha256(b"gatehouse audit chain").digest()

_encode = msgspec.json.Encoder(order="deterministic").encode


def chain(head: bytes, revision: int, kind: str, content: bytes) -> bytes:
    """Return the next head: SHA-256 over the purpose, the head before and the row.

    The row enters as its own hash, so that a chain can be shown to others without what it covers.
    """
    prefix = f"gatehouse audit 2\x00{revision}\x00{kind}\x00".encode()
    return hashlib.sha256(prefix + head + hashlib.sha256(content).digest()).digest()


def first_chain(head: bytes, revision: int, kind: str, content: bytes) -> bytes:
    """Return the next head as older ledgers made it: over the row itself, not its hash."""
    prefix = f"gatehouse audit\x00{revision}\x00{kind}\x00".encode()
    return hashlib.sha256(prefix + head + content).digest()


def personal_digest(salt: bytes, *values: object) -> bytes:
    """Return what stands in the chain for personal values: 16 bytes, nothing without the salt."""
    return hashlib.blake2b(_encode(values), digest_size=16, key=salt).digest()


class Salts:
    """Random salts of 16 bytes, drawn from the system many at a time; for one thread."""

    def __init__(self) -> None:
        self._drawn = b""
        self._at = 0

    def next(self) -> bytes:
        """Return a salt that was never returned before."""
        if self._at == len(self._drawn):
            self._drawn, self._at = os.urandom(16 * 256), 0
        self._at += 16
        return self._drawn[self._at - 16 : self._at]


def scan_content(fields: tuple[object, ...], personal: bytes) -> bytes:
    """Return the bytes that are chained for a scan: SCAN_FIELDS and its personal digest."""
    return _encode((fields, personal))


def event_body(fields: Mapping[str, object], personal: Mapping[str, tuple[bytes, str]]) -> str:
    """Return the canonical JSON of an audited event.

    Args:
        personal: salt and value of personal fields; only their digests enter the body.
    """
    digests = {name: personal_digest(*pair).hex() for name, pair in personal.items()}
    return _encode({**fields, "personal": digests} if digests else dict(fields)).decode()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in the chain; `revision` is the first row at which it shows."""

    revision: int
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk along the chain found.

    Attributes:
        rows: rows walked; `head` is the hash that the walk ended with.
    """

    rows: int
    head: bytes
    revision: int
    findings: tuple[Finding, ...]


def verify(db: sqlite3.Connection, heads: Mapping[int, bytes] | None = None) -> Verification:
    """Walk the chain and compare it with the rows it covers.

    Args:
        heads: heads seen elsewhere, by revision (heartbeat answers, published lists).
    """
    heads = dict(heads or {})
    findings: list[Finding] = []
    head, rows, revision = FIRST_HEAD, 0, 0
    for revision, kind, content, stored in chained_rows(db):
        rows += 1
        if content is None:
            findings.append(Finding(revision, "the scan that this row covers is missing"))
            head = stored
            continue
        before, head = head, chain(head, revision, kind, content)
        if head != stored and first_chain(before, revision, kind, content) != stored:
            findings.append(Finding(revision, f"this {kind} row, or one before it, was altered"))
        head = stored
        if heads.pop(revision, head) != head:
            findings.append(Finding(revision, "differs from the head that was seen elsewhere"))
    findings += [Finding(missing, "a head seen elsewhere is not in the chain") for missing in heads]
    findings += _uncovered(db) + _corrections_differ(db) + _venue_differs(db, head, revision)
    return Verification(rows, head, revision, tuple(findings))


_CHAINED = ", ".join(f"s.{name.strip()}" for name in SCAN_FIELDS.split(","))
_ROWS = f"""
SELECT a.revision, a.kind, a.body, a.hash, s.salt, s.personal, s.credential_key, s.tail,
    s.operator, {_CHAINED}
FROM audit a LEFT JOIN scans s ON s.scan_id = a.revision
WHERE a.revision > ? ORDER BY a.revision LIMIT 2000
"""  # noqa: S608 - names of ours


def chained_rows(
    db: sqlite3.Connection, *, after: int = -1
) -> Iterator[tuple[int, str, bytes | None, bytes]]:
    """Yield revision, kind, chained content and stored hash, page by page in chain order."""
    last = after
    while page := db.execute(_ROWS, (last,)).fetchall():
        for revision, kind, body, stored, salt, personal, key, tail, operator, *fields in page:
            if body is not None:
                content: bytes | None = body.encode()
            elif fields[0] is None:
                content = None
            else:
                digest = personal if salt is None else personal_digest(salt, key, tail, operator)
                content = scan_content(tuple(fields), digest or b"")
            yield revision, kind, content, stored
        last = page[-1][0]


def _uncovered(db: sqlite3.Connection) -> list[Finding]:
    sql = (
        "SELECT s.scan_id FROM scans s LEFT JOIN audit a ON a.revision = s.scan_id"
        " WHERE a.revision IS NULL OR a.kind <> 'scan' LIMIT 100"
    )
    return [Finding(row[0], "a scan that the chain does not cover") for row in db.execute(sql)]


_CORRECTED = """
SELECT s.scan_id FROM scans s LEFT JOIN (
    SELECT body ->> 'scan_id' AS scan_id,
           MAX(CASE kind WHEN 'annul' THEN body ->> 'people' ELSE 0 END) AS annulled,
           SUM(kind = 'annul') AS annuls,
           MAX(kind = 'annul' AND body ->> 'unwatched') AS unwatched,
           MAX(CASE kind WHEN 'passage' THEN body ->> 'people' ELSE 0 END) AS turned,
           MAX(IIF(kind = 'move', revision << 8 | body ->> 'people', 0)) & 255 AS moved,
           MAX(CASE kind WHEN 'override' THEN body ->> 'people' ELSE 0 END) AS overridden,
           MAX(kind = 'strike') AS struck,
           MAX(CASE kind WHEN 'shown' THEN body ->> 'people' END) AS shown_people,
           MAX(CASE kind WHEN 'shown' THEN body ->> 'reason' END) AS shown_reason
    FROM audit WHERE kind IN ('annul', 'passage', 'move', 'override', 'strike', 'shown')
    GROUP BY 1
) c ON c.scan_id = s.scan_id
WHERE (s.annulled, s.annuls, s.overridden, s.struck_at IS NOT NULL, s.shown_people, s.shown_reason,
       s.turned, s.moved)
   IS NOT (COALESCE(c.annulled, 0), COALESCE(c.annuls, 0), COALESCE(c.overridden, 0),
           COALESCE(c.struck, 0), c.shown_people, c.shown_reason,
           IIF(c.unwatched OR s.detail ->> 'passage' IS NULL, NULL, COALESCE(c.turned, 0)),
           COALESCE(c.moved, 0))
LIMIT 100
"""


def _corrections_differ(db: sqlite3.Connection) -> list[Finding]:
    problem = (
        "its annulment, passage, move, override, strike or shown verdict is not what the chain"
        " recorded"
    )
    return [Finding(row[0], problem) for row in db.execute(_CORRECTED)]


def _venue_differs(db: sqlite3.Connection, head: bytes, revision: int) -> list[Finding]:
    row = db.execute("SELECT audit_head FROM venue").fetchone()
    if row is None or row[0] != head:
        return [Finding(revision, "the newest rows are missing: the head of the ledger is another")]
    return []
