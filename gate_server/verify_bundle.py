#!/usr/bin/env python3
"""Check an evidence bundle without the venue's software or data base.

    python3 verify.py [DIR] [--key HEX] [--heads FILE] [--old-links]

Python 3.9 or later, nothing to install. DIR is the unpacked bundle; default: where this file is.
--key is the venue's public audit key as you have it from elsewhere, --heads are signed heads that
you received earlier (lines of JSON): with them, not even the venue can have rewritten the past.
--old-links takes links on trust that older software made: they cannot be checked without the rows.
Exit status: 0 everything holds, 1 something does not, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FIRST_HEAD = hashlib.sha256(b"gatehouse audit chain").digest()
PURPOSE = b"gatehouse audit head v1\0"
FILES = ("rows.ndjson", "vouchers.ndjson", "heads.ndjson", "statement.json")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_LINK = re.compile(r"(0|[1-9][0-9]{0,18}) ([a-z_]{1,40}) (=?)([0-9a-f]{64})\n")
# Where in a scan's chained fields a thing stands.
_VOUCHER, _MODE, _DIRECTION, _REASON, _PEOPLE, _DETAIL = 4, 5, 6, 13, 14, 19


class Broken(Exception):
    """Something in the bundle does not hold."""


# --- Ed25519, RFC 8032 section 5.1, slow and plain ------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    low, high = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    t, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = high - low, z - t, z + t, high + low
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(number: int, point: Point) -> Point:
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = _add(total, point)
        point = _add(point, point)
        number >>= 1
    return total


def _x_of(y: int, sign: int) -> int | None:
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


def _read_point(text: bytes) -> Point | None:
    number = int.from_bytes(text, "little")
    y = number & ((1 << 255) - 1)
    x = _x_of(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % P)


_BASE_Y = 4 * pow(5, P - 2, P) % P
_BASE_X = _x_of(_BASE_Y, 0) or 0
BASE = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % P)


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether a key of 32 bytes made a signature of 64 over a message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, first = _read_point(public), _read_point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or first is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    left = _times(scalar, BASE)
    right = _add(first, _times(int.from_bytes(digest, "little") % ORDER, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- the chain ------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A disclosed row of the chain; `content` is what was chained, as it stands."""

    revision: int
    kind: str
    content: str


class Walked(NamedTuple):
    """What a walk along the links found: the head at each revision, and links taken on trust."""

    heads: dict[int, bytes]
    unproven: int
    newest: int


def link(head: bytes, revision: int, kind: str, digest: bytes) -> bytes:
    """Return the next head; `digest` is the SHA-256 of the row's content."""
    prefix = f"gatehouse audit 2\0{revision}\0{kind}\0".encode()
    return hashlib.sha256(prefix + head + digest).digest()


def old_link(head: bytes, row: Row) -> bytes:
    """Return the next head as old ledgers made it: over the content itself."""
    prefix = f"gatehouse audit\0{row.revision}\0{row.kind}\0".encode()
    return hashlib.sha256(prefix + head + row.content.encode()).digest()


def walk(lines: Iterator[str], rows: dict[int, Row]) -> Walked:
    """Follow every link from the first, and check each row that is disclosed."""
    head, heads, unproven, last = FIRST_HEAD, {}, 0, -1
    for number, line in enumerate(lines, 1):
        found = _LINK.fullmatch(line)
        if found is None or int(found[1]) <= last:
            raise Broken(f"links.txt:{number}: is no link, or out of order")
        last, kind, digest = int(found[1]), found[2], bytes.fromhex(found[4])
        row = rows.get(last)
        covered = row is None or _covers(head, row, kind, digest, old=bool(found[3]))
        if not covered:
            raise Broken(f"row {last} is not what the chain covers")
        unproven += bool(found[3]) and row is None
        head = digest if found[3] else link(head, last, kind, digest)
        heads[last] = head
    if not rows.keys() <= heads.keys():
        raise Broken("there are rows without a link")
    return Walked(heads, unproven, last)


def _covers(head: bytes, row: Row, kind: str, digest: bytes, *, old: bool) -> bool:
    found = old_link(head, row) if old else hashlib.sha256(row.content.encode()).digest()
    return row.kind == kind and found == digest


