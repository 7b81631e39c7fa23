"""Vouchers in columns and scans in lines, as a replica's download carries them. No I/O.

`pack` and `unpack` are each other's inverse; whatever a line holds, `unpack` raises `InvalidInput`
or returns vouchers that the rules can use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import TypeVar

import msgspec
from msgspec import Struct

from admission import base64url
from admission.calendar import from_ms, to_ms
from admission.errors import InvalidInput
from admission.history import Record
from admission.vouchers import MOST_ADMITS, Status, Voucher
from admission.wire_outage import CompleteLine, ReplicaLine, ScanLine, VouchersLine
from admission.wire_tickets import DeskLink

MOST_VOUCHERS = 512
"""In one line, so that a reader needs little memory and a break loses little."""

_MOST_KEYS = 64  # of orders or more codes, for one voucher
_SHORTEST_KEY, _LONGEST_KEY, _MOST_KEY_NO = 4, 18, 255
_MOST = 2**53 - 1  # every whole number, so that any reader of JSON keeps it exact
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # the years 1 to 9999
# What is not of base64url becomes what base64 refuses.
_STATUSES = {status.value: status for status in Status}

_NO_DESK = DeskLink()
_LINE: msgspec.json.Decoder[ReplicaLine] = msgspec.json.Decoder(ReplicaLine)
_COMPLETE = msgspec.json.Decoder(CompleteLine)

V = TypeVar("V")


class ReplicaVoucher(Struct, frozen=True, gc=False):
    """A voucher as a replica keeps it: by its key, without the last characters of its code.

    Attributes:
        key: credential key of its own code, number and hash.
        buyer: the ordinal of the buyer's account, as in `BlockLine`.
        order_keys: credential keys of the order that it belongs to.
        more_keys: further keys that find it, under which earlier scans may stand.
        desk: where it is a ticket, or was exchanged for tickets.
    """

    key: bytes
    admits: int = 1
    price_minor: int | None = None
    sold_ms: int | None = None
    valid_from_ms: int | None = None
    valid_until_ms: int | None = None
    status: Status = Status.VALID
    status_ms: int | None = None
    buyer: int | None = None
    refund_listed: bool = False
    order_keys: tuple[bytes, ...] = ()
    more_keys: tuple[bytes, ...] = ()
    desk: DeskLink | None = None

    def voucher(self, voucher_id: int, tail: str) -> Voucher:
        """Return what the rules look at; the tail comes from the code that was scanned.

        Raises:
            InvalidInput: its window is empty.
        """
        desk = self.desk or _NO_DESK
        try:
            return Voucher(
                voucher_id=voucher_id,
                tail=tail,
                admits=self.admits,
                price_paid_minor=self.price_minor,
                valid_from=_instant_or_none("valid_from_ms", self.valid_from_ms),
                valid_until=_instant_or_none("valid_until_ms", self.valid_until_ms),
                status=self.status,
                status_at=_instant_or_none("status_ms", self.status_ms),
                sold_at=_instant_or_none("sold_ms", self.sold_ms),
                refund_listed=self.refund_listed,
                exchanged=desk.exchanged,
                exchanged_for=tuple(desk.exchanged_for),
                # What the parent's number is, only the ledger knows.
                parent_id=None if desk.parent is None else 0,
                dead=desk.dead,
            )
        except ValueError as error:
            raise InvalidInput("vouchers", str(error)) from error


def pack(revision: int, deal_no: int, vouchers: Sequence[ReplicaVoucher]) -> VouchersLine:
    """Put vouchers of one deal into one line.

    Args:
        vouchers: 1 to 512, whose keys have the same first byte and the same length.

    Raises:
        ValueError: they do not fit into one line.
    """
    if not 1 <= len(vouchers) <= MOST_VOUCHERS:
        raise ValueError(f"a line holds 1 to {MOST_VOUCHERS} vouchers, not {len(vouchers)}")
    first = vouchers[0].key
    key_no, length = first[0], len(first)
    if any(voucher.key[0] != key_no or len(voucher.key) != length for voucher in vouchers):
        raise ValueError("the keys of a line's vouchers are of one number and one length")
    return VouchersLine(
        revision=revision,
        deal=deal_no,
        key_no=key_no,
        width=length - 1,
        keys=key_text(b"".join([voucher.key[1:] for voucher in vouchers])),
        admits=_differences(_unless(1, [voucher.admits for voucher in vouchers])),
        price_minor=_differences(_unless(None, [voucher.price_minor for voucher in vouchers])),
        sold_ms=_differences(_unless(None, [voucher.sold_ms for voucher in vouchers])),
        valid_from_ms=_differences(_unless(None, [voucher.valid_from_ms for voucher in vouchers])),
        valid_until_ms=_differences(
            _unless(None, [voucher.valid_until_ms for voucher in vouchers])
        ),
        status=_unless(Status.VALID.value, [voucher.status.value for voucher in vouchers]),
        status_ms=_differences(_unless(None, [voucher.status_ms for voucher in vouchers])),
        buyer=_differences(_unless(None, [voucher.buyer for voucher in vouchers])),
        refund_listed=_unless(False, [voucher.refund_listed for voucher in vouchers]),
        order_keys=_unless([], [_texts(voucher.order_keys) for voucher in vouchers]),
        more_keys=_unless([], [_texts(voucher.more_keys) for voucher in vouchers]),
        desk=_unless(None, [voucher.desk for voucher in vouchers]),
    )


def unpack(line: VouchersLine) -> list[ReplicaVoucher]:
    """Return the vouchers of a line, in its order.

    Raises:
        InvalidInput: no `pack` made the line.
    """
    keys = _keys(line)
    size = len(keys)
    instants = partial(_wholes_or_none, least=_FIRST_MS, most=_LAST_MS)
    return list(
        map(
            ReplicaVoucher,
            keys,
            _wholes("admits", line.admits, size),
            _wholes_or_none("price_minor", line.price_minor, size, least=0, most=_MOST),
            instants("sold_ms", line.sold_ms, size),
            instants("valid_from_ms", line.valid_from_ms, size),
            instants("valid_until_ms", line.valid_until_ms, size),
            _statuses(line.status, size),
            instants("status_ms", line.status_ms, size),
            _wholes_or_none("buyer", line.buyer, size, least=0, most=_MOST),
            _column("refund_listed", line.refund_listed, size, absent=False),
            _key_lists("order_keys", line.order_keys, size),
            _key_lists("more_keys", line.more_keys, size),
            _desks(line.desk, size),
        )
    )


def read_line(data: bytes | str) -> ReplicaLine | CompleteLine:
    """Read one line of a download; the last of it is a `CompleteLine`.

    Raises:
        InvalidInput: it is cut off, or no line of a replica.
    """
    try:
        return _LINE.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        try:
            return _COMPLETE.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise InvalidInput("line", f"is no line of a replica: {problem}") from problem


# --- scans ----------------------------------------------------------------------------------------


def scan_line(
    record: Record,
    *,
    revision: int,
    key: bytes,
    platform: str = "",
    arrival_number: str | None = None,
) -> ScanLine:
    """Write one recorded scan as it stands now.

    Args:
        key: the credential key it links by.
        platform: of the voucher it was decided on; "" where none was found.
    """
    return ScanLine(
        revision=revision,
        key=key_text(key),
        device=record.device_id,
        nonce=record.nonce,
        at_ms=to_ms(record.scan_at),
        gate=record.gate_id,
        area=record.area,
        reason=record.reason,
        platform=platform,
        mode=record.mode,
        direction=record.direction,
        people=record.people,
        party=record.party,
        staffed=record.staffed,
        annulled=record.annulled,
        annuls=record.annuls,
        annulled_ms=None if record.annulled_at is None else to_ms(record.annulled_at),
        overridden=record.overridden,
        overridden_ms=None if record.overridden_at is None else to_ms(record.overridden_at),
        struck=record.struck,
        turned=record.turned,
        moved=record.moved,
        arrival_number=arrival_number,
        attested_ms=None if record.attested_at is None else to_ms(record.attested_at),
    )


def record_of(line: ScanLine) -> Record:
    """Return the recorded scan that a line tells.

    Raises:
        InvalidInput: an instant or a number that no scan can have.
    """
    for name, value in (
        ("people", line.people),
        ("annulled", line.annulled),
        ("annuls", line.annuls),
        ("overridden", line.overridden),
        ("party", line.party or 0),
        ("turned", line.turned or 0),
        ("moved", line.moved),
    ):
        _check_bounds(name, (value,), 0, _MOST)
    return Record(
        device_id=line.device,
        nonce=line.nonce,
        scan_at=_instant("at_ms", line.at_ms),
        gate_id=line.gate,
        area=line.area,
        reason=line.reason,
        mode=line.mode,
        direction=line.direction,
        people=line.people,
        party=line.party,
        staffed=line.staffed,
        annulled=line.annulled,
        annuls=line.annuls,
        annulled_at=_instant_or_none("annulled_ms", line.annulled_ms),
        overridden=line.overridden,
        overridden_at=_instant_or_none("overridden_ms", line.overridden_ms),
        struck=line.struck,
        turned=line.turned,
        moved=line.moved,
        attested_at=_instant_or_none("attested_ms", line.attested_ms),
    )


def key_text(key: bytes) -> str:
    """Write a credential key as the wire does, in base64url."""
    return base64url.write(key)


def key_of(text: str) -> bytes:
    """Read a credential key from the wire.

    Raises:
        InvalidInput: it is none.
    """
    key = _bytes("key", text)
    if not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
        raise InvalidInput("key", "is no credential key")
    return key


# --- columns --------------------------------------------------------------------------------------


def _unless(default: V, column: list[V]) -> list[V]:
    """Return a column, nothing where it holds the default throughout."""
    return column if any(value != default for value in column) else []


def _differences(column: list[V]) -> list[V]:
    """Return each whole number less the one before it; nulls stay, and are skipped."""
    before = 0
    told: list[V] = []
    for value in column:
        if value is None:
            told.append(value)
        else:
            told.append(value - before)  # type: ignore[operator, arg-type]
            before = value  # type: ignore[assignment]
    return told


def _keys(line: VouchersLine) -> list[bytes]:
    if not _SHORTEST_KEY <= line.width + 1 <= _LONGEST_KEY or not 0 <= line.key_no <= _MOST_KEY_NO:
        raise InvalidInput("width", "is of no credential key")
    joined, width = _bytes("keys", line.keys), line.width
    size, rest = divmod(len(joined), width)
    if rest or not 1 <= size <= MOST_VOUCHERS:
        raise InvalidInput("keys", f"are not 1 to {MOST_VOUCHERS} keys of {width} bytes")
    first = line.key_no.to_bytes(1, "big")
    return [first + joined[start : start + width] for start in range(0, len(joined), width)]


def _bytes(field: str, text: str) -> bytes:
    try:
        return base64url.read(text)
    except ValueError as error:
        raise InvalidInput(field, "is not base64url") from error


def _column(field: str, column: Sequence[V], size: int, *, absent: V) -> Sequence[V]:
    if not column:
        return [absent] * size
    if len(column) != size:
        raise InvalidInput(field, f"has {len(column)} values for {size} vouchers")
    return column


def _wholes(field: str, differences: list[int], size: int) -> Sequence[int]:
    if not differences:
        return [1] * size
    values = list(accumulate(_column(field, differences, size, absent=0)))
    _check_bounds(field, values, 1, MOST_ADMITS)
    return values


def _wholes_or_none(
    field: str, differences: list[int | None], size: int, *, least: int, most: int
) -> Sequence[int | None]:
    if not differences:
        return [None] * size
    value = 0
    values: list[int | None] = []
    for difference in _column(field, differences, size, absent=None):
        if difference is None:
            values.append(None)
        else:
            value += difference
            values.append(value)
    _check_bounds(field, [value for value in values if value is not None], least, most)
    return values


def _check_bounds(field: str, values: Sequence[int], least: int, most: int) -> None:
    if values and not (least <= min(values) and max(values) <= most):
        raise InvalidInput(field, f"is not {least} to {most}")


def _statuses(column: list[str], size: int) -> Sequence[Status]:
    if not column:
        return [Status.VALID] * size
    try:
        return [_STATUSES[value] for value in _column("status", column, size, absent="")]
    except KeyError as error:
        raise InvalidInput("status", f"{error.args[0]!r} is none") from error


def _key_lists(field: str, column: list[list[str]], size: int) -> Sequence[tuple[bytes, ...]]:
    if not column:
        return [()] * size
    if max(map(len, column)) > _MOST_KEYS:
        raise InvalidInput(field, f"has more than {_MOST_KEYS} keys for one voucher")
    lists = _column(field, column, size, absent=[])
    return [tuple(map(key_of, texts)) for texts in lists]


def _desks(column: list[DeskLink | None], size: int) -> Sequence[DeskLink | None]:
    desks = _column("desk", column, size, absent=None)
    for desk in desks:
        if desk is not None:
            _check_bounds("desk", (desk.exchanged, len(desk.exchanged_for)), 0, MOST_ADMITS)
            for text in (*desk.tickets, *filter(None, [desk.parent])):
                key_of(text)
    return desks


def _texts(keys: Iterable[bytes]) -> list[str]:
    return [key_text(key) for key in keys]


def _instant(field: str, ms: int) -> datetime:
    _check_bounds(field, (ms,), _FIRST_MS, _LAST_MS)
    return from_ms(ms)


def _instant_or_none(field: str, ms: int | None) -> datetime | None:
    return None if ms is None else _instant(field, ms)
