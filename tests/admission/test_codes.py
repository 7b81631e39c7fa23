"""Scanned texts: what is stripped, what form they have, what they are looked up by."""

from datetime import UTC, date, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from admission.codes import (
    CodeForm,
    CodeRead,
    CodeReader,
    TokenState,
    classify,
    normalise,
    read_code,
    tail,
)
from admission.keys import CodeKey, KeyList, PublicKey, code_hash
from admission.tokens import Purpose, Token, credential_key, write_token

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
CODE = "9K3F-22AX-8K2F"


def a_reader(*, numbers=(1,), key_id=1):
    public = SIGNER.public_key().public_bytes_raw()
    keys = tuple(CodeKey(number, bytes([number]) * 32) for number in numbers)
    signs_from = datetime(2015, 1, 1, tzinfo=UTC)
    return CodeReader(keys, KeyList((PublicKey(key_id, public, signs_from),)))


def a_token(**changes):
    fields = {
        "key_id": 1,
        "voucher_number": 7,
        "deal_number": 3,
        "first_day": date(2015, 2, 12),
        "last_day": date(2015, 2, 13),
        "admits": 2,
        "purpose": Purpose.TICKET,
    }
    return Token(**(fields | changes))


@pytest.mark.parametrize(
    "text",
    [
        CODE,
        f"  {CODE}\t\r\n",
        f"\u3000{CODE}\u00a0",
        f"\\000026{CODE}",
        f"\\000003\\000026{CODE}",
        f" \\000026 {CODE}",
        f"]Q1{CODE}",
        f"]Q2\\000026{CODE}\r",
        f"\ufeff{CODE}\u200b",
        f"\x1d{CODE}\x00",
        f"\x02{CODE}\x03",
    ],
)
def test_what_a_reader_adds_is_no_part_of_the_code(text):
    assert normalise(text) == CODE


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ABC\x00DEF", "ABC\ufffdDEF"),
        ("ABC\x1dDEF", "ABC\ufffdDEF"),
        ("ABC DEF", "ABC DEF"),
        ("abcDEF", "abcDEF"),
        ("ABCDEF\\000026", "ABCDEF\\000026"),
        ("\\00026ABCDEF", "\\00026ABCDEF"),
        ("]Q9ABCDEF", "]Q9ABCDEF"),
        ("", ""),
        (" \r\n\\000026 ", ""),
    ],
)
def test_the_rest_of_a_code_is_compared_exactly(text, code):
    assert normalise(text) == code


@settings(deadline=None)
@given(st.text(st.one_of(st.characters(), st.sampled_from("\\]Q0126 \r\x00\ufeff"))))
def test_normalising_twice_changes_nothing_more(text):
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("code", "form"),
    [
        ("", CodeForm.MALFORMED),
        ("ABCDE", CodeForm.MALFORMED),
        ("ABCDEF", CodeForm.OPAQUE),
        ("A" * 512, CodeForm.OPAQUE),
        ("A" * 513, CodeForm.MALFORMED),
        ("电子票二〇一五", CodeForm.OPAQUE),
        ("🎫" * 6, CodeForm.OPAQUE),
        ("ABC\ud800DEF", CodeForm.MALFORMED),
        ("ABC\u200bDEF", CodeForm.MALFORMED),
        ("'; DROP TABLE vouchers; --", CodeForm.OPAQUE),
        ("<script>alert(1)</script>", CodeForm.OPAQUE),
        ("ABC\ufffdDEF", CodeForm.OPAQUE),
        ("GH1:", CodeForm.MALFORMED),
        ("GH1:AB", CodeForm.TOKEN),
        ("gh1:AB", CodeForm.OPAQUE),
        ("GH2:AB", CodeForm.OPAQUE),
    ],
)
def test_the_form_of_a_code(code, form):
    assert classify(code) is form


@pytest.mark.parametrize(
    ("code", "payment"),
    [
        ("10" + "7" * 16, True),
        ("15" + "7" * 16, True),
        ("16" + "7" * 16, False),
        ("09" + "7" * 16, False),
        ("10" + "7" * 15, False),
        ("10" + "7" * 17, False),
        ("25" + "7" * 14, True),
        ("25" + "7" * 13, False),
        ("28" + "7" * 16, True),
        ("30" + "7" * 22, True),
        ("30" + "7" * 23, False),
        ("24" + "7" * 16, False),
        ("31" + "7" * 16, False),
        ("10" + "7" * 15 + "A", False),
        ("１０" + "7" * 16, False),
    ],
)
def test_payment_codes_are_known_by_their_digits(code, payment):
    assert classify(code) is (CodeForm.PAYMENT if payment else CodeForm.OPAQUE)


def test_a_platforms_code_is_looked_up_under_every_code_key_newest_first():
    reader = a_reader(numbers=(2, 1))

    read = read_code(f"\\000026{CODE}\r\n", reader)

    keys = tuple(code_hash(CODE, key) for key in reader.code_keys)
    assert read == CodeRead(CodeForm.OPAQUE, keys, "8K2F")
    assert [key[0] for key in read.keys] == [2, 1]


def test_of_a_payment_code_only_the_hash_is_kept():
    read = read_code("10" + "7" * 16, a_reader())

    assert read.form is CodeForm.PAYMENT
    assert len(read.keys) == 1
    assert read.tail is None


def test_of_a_malformed_code_nothing_is_kept():
    assert read_code("AB", a_reader()) == CodeRead(CodeForm.MALFORMED)


def test_a_good_token_is_found_by_its_identity():
    token = a_token()
    text = write_token(token, SIGNER)

    read = read_code(f" {text}\n", a_reader())

    assert read == CodeRead(
        CodeForm.TOKEN, (credential_key(token),), text[-4:], token, TokenState.GOOD
    )


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (write_token(a_token(), STRANGER), TokenState.BAD),
        (write_token(a_token(key_id=9), SIGNER), TokenState.UNKNOWN_KEY),
    ],
)
def test_a_token_that_is_not_proven_is_never_found_by_what_it_claims(text, state):
    reader = a_reader()

    read = read_code(text, reader)

    assert (read.form, read.token_state, read.token) == (CodeForm.TOKEN, state, None)
    assert read.keys == (code_hash(text, reader.code_keys[0]),)


def test_a_damaged_token_is_malformed():
    text = write_token(a_token(), SIGNER)

    assert read_code(text[:-1], a_reader()) == CodeRead(CodeForm.MALFORMED)


@settings(deadline=None)
@given(st.one_of(st.text(), st.text().map("GH1:".__add__), st.text("0123456789", min_size=15)))
def test_no_text_is_an_exception(text):
    read = read_code(text, a_reader())

    assert bool(read.keys) is (read.form is not CodeForm.MALFORMED)
    assert read.token is None


def test_a_megabyte_is_read_at_once():
    for text in ("\\000026" * 150_000, "A" + " " * 1_000_000 + "B", "\x00" * 1_000_000):
        assert read_code(text, a_reader()).form is CodeForm.MALFORMED


def test_the_tail_is_four_characters():
    assert tail(CODE) == "8K2F"
