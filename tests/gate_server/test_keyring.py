"""The server's secrets: made, opened, rotated, and never shown."""

import base64
import json
import os
from datetime import UTC, date, datetime, timedelta

import pytest

from admission.codes import TokenState, read_code
from admission.errors import InvalidInput, LedgerRefused
from admission.keys import code_hash
from admission.tokens import Purpose, Token, write_token
from gate_server.key_files import KeyPurpose, new_key
from gate_server.keyring import HeadSignature, Keyring, KeyState, verify_head

NOW = datetime(2015, 2, 12, 1, 0, 0, 123456, tzinfo=UTC)
DAY = timedelta(hours=24)
CODE = "9K3F-22AX-8K2F"
ROTATED = [purpose for purpose in KeyPurpose if purpose not in ("buyers", "phones")]


def a_keyring(tmp_path):
    return Keyring.create(tmp_path / "keys", now=NOW)


def key_files(tmp_path):
    return sorted((tmp_path / "keys").glob("*.json"))


def secrets_in(tmp_path):
    return [json.loads(path.read_text())["key"]["secret"] for path in key_files(tmp_path)]


def a_ticket(signing):
    day = date(2015, 2, 12)
    token = Token(signing.key_id, 7, 3, day, day, admits=1, purpose=Purpose.TICKET)
    return write_token(token, signing.private_key)


def test_a_new_keyring_has_a_separate_secret_for_each_purpose(tmp_path):
    a_keyring(tmp_path)

    assert [path.name for path in key_files(tmp_path)] == sorted(f"{p}-1.json" for p in KeyPurpose)
    assert len(set(secrets_in(tmp_path))) == len(KeyPurpose)


def test_nobody_else_can_read_the_keys_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        a_keyring(tmp_path).rotate(KeyPurpose.TOKENS, now=NOW)
    finally:
        os.umask(before)

    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in key_files(tmp_path)} == {0o600}


def test_an_opened_keyring_is_the_one_that_was_made(tmp_path):
    made = a_keyring(tmp_path)

    opened = Keyring.open(tmp_path / "keys")

    assert opened.reader == made.reader
    assert opened.rows(NOW) == made.rows(NOW)
    assert opened.unseal(made.seal(b"x", about="a", now=NOW), about="a") == b"x"


def test_an_empty_directory_may_be_there_already(tmp_path):
    (tmp_path / "keys").mkdir(mode=0o755)

    a_keyring(tmp_path)

    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_keys_are_never_made_over_others(tmp_path):
    reader = a_keyring(tmp_path).reader

    with pytest.raises(LedgerRefused, match="not empty; its keys are kept"):
        a_keyring(tmp_path)

    assert Keyring.open(tmp_path / "keys").reader == reader
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_a_rotation_counts_what_another_process_has_added(tmp_path):
    first = a_keyring(tmp_path)
    second = Keyring.open(tmp_path / "keys")
    second.rotate(KeyPurpose.TOKENS, now=NOW)

    row = first.rotate(KeyPurpose.TOKENS, now=NOW)

    assert row.number == 3
    assert [key.key_id for key in first.published().keys] == [3, 2, 1]


def test_a_token_key_is_published_a_day_before_it_signs(tmp_path):
    keyring = a_keyring(tmp_path)

    row = keyring.rotate(KeyPurpose.TOKENS, now=NOW)

    assert (row.number, row.signs_from, row.state) == (2, NOW + DAY, KeyState.WAITING)
    assert [key.key_id for key in keyring.published().keys] == [2, 1]
    assert keyring.signing_key(NOW).key_id == 1
    assert keyring.signing_key(NOW + DAY - timedelta(microseconds=1)).key_id == 1
    assert keyring.signing_key(NOW + DAY).key_id == 2


def test_a_stolen_token_key_is_replaced_at_once(tmp_path):
    keyring = a_keyring(tmp_path)
    keyring.rotate(KeyPurpose.TOKENS, now=NOW)

    keyring.rotate(KeyPurpose.TOKENS, now=NOW, signs_from=NOW)

    assert keyring.signing_key(NOW).key_id == 3
    assert keyring.signing_key(NOW + 2 * DAY).key_id == 3


def test_a_clock_behind_the_first_key_still_signs(tmp_path):
    assert a_keyring(tmp_path).signing_key(NOW - 400 * DAY).key_id == 1


def test_tickets_of_before_and_after_a_rotation_are_read(tmp_path):
    keyring = a_keyring(tmp_path)
    before = a_ticket(keyring.signing_key(NOW))
    keyring.rotate(KeyPurpose.TOKENS, now=NOW)
    after = a_ticket(keyring.signing_key(NOW + DAY))

    reads = [read_code(text, keyring.reader) for text in (before, after)]

    assert [read.token_state for read in reads] == [TokenState.GOOD] * 2
    assert [read.token.key_id for read in reads] == [1, 2]
    assert a_ticket(keyring.token_key(1)) == before


def test_codes_hashed_before_a_rotation_are_still_found(tmp_path):
    keyring = a_keyring(tmp_path)
    stored = code_hash(CODE, keyring.code_key(NOW))
    keyring.rotate(KeyPurpose.CODES, now=NOW)

    assert keyring.code_key(NOW).number == 1
    assert keyring.code_key(NOW + DAY).number == 2
    assert stored in read_code(CODE, keyring.reader).keys
    assert code_hash(CODE, keyring.code_key(NOW + DAY)) in read_code(CODE, keyring.reader).keys


