"""Vouchers in columns: whatever is packed comes back, and no hostile line gets through."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from admission.errors import InvalidInput
from admission.history import Record
from admission.replica_columns import (
    MOST_VOUCHERS,
    ReplicaVoucher,
    key_of,
    key_text,
    pack,
    read_line,
    record_of,
    scan_line,
    unpack,
)
from admission.scans import Direction, Mode
from admission.verdicts import Reason
from admission.vouchers import Status
from admission.wire_outage import CompleteLine, VouchersLine

SALE = 1_423_710_000_000
AT = datetime(2015, 2, 12, 9, 0, 0, 120_000, tzinfo=UTC)

credential_keys = st.binary(min_size=4, max_size=18)
instants = st.none() | st.integers(0, 4_102_444_800_000)
key_tuples = st.lists(credential_keys, max_size=3).map(tuple)
records = st.builds(
    Record,
    device_id=st.text(min_size=1, max_size=8),
    nonce=st.text("abc-_.0", min_size=8, max_size=12),
    scan_at=st.integers(0, 4_102_444_800_000).map(
        lambda ms: datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
    ),
    gate_id=st.just("G1"),
    area=st.just("park"),
    reason=st.sampled_from(Reason),
    mode=st.sampled_from(Mode),
    direction=st.sampled_from(Direction),
    people=st.integers(0, 99),
    party=st.none() | st.integers(1, 99),
    staffed=st.booleans(),
    annulled=st.integers(0, 99),
    annuls=st.integers(0, 9),
    annulled_at=st.none() | st.just(AT),
    overridden=st.integers(0, 99),
    overridden_at=st.none() | st.just(AT),
    struck=st.booleans(),
)


@st.composite
def packable(draw: st.DrawFn) -> list[ReplicaVoucher]:
    key_no, width = draw(st.integers(0, 255)), draw(st.integers(3, 17))
    key = st.binary(min_size=width, max_size=width).map(lambda rest: bytes([key_no]) + rest)
    voucher = st.builds(
        ReplicaVoucher,
        key=key,
        admits=st.integers(1, 99),
        price_minor=st.none() | st.integers(0, 10**9),
        sold_ms=instants,
        valid_from_ms=instants,
        valid_until_ms=instants,
        status=st.sampled_from(Status),
        status_ms=instants,
        buyer=st.none() | st.integers(0, 2**40),
        refund_listed=st.booleans(),
        order_keys=key_tuples,
        more_keys=key_tuples,
    )
    return draw(st.lists(voucher, min_size=1, max_size=20))


@given(packable())
def test_what_is_packed_comes_back_over_the_wire(vouchers: list[ReplicaVoucher]):
    line = read_line(msgspec.json.encode(pack(7, 3, vouchers)))

    assert isinstance(line, VouchersLine)
    assert (line.revision, line.deal) == (7, 3)
    assert unpack(line) == vouchers


@given(records, credential_keys, st.none() | st.just("D1-7"))
def test_a_scan_comes_back_over_the_wire(record: Record, key: bytes, arrival: str | None):
    line = scan_line(record, revision=9, key=key, platform="octo", arrival_number=arrival)
    told = read_line(msgspec.json.encode(line))

    assert record_of(told) == record
    assert key_of(told.key) == key
    assert (told.revision, told.platform, told.arrival_number) == (9, "octo", arrival)


def test_columns_of_defaults_are_left_out():
    line = pack(7, 3, [ReplicaVoucher(bytes([1, *[at] * 16])) for at in range(3)])

    assert set(msgspec.to_builtins(line)) == {"kind", "revision", "deal", "key_no", "width", "keys"}


def test_instants_and_buyers_are_told_as_differences():
    vouchers = [
        ReplicaVoucher(bytes(17), sold_ms=SALE, buyer=500),
        ReplicaVoucher(bytes(17), sold_ms=None, buyer=499),
        ReplicaVoucher(bytes(17), sold_ms=SALE + 20, buyer=502),
    ]

    line = pack(7, 3, vouchers)

    assert line.sold_ms == [SALE, None, 20]
    assert line.buyer == [500, -1, 3]


def test_keys_of_two_numbers_do_not_share_a_line():
    with pytest.raises(ValueError, match="one number"):
        pack(7, 3, [ReplicaVoucher(bytes([1] * 17)), ReplicaVoucher(bytes([2] * 17))])


def test_too_many_and_no_vouchers_are_refused():
    with pytest.raises(ValueError, match="1 to 512"):
        pack(7, 3, [])
    with pytest.raises(ValueError, match="1 to 512"):
        pack(7, 3, [ReplicaVoucher(bytes(17))] * (MOST_VOUCHERS + 1))


GOOD = pack(7, 3, [ReplicaVoucher(bytes([1, *[at] * 16]), admits=2) for at in range(3)])


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("width", {"width": 0}),
        ("width", {"width": -16}),
        ("width", {"width": 10**9}),
        ("width", {"key_no": 256}),
        ("width", {"key_no": -1}),
        ("keys", {"keys": ""}),
        ("keys", {"keys": "A"}),
        ("keys", {"keys": "=" * 64}),
        ("keys", {"keys": "AAAA=" + GOOD.keys}),
        ("keys", {"keys": GOOD.keys + "\n"}),
        ("keys", {"keys": GOOD.keys.replace("A", "é")}),
        ("keys", {"keys": "AAAA" * 16 * 1000}),
        ("admits", {"admits": [2]}),
        ("admits", {"admits": [2, 0, 0, 0]}),
        ("admits", {"admits": [0, 1, 1]}),
        ("admits", {"admits": [99, 1, 0]}),
        ("price_minor", {"price_minor": [-1, None, None]}),
        ("price_minor", {"price_minor": [2**52, 2**52, 2**52]}),
        ("sold_ms", {"sold_ms": [2**60, 0, 0]}),
        ("valid_until_ms", {"valid_until_ms": [253_402_300_799_999, 1, 0]}),
        ("status", {"status": ["valid", "open", "valid"]}),
        ("buyer", {"buyer": [1, -2, 0]}),
        ("refund_listed", {"refund_listed": [True]}),
        ("order_keys", {"order_keys": [[], [], ["AQ"]]}),
        ("order_keys", {"order_keys": [["AQEBAQEB"] * 65, [], []]}),
        ("more_keys", {"more_keys": [["!!!!!!!!"], [], []]}),
    ],
)
def test_hostile_column_is_refused_by_name(field: str, changes: dict[str, object]):
    with pytest.raises(InvalidInput) as refusal:
        unpack(replace(GOOD, **changes))

    # What is wrong with one key of a list is told as a key.
    assert refusal.value.field in {field, "key"}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists), st.data())
def test_hostile_text_never_gets_further_than_invalid_input(value: object, data: st.DataObject):
    fields = msgspec.to_builtins(GOOD)
    fields[data.draw(st.sampled_from(sorted(VouchersLine.__struct_fields__)))] = value
    try:
        line = read_line(msgspec.json.encode(fields))
        vouchers = unpack(line)
    except InvalidInput:
        return
    assert 1 <= len(vouchers) <= MOST_VOUCHERS


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"kind":"x","revision":1}', b"\xff", b"<p>"])
def test_what_is_no_line_is_refused(data: bytes):
    with pytest.raises(InvalidInput):
        read_line(data)


def test_a_cut_line_is_refused():
    data = msgspec.json.encode(GOOD)

    for end in range(len(data)):
        with pytest.raises(InvalidInput):
            read_line(data[:end])


def test_last_line_is_told_from_the_others():
    told = read_line(b'{"revision":7,"epoch":"e","complete":true}')

    assert told == CompleteLine(7, "e", True)


@pytest.mark.parametrize("field", ["at_ms", "annulled_ms", "overridden_ms", "people", "party"])
def test_a_scan_that_cannot_be_is_refused(field: str):
    record = Record(
        device_id="D1",
        nonce="n" * 8,
        scan_at=AT,
        gate_id="G1",
        area="park",
        reason=Reason.ADMITTED,
    )
    line = scan_line(record, revision=1, key=bytes(17))

    with pytest.raises(InvalidInput):
        record_of(replace(line, **{field: 2**60}))


def test_window_that_is_empty_is_refused():
    with pytest.raises(InvalidInput):
        ReplicaVoucher(bytes(17), valid_from_ms=2, valid_until_ms=1).voucher(1, "8K2F")


def test_rules_get_what_the_platform_said():
    voucher = ReplicaVoucher(
        bytes(17), 2, 900, SALE, SALE, SALE + 1, Status.CANCELLED, SALE + 2, refund_listed=True
    ).voucher(4, "8K2F")

    assert (voucher.voucher_id, voucher.tail, voucher.admits) == (4, "8K2F", 2)
    assert voucher.sold_at == voucher.valid_from == datetime.fromtimestamp(SALE / 1000, UTC)
    assert (voucher.status, voucher.refund_listed) == (Status.CANCELLED, True)
    assert voucher.price_paid_minor == 900


def test_a_full_line_is_unpacked_in_a_moment():
    vouchers = [
        ReplicaVoucher(bytes([1]) + at.to_bytes(16, "big"), 2, 12_900, SALE + at, buyer=at // 2)
        for at in range(MOST_VOUCHERS)
    ]
    line = pack(7, 3, vouchers)
    took = []
    for _ in range(20):
        begun = time.perf_counter()
        unpack(line)
        took.append(time.perf_counter() - begun)

    assert key_text(vouchers[0].key) == "AQAAAAAAAAAAAAAAAAAAAAA"
    assert min(took) < 0.001
