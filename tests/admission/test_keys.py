"""Keyed hashes, their keys' text form, and the list of published keys."""

import time
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from admission.errors import InvalidInput
from admission.keys import (
    CodeKey,
    KeyList,
    PublicKey,
    buyer_hash,
    code_hash,
    normalise_phone,
    phone_hash,
    read_code_keys,
    write_code_keys,
)

SECRET = bytes(range(32))
KEY = CodeKey(1, SECRET)
SINCE = datetime(2015, 1, 1, tzinfo=UTC)


def test_a_codes_hash_is_pinned_and_begins_with_its_keys_number():
    assert (
        code_hash("9K3F-22AX-8K2F", CodeKey(7, SECRET)).hex()
        == "0784b5e2d597432a52a438f3094a44ee45"
    )


def test_codes_differ_by_text_and_by_key():
    hashes = {
        code_hash("ABCDEF", KEY),
        code_hash("ABCDEf", KEY),
        code_hash("ABCDEF", CodeKey(1, bytes(32))),
        code_hash("ABCDEF", CodeKey(2, SECRET)),
    }

    assert len(hashes) == 4
    assert {len(digest) for digest in hashes} == {17}


def test_a_lone_surrogate_has_a_hash():
    assert code_hash("ABC\ud800DEF", KEY) != code_hash("ABC?DEF", KEY)


def test_a_code_is_hashed_in_microseconds():
    started_at = time.perf_counter()
    for _ in range(10_000):
        code_hash("9K3F-22AX-8K2F", KEY)

    # 0.8 µs measured; the bound leaves room for a busy machine.
    assert time.perf_counter() - started_at < 0.2


def test_buyers_phones_and_codes_share_no_hash_even_under_one_key():
    phone = "13800001111"

    hashes = {
        code_hash(phone, KEY)[1:],
        buyer_hash("", phone, KEY),
        phone_hash(phone, KEY),
    }

    assert len(hashes) == 3
    assert {len(digest) for digest in hashes} == {16}


def test_a_buyer_is_of_a_platform():
    assert buyer_hash("a", "bc", KEY) != buyer_hash("ab", "c", KEY)


@pytest.mark.parametrize(
    "phone",
    [
        "13800001111",
        "138-0000-1111",
        "+86 138 0000 1111",
        "008613800001111",
        "１３８００００１１１１",
    ],
)
def test_a_phone_is_one_however_it_is_written(phone):
    assert normalise_phone(phone) == "13800001111"
    assert phone_hash(phone, KEY) == phone_hash("13800001111", KEY)


def test_a_foreign_phone_keeps_its_digits():
    assert normalise_phone("+44 20 7946 0000") == "442079460000"


@pytest.mark.parametrize("keys", [(KEY,), (CodeKey(2, bytes(32)), KEY), (CodeKey(255, SECRET),)])
def test_code_keys_come_back_from_their_text(keys):
    assert read_code_keys(write_code_keys(keys)) == keys


def test_the_text_of_one_code_key_is_number_and_base64url():
    assert write_code_keys([KEY]) == "1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.",
        "0.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "256.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "01.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
        "1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9",
        "1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
        "1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+",
        " ".join(["1.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"] * 2),
    ],
)
def test_a_damaged_code_key_is_refused_without_showing_it(text):
    with pytest.raises(InvalidInput) as caught:
        read_code_keys(text)

    assert caught.value.field == "code_key"
    assert "AAECAwQF" not in str(caught.value)


def test_a_key_does_not_show_its_secret():
    assert repr(KEY) == "CodeKey(number=1)"


@pytest.mark.parametrize("number", [-1, 0, 256])
def test_a_key_number_is_one_byte_and_not_zero(number):
    with pytest.raises(ValueError, match="not in 1 to 255"):
        CodeKey(number, SECRET)


def test_a_secret_has_32_bytes():
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        CodeKey(1, SECRET[:-1])


def test_a_key_list_finds_by_id_and_verifies():
    signer = Ed25519PrivateKey.from_private_bytes(SECRET)
    key = PublicKey(3, signer.public_key().public_bytes_raw(), SINCE)

    key_list = KeyList((key,))

    assert key_list.find(3) is key
    assert key_list.find(4) is None
    assert key.verifies(signer.sign(b"message"), b"message")
    assert not key.verifies(signer.sign(b"message"), b"massage")
    assert not key.verifies(b"", b"message")


def test_a_key_id_is_in_a_list_once():
    key = PublicKey(3, SECRET, SINCE)

    with pytest.raises(ValueError, match="one key id"):
        KeyList((key, key))


def test_a_public_key_needs_a_time_zone():
    with pytest.raises(ValueError, match="no time zone"):
        PublicKey(3, SECRET, datetime(2015, 1, 1))  # noqa: DTZ001 - what is refused