def read_rows(path: Path) -> dict[int, Row]:
    """Read the disclosed rows, in order."""
    rows: dict[int, Row] = {}
    last = -1
    for number, told in _json_lines(path):
        if set(told) != {"revision", "kind", "content"} or type(told["revision"]) is not int:
            raise Broken(f"{path.name}:{number}: is no row")
        row = Row(told["revision"], told["kind"], told["content"])
        if row.revision <= last:
            raise Broken(f"{path.name}:{number}: rows are out of order")
        rows[row.revision], last = row, row.revision
    return rows


def _json_lines(path: Path, strict: bool = True) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            told = json.loads(line)
            if not isinstance(told, dict) or (strict and write_line(told) != line):
                raise Broken(f"{path.name}:{number}: is not as it was written")
            yield number, told


def write_line(told: dict[str, Any]) -> str:
    """Write one line of a bundle's file, in the one form that is taken."""
    return _encode(told) + "\n"


# --- heads ----------------------------------------------------------------------------------------


def check_head(told: dict[str, Any], walked: Walked) -> str:
    """Check a signed head against the chain; return the public key that signed it."""
    head, public = bytes.fromhex(told["audit_head"]), bytes.fromhex(told["public_key"])
    said = "{epoch}\0{revision}\0{day}\0{signed_at_ms}\0".format(**told).encode()
    if not verifies(public, PURPOSE + said + head, bytes.fromhex(told["signature"])):
        raise Broken("the head at {} has no valid signature".format(told["revision"]))
    if walked.heads.get(told["revision"]) != head:
        raise Broken("the chain does not go through the head at {}".format(told["revision"]))
    return public.hex()


def check_heads(directory: Path, walked: Walked) -> set[str]:
    """Check the bundle's own heads; the newest must cover the whole chain."""
    newest = [told for _, told in _json_lines(directory / "head.ndjson")]
    if len(newest) != 1 or newest[0]["revision"] != walked.newest:
        raise Broken("the newest rows are not covered by a signed head")
    if any(newest[0][name] != newest[0][name].lower() for name in ("public_key", "signature")):
        raise Broken("head.ndjson is not as it was written")
    every = [told for _, told in _json_lines(directory / "heads.ndjson")] + newest
    return {check_head(each, walked) for each in every}


# --- what the rows come to ------------------------------------------------------------------------


def count(rows: dict[int, Row]) -> dict[str, int]:
    """Count scans, and the people who passed by them after every correction."""
    scans: dict[int, list[Any]] = {}
    corrections: dict[int, list[tuple[str, dict[str, Any]]]] = {}
    for row in rows.values():
        told = json.loads(row.content)
        if row.kind == "scan":
            scans[row.revision] = told[0]
        elif "scan_id" in told:
            corrections.setdefault(told["scan_id"], []).append((row.kind, told))
    sums = {"scans": len(scans), "people_in": 0, "people_out": 0}
    for scan_id, fields in scans.items():
        people = passed(fields, corrections.get(scan_id, []))
        sums["people_out" if fields[_DIRECTION] == "exit" else "people_in"] += people
    for kind in ("annul", "override", "strike"):
        sums[kind + "s"] = sum(row.kind == kind for row in rows.values())
    return sums


def passed(fields: list[Any], corrections: list[tuple[str, dict[str, Any]]]) -> int:
    """Return the people of one scan who passed, as the venue's rules count them."""
    said: dict[str, Any] = {"shown": fields[_PEOPLE], "annul": 0, "move": 0, "override": 0}
    said["passage"] = 0 if json.loads(fields[_DETAIL]).get("passage") else None
    for kind, told in corrections:
        if kind in said:
            said[kind] = told["people"]
        if told.get("unwatched"):
            said["passage"] = None
    let_in = said["override"] or said["shown"]
    back = max(said["annul"], said["move"])
    return int(max(0, let_in - back, min(said["passage"] or 0, let_in)))


def check_statement(path: Path, sold: int) -> None:
    """Check that a settlement's classes add up to the vouchers of the bundle."""
    told = json.loads(path.read_text("utf-8"))
    classes = {name: number for name, number in told["counts"].items() if name != "sold"}
    if told["counts"]["sold"] != sold or sum(classes.values()) != sold:
        raise Broken(f"the statement's classes are not the {sold} vouchers")


