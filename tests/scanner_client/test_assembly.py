"""Bytes become texts: whatever is put round a code, however they come in, however many they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission.codes import CodeForm, classify, normalise
from scanner_client.assembly import MOST_BYTES, Assembly

CODE = "9K3F-22AX-8K2F"


@pytest.mark.parametrize(
    ("sent", "texts"),
    [
        (b"9K3F-22AX-8K2F\r", [CODE]),
        (b"9K3F-22AX-8K2F\r\n", [CODE]),
        (b"9K3F-22AX-8K2F\t", [CODE]),
        (b"\x029K3F-22AX-8K2F\x03", [CODE]),
        (b"\x029K3F-22AX-8K2F\x03\x02OTHER-0002\x03", [CODE, "OTHER-0002"]),
        # One that lost its end is a text of its own, and not the beginning of the next.
        (b"9K3F-22AX-8K2F\x02OTHER-0002\x03", [CODE, "OTHER-0002"]),
        (b"\r\n\r\n \r\n\x00\r", []),
        ("票号-8K2F9\n".encode(), ["票号-8K2F9"]),
        (b"\\0000269K3F-22AX-8K2F\r", ["\\0000269K3F-22AX-8K2F"]),
        (b"]Q39K3F\x1d22AX\r", ["]Q39K3F\x1d22AX"]),
        (b"\xff\xfe\x80garbage\r", ["\ufffd\ufffd\ufffdgarbage"]),
        (b"9K3F-22AX-8K2F", []),
    ],
)
def test_end_makes_a_text(sent, texts):
    assert Assembly().take(sent, 0) == texts


@given(st.lists(st.binary(max_size=40), max_size=10), st.sampled_from([b"", b"#", b"end"]))
def test_texts_do_not_depend_on_how_the_bytes_come_in(parts, suffix):
    whole, pieces = Assembly(suffix=suffix), Assembly(suffix=suffix)

    at_once = whole.take(b"".join(parts), 0) + whole.end()
    bit_by_bit = [text for part in parts for text in pieces.take(part, 0)] + pieces.end()
    assert at_once == bit_by_bit


def test_prefix_and_suffix_of_a_scanner_are_taken_away():
    assembly = Assembly(prefix=b"$$", suffix=b"##")

    assert assembly.take(b"$$9K3F-22AX-8K2F##$$OTHER-0002##THIRD-#3\r", 0) == [
        CODE,
        "OTHER-0002",
        "THIRD-#3",
    ]


def test_silence_ends_a_text_where_the_scanner_sends_no_end():
    assembly = Assembly(pause_s=0.3)
    assembly.take(b"9K3F-22AX", 10.0)
    assembly.take(b"-8K2F", 10.2)

    assert assembly.rest(10.4) == []
    assert assembly.rest(10.5) == [CODE]
    assert assembly.rest(11.0) == []


def test_silence_means_nothing_where_people_type():
    assembly = Assembly()
    assembly.take(b"9K3F", 10.0)

    assert assembly.rest(99.0) == []
    assert assembly.take(b"-22AX\n", 99.0) == ["9K3F-22AX"]


def test_stuck_key_is_told_once_and_blocks_nothing():
    assembly = Assembly()
    texts = [text for _ in range(1000) for text in assembly.take(b"A" * 100, 0)]

    [text] = texts
    assert classify(normalise(text)) is CodeForm.MALFORMED
    assert len(assembly._held) < MOST_BYTES
    assert assembly.take(b"A\r9K3F-22AX-8K2F\r", 0) == [CODE]


@pytest.mark.parametrize("suffix", [b"", b"#", b"###"])
def test_too_long_a_text_ends_where_any_does(suffix):
    assembly = Assembly(suffix=suffix)
    assembly.take(b"A" * 5000, 0)

    assert assembly.take((suffix or b"\r") + b"9K3F-22AX-8K2F\r", 0) == [CODE]


def test_beginning_of_too_long_a_text_is_never_taken_for_a_code():
    sent = b"GOODCODE" + b" " * 5000 + b"X\r"

    [text] = Assembly().take(sent, 0)

    assert normalise(text) != "GOODCODE"


def test_text_that_a_part_was_lost_of_is_dropped_whole():
    assembly = Assembly()
    assembly.take(b"9K3F", 0)
    assembly.spoil()

    assert assembly.take(b"8K2F\r9K3F-22AX-8K2F\r", 0) == [CODE]


@pytest.mark.parametrize(("now_s", "wait_s"), [(10.0, 0.1), (10.25, 0.05), (11.0, 0.001)])
def test_look_for_more_lasts_no_longer_than_the_pause(now_s, wait_s):
    assembly = Assembly(pause_s=0.3)
    assembly.take(b"9K3F", 10.0)

    assert assembly.wait_s(now_s) == pytest.approx(wait_s)