@pytest.mark.parametrize("purpose", ROTATED)
def test_a_rotation_survives_the_process(tmp_path, purpose):
    keyring = a_keyring(tmp_path)
    before = {path.name: path.read_bytes() for path in key_files(tmp_path)}

    keyring.rotate(purpose, now=NOW)

    after = {path.name: path.read_bytes() for path in key_files(tmp_path)}
    assert after.keys() - before.keys() == {f"{purpose}-2.json"}
    assert after.items() >= before.items()
    assert Keyring.open(tmp_path / "keys").rows(NOW) == keyring.rows(NOW)


@pytest.mark.parametrize("purpose", [KeyPurpose.BUYERS, KeyPurpose.PHONES])
def test_keys_whose_hashes_have_no_number_are_not_rotated(tmp_path, purpose):
    with pytest.raises(InvalidInput, match="carry no key number"):
        a_keyring(tmp_path).rotate(purpose, now=NOW)


def test_a_rotation_needs_instants_with_a_zone(tmp_path):
    keyring = a_keyring(tmp_path)

    with pytest.raises(InvalidInput, match="signs_from: has no time zone"):
        keyring.rotate(KeyPurpose.TOKENS, now=NOW, signs_from=NOW.replace(tzinfo=None))

    assert len(key_files(tmp_path)) == len(KeyPurpose)


def test_the_list_shows_every_key_and_its_state(tmp_path):
    keyring = a_keyring(tmp_path)
    keyring.rotate(KeyPurpose.TOKENS, now=NOW + DAY)

    rows = [row for row in keyring.rows(NOW + DAY) if row.purpose is KeyPurpose.TOKENS]
    later = [row for row in keyring.rows(NOW + 2 * DAY) if row.purpose is KeyPurpose.TOKENS]

    assert [(row.number, row.created_at, row.signs_from) for row in rows] == [
        (1, NOW, NOW),
        (2, NOW + DAY, NOW + 2 * DAY),
    ]
    assert [row.state for row in rows] == [KeyState.CURRENT, KeyState.WAITING]
    assert [row.state for row in later] == [KeyState.OLD, KeyState.CURRENT]


def test_what_is_sealed_opens_for_its_own_row_only(tmp_path):
    keyring = a_keyring(tmp_path)
    sealed = keyring.seal(CODE.encode(), about="code 17", now=NOW)
    keyring.rotate(KeyPurpose.SEALING, now=NOW)

    assert CODE.encode() not in sealed
    assert keyring.unseal(sealed, about="code 17") == CODE.encode()
    assert keyring.seal(b"", about="code 17", now=NOW)[0] == 2
    with pytest.raises(LedgerRefused, match="belongs to another row"):
        keyring.unseal(sealed, about="code 18")


def test_the_same_value_is_never_sealed_alike(tmp_path):
    keyring = a_keyring(tmp_path)

    assert keyring.seal(b"x", about="a", now=NOW) != keyring.seal(b"x", about="a", now=NOW)


def test_a_changed_seal_is_refused(tmp_path):
    keyring = a_keyring(tmp_path)
    sealed = keyring.seal(b"text", about="a", now=NOW)

    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(LedgerRefused):
            keyring.unseal(bytes(changed), about="a")
        with pytest.raises(LedgerRefused):
            keyring.unseal(sealed[:position], about="a")


def test_audit_heads_are_signed_for_their_purpose(tmp_path):
    keyring = a_keyring(tmp_path)
    signed = keyring.sign_head(b"head", now=NOW)
    keyring.rotate(KeyPurpose.AUDIT, now=NOW)

    assert verify_head(b"head", signed, keyring.audit_keys())
    assert not verify_head(b"heaD", signed, keyring.audit_keys())
    assert not verify_head(b"head", signed, keyring.published())
    assert not verify_head(b"head", HeadSignature(2, signed.signature), keyring.audit_keys())
    assert not verify_head(b"head", HeadSignature(9, signed.signature), keyring.audit_keys())


def test_a_handle_is_ours_by_its_mark(tmp_path):
    keyring = a_keyring(tmp_path)
    mark = keyring.sign_pick(b"voucher 17 at D1", now=NOW)
    keyring.rotate(KeyPurpose.PICKS, now=NOW)

    assert len(mark) == 17
    assert keyring.verify_pick(b"voucher 17 at D1", mark)
    assert keyring.verify_pick(b"x", keyring.sign_pick(b"x", now=NOW))
    assert not keyring.verify_pick(b"voucher 18 at D1", mark)
    assert not keyring.verify_pick(b"voucher 17 at D1", mark[:-1])
    assert not keyring.verify_pick(b"voucher 17 at D1", b"")


def test_no_secret_is_in_any_text(tmp_path):
    keyring = a_keyring(tmp_path)
    shown = [keyring, keyring.reader, keyring.rows(NOW), keyring.published(), keyring.code_keys]
    shown += [keyring.signing_key(NOW), keyring.buyer_key(), keyring.phone_key()]
    shown += [vars(keyring), new_key(KeyPurpose.CODES, 1, created_at=NOW, signs_from=NOW)]

    text = " ".join(f"{thing!r} {thing}" for thing in shown)

    for secret in secrets_in(tmp_path):
        raw = base64.b64decode(secret)
        for form in (secret, raw.hex(), repr(raw), repr(raw)[2:-1], base64.urlsafe_b64encode(raw)):
            assert str(form) not in text
    assert "secret=" not in text