# --- all of it ------------------------------------------------------------------------------------


def check_bundle(
    directory: Path, key: str | None, heads: list[dict[str, Any]], *, old_links: bool = False
) -> list[str]:
    """Check everything; return what was found, in sentences.

    Raises:
        Broken: the first thing that does not hold.
    """
    rows = read_rows(directory / "rows.ndjson")
    every = {**rows, **read_rows(directory / "export.ndjson")}
    if len(every) != len(rows) + 1:
        raise Broken("export.ndjson is not one row of its own")
    export = every[max(every)]
    if export.kind != "export":
        raise Broken("the last row is not the export of this bundle")
    with (directory / "links.txt").open(encoding="ascii", newline="\n") as file:
        walked = walk(file, every)
    if walked.unproven and not old_links:
        raise Broken(f"{walked.unproven} old links cannot be checked; see --old-links")
    told = json.loads(export.content)
    for name in FILES:
        _check_file(directory / name, told["files"].get(name))
    keys = check_heads(directory, walked)
    vouchers = [each for _, each in _json_lines(directory / "vouchers.ndjson")]
    _check_counts(told, rows, vouchers)
    if (directory / "statement.json").exists():
        check_statement(directory / "statement.json", _sold(vouchers))
    for each in heads:
        check_head(each, walked)
    if key is not None and keys != {key.lower()}:
        raise Broken("the heads were not signed with the key that you gave")
    return _sentences(told, walked, keys, len(heads))


def _check_file(path: Path, digest: str | None) -> None:
    if digest is None and not path.exists():
        return
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise Broken(f"{path.name} is not the file that was exported")


def _sold(vouchers: list[dict[str, Any]]) -> int:
    return sum(each["parent_id"] is None for each in vouchers)


def _check_counts(told: dict[str, Any], rows: dict[int, Row], vouchers: list[Any]) -> None:
    if told["rows"] != len(rows) or told["vouchers"] != len(vouchers):
        raise Broken("there are more or fewer rows or vouchers than were exported")
    if told["counts"] != count(rows):
        raise Broken("the rows do not add up to what was exported")
    known = {each["voucher_id"] for each in vouchers} | {None}
    for row in rows.values():
        if row.kind == "scan" and json.loads(row.content)[0][_VOUCHER] not in known:
            raise Broken(f"scan {row.revision} is of a voucher that is not here")


def _sentences(told: dict[str, Any], walked: Walked, keys: set[str], given: int) -> list[str]:
    counts = ", ".join("{} {}".format(*each) for each in sorted(told["counts"].items()))
    said = [
        "deal {deal_id}: vouchers {vouchers}, rows {rows}, up to revision {upto}".format(**told),
        "counted from the rows: " + counts,
        f"chain: {len(walked.heads)} links, unbroken, each disclosed row in its place",
    ]
    if walked.unproven:
        said.append(f"{walked.unproven} old links are taken on trust")
    said += [f"signed with the key {key}; compare it with yours" for key in sorted(keys)]
    if given:
        said.append(f"the chain goes through every head that you had: {given}")
    return said


def main(arguments: list[str] | None = None) -> int:
    """Check a bundle and say what was found."""
    parser = argparse.ArgumentParser(description="Check an evidence bundle.")
    here = Path(__file__).resolve().parent
    parser.add_argument("directory", nargs="?", type=Path, default=here, metavar="DIR")
    parser.add_argument("--key", metavar="HEX", help="the venue's public key as you have it")
    parser.add_argument("--heads", type=Path, metavar="FILE", help="signed heads that you had")
    parser.add_argument("--old-links", action="store_true", help="take old links on trust")
    given = parser.parse_args(arguments)
    try:
        heads = [told for _, told in _json_lines(given.heads, strict=False)] if given.heads else []
        said = check_bundle(given.directory, given.key, heads, old_links=given.old_links)
    except (Broken, OSError, ValueError, KeyError, TypeError, IndexError) as error:
        sys.stdout.write(f"BROKEN: {error}\n")
        return 1
    sys.stdout.write("\n".join([*said, "everything holds", ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
