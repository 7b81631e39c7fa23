"""Our own signed codes: their bytes, and everything that can be done to them."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import base45
import pytest
import qrcode
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from admission.errors import BadSignature, MalformedToken, TokenError, UnknownKey
from admission.keys import KeyList, PublicKey
from admission.tokens import (
    PREFIX,
    Purpose,
    Token,
    credential_key,
    parse_token,
    token_credential_key,
    write_token,
)

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "vectors" / "token_golden.json").read_text("utf-8")
)
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(GOLDEN["private_key"]))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
SINCE = datetime(2015, 1, 1, tzinfo=UTC)
SIGNED_PURPOSE = b"gatehouse token v1\x00"
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def a_public(key_id, signer):
    return PublicKey(key_id, signer.public_key().public_bytes_raw(), SINCE)


KEY_LIST = KeyList((a_public(1, SIGNER), a_public(2, STRANGER)))


def a_token(**changes):
    fields = {
        "key_id": 1,
        "voucher_number": 206865,
        "deal_number": 42,
        "first_day": date(2015, 2, 12),
        "last_day": date(2015, 2, 28),
        "admits": 2,
        "purpose": Purpose.TICKET,
    }
    return Token(**(fields | changes))


def signed_bytes(text):
    return base45.b45decode(text.removeprefix(PREFIX))


def as_text(data):
    return PREFIX + base45.b45encode(data).decode("ascii")


def outcome(text, key_list=KEY_LIST):
    try:
        parse_token(text, key_list)
    except TokenError as error:
        return type(error)
    return None


TEXT = write_token(a_token(), SIGNER)

tokens = st.builds(
    lambda days, **fields: Token(first_day=min(days), last_day=max(days), **fields),
    days=st.tuples(*[st.dates(date(1970, 1, 1), date(2149, 6, 6))] * 2),
    key_id=st.integers(1, 255),
    voucher_number=st.integers(0, 2**32 - 1),
    deal_number=st.integers(0, 2**24 - 1),
    admits=st.integers(1, 255),
    purpose=st.sampled_from(Purpose),
)


@pytest.mark.parametrize("case", GOLDEN["tokens"], ids=lambda case: case["name"])
def test_the_bytes_of_a_token_are_pinned(case):
    days = {name: date.fromisoformat(case["token"][name]) for name in ("first_day", "last_day")}
    token = Token(**(case["token"] | days | {"purpose": Purpose(case["token"]["purpose"])}))
    key_list = KeyList((a_public(token.key_id, SIGNER),))

    text = write_token(token, SIGNER)

    assert text == case["text"]
    assert signed_bytes(text)[:14].hex() == case["payload"]
    assert credential_key(token).hex() == case["credential_key"]
    assert parse_token(text, key_list) == token


@settings(deadline=None)
@given(tokens)
def test_every_token_comes_back(token):
    text = write_token(token, SIGNER)

    assert parse_token(text, KeyList((a_public(token.key_id, SIGNER),))) == token
    assert len(text) == 121
    assert set(text) <= set(ALPHANUMERIC)
    assert not text.endswith(" ")


def test_a_token_is_read_from_a_version_5_qr_code():
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=4)
    code.add_data(TEXT)
    code.make(fit=True)

    found = zxingcpp.read_barcodes(code.make_image().get_image().convert("L"))

    assert code.version == 5
    assert [barcode.text for barcode in found] == [TEXT]


def test_a_token_is_identified_by_key_and_number_and_not_by_its_text():
    other = a_token(admits=3, deal_number=1, purpose=Purpose.SLIP)

    assert credential_key(other) == credential_key(a_token()) == token_credential_key(1, 206865)
    assert credential_key(a_token(key_id=2)) != credential_key(a_token())
    assert credential_key(a_token())[0] == 0


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_no_changed_byte_is_believed(flip):
    for position in range(14 + 64):
        data = bytearray(signed_bytes(TEXT))
        data[position] ^= flip

        # Byte 0 is the key id: then it names another key, or one that nobody has.
        expected = UnknownKey if position == 0 else BadSignature
        assert outcome(as_text(data)) is expected, position


@pytest.mark.parametrize("replacement", "0A:z\n✓")
def test_no_changed_character_is_believed(replacement):
    for position in range(len(TEXT)):
        if TEXT[position] != replacement:
            changed = TEXT[:position] + replacement + TEXT[position + 1 :]
            assert outcome(changed) in (MalformedToken, BadSignature, UnknownKey), position


def test_a_cut_token_is_malformed():
    for length in range(len(TEXT)):
        assert outcome(TEXT[:length]) is MalformedToken, length
        assert outcome(TEXT[length + 1 :]) is MalformedToken, length


def test_a_token_of_fewer_bytes_is_malformed():
    for count in range(14 + 64):
        assert outcome(as_text(signed_bytes(TEXT)[:count])) is MalformedToken, count


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "0",
        TEXT + "000",
        TEXT + "\n",
        TEXT[:-1] + "\n",
        TEXT[:-3] + "\n\n\n",
        " " + TEXT,
        TEXT + " ",
        TEXT.lower(),
        "gh1:" + TEXT[4:],
        "GH2:" + TEXT[4:],
        TEXT[4:],
        PREFIX,
        PREFIX + ":" * 117,
        TEXT[:-3] + "GGW",
        TEXT[:-3] + ":::",
        PREFIX + PREFIX + TEXT[8:-1] + "✓",
        PREFIX + "０" * 117,
        PREFIX + "\ud800" * 117,
        PREFIX + "\x00" * 117,
        "",
    ],
)
def test_what_is_not_the_one_text_of_78_bytes_is_malformed(text):
    assert outcome(text) is MalformedToken


def test_a_swapped_signature_is_bad():
    first, second = signed_bytes(TEXT), signed_bytes(write_token(a_token(admits=9), SIGNER))

    assert outcome(as_text(first[:14] + second[14:])) is BadSignature
    assert outcome(as_text(second[:14] + first[14:])) is BadSignature


@pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64])
def test_a_made_up_signature_is_bad(signature):
    assert outcome(as_text(signed_bytes(TEXT)[:14] + signature)) is BadSignature


def test_a_signature_has_one_form():
    order = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group, RFC 8032
    data = signed_bytes(TEXT)
    twin = (int.from_bytes(data[46:], "little") + order).to_bytes(32, "little")

    assert outcome(as_text(data[:46] + twin)) is BadSignature


def test_another_key_is_a_bad_signature():
    assert outcome(write_token(a_token(), STRANGER)) is BadSignature


def test_another_key_id_is_a_bad_signature_where_that_key_is_known():
    data = bytearray(signed_bytes(TEXT))
    data[0] = 2

    assert outcome(as_text(data)) is BadSignature


def test_a_key_that_is_not_in_the_list_is_unknown():
    assert outcome(TEXT, KeyList()) is UnknownKey
    assert outcome(write_token(a_token(key_id=3), SIGNER)) is UnknownKey


def test_a_signature_for_another_purpose_is_bad():
    payload = signed_bytes(TEXT)[:14]

    for signed in (
        payload,
        b"gatehouse audit head v1\x00" + payload,
        b"gatehouse token v2\x00" + payload,
    ):
        assert outcome(as_text(payload + SIGNER.sign(signed))) is BadSignature


@pytest.mark.parametrize(
    ("position", "value"),
    [(13, 0), (13, 200), (12, 0), (8, 0xFF)],
    ids=["purpose 0", "purpose of the future", "admits nobody", "ends before it begins"],
)
def test_a_signed_token_without_sense_is_malformed(position, value):
    payload = bytearray(signed_bytes(TEXT)[:14])
    payload[position] = value

    text = as_text(bytes(payload) + SIGNER.sign(SIGNED_PURPOSE + bytes(payload)))

    assert outcome(text) is MalformedToken


def test_after_rotation_both_keys_tokens_are_good():
    first, second = a_token(), a_token(key_id=2)

    assert parse_token(write_token(first, SIGNER), KEY_LIST) == first
    assert parse_token(write_token(second, STRANGER), KEY_LIST) == second


@pytest.mark.parametrize(
    "wrong",
    [
        {"key_id": 0},
        {"key_id": 256},
        {"voucher_number": -1},
        {"voucher_number": 2**32},
        {"deal_number": 2**24},
        {"admits": 0},
        {"admits": 256},
        {"first_day": date(2015, 3, 1)},
        {"last_day": date(2149, 6, 7)},
        {"first_day": date(1969, 12, 31)},
    ],
)
def test_what_does_not_fit_a_token_is_refused_at_birth(wrong):
    with pytest.raises(ValueError, match=r"number|days|admits"):
        a_token(**wrong)


@settings(deadline=None)
@given(st.binary(min_size=78, max_size=78))
def test_random_bytes_are_never_believed(data):
    assert outcome(as_text(data)) in (BadSignature, UnknownKey)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_is_another_exception(text):
    assert outcome(text) is MalformedToken
    assert outcome(PREFIX + text) in (MalformedToken, BadSignature, UnknownKey)


def test_an_error_does_not_show_the_token():
    for text, key_list in ((TEXT, KeyList()), (TEXT[:-1] + "0", KEY_LIST), (TEXT[:-1], KEY_LIST)):
        with pytest.raises(TokenError) as caught:
            parse_token(text, key_list)

        assert TEXT[4:20] not in str(caught.value)
