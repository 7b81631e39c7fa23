"""Bearer tokens, enrolment codes and passwords: unguessable, stored as hashes, compared whole."""

import pytest

from admission.errors import InvalidInput, LedgerRefused
from gate_server.secrets import (
    BearerKind,
    bearer_matches,
    find_bearer,
    find_enrolment_hash,
    hash_password,
    new_bearer,
    new_enrolment_code,
    new_password,
    password_is_dated,
    password_matches,
)


@pytest.mark.parametrize("kind", BearerKind)
@pytest.mark.parametrize("owner_id", ["D1", "0190f3c2-7d0e-7c11-b1f5-3a8e5d0c9a55", "gate.7"])
def test_a_bearer_token_names_its_owner_and_proves_it(kind, owner_id):
    made = new_bearer(kind, owner_id)

    bearer = find_bearer(made.text)

    assert made.text.startswith(f"{kind}_{owner_id}_")
    assert (bearer.kind, bearer.owner_id) == (kind, owner_id)
    assert bearer_matches(bearer, made.stored)


def test_a_bearer_token_is_bound_to_its_kind_and_owner():
    made = new_bearer(BearerKind.DEVICE, "D1")
    forged = [made.text.replace("ghd_", "ghu_"), made.text.replace("_D1_", "_D2_")]

    assert not any(bearer_matches(find_bearer(text), made.stored) for text in forged)


def test_no_changed_character_of_a_bearer_token_is_believed():
    made = new_bearer(BearerKind.DEVICE, "D1")

    for position in range(len(made.text)):
        letter = "x" if made.text[position] != "x" else "y"
        bearer = find_bearer(made.text[:position] + letter + made.text[position + 1 :])
        assert bearer is None or not bearer_matches(bearer, made.stored)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ghd",
        "ghd__",
        "ghx_D1_" + "a" * 43,
        "ghd_D1_" + "a" * 42,
        "ghd_D1_" + "a" * 44,
        "ghd_D1_" + "a" * 43 + "\n",
        " ghd_D1_" + "a" * 43,
        "ghd_D_1_" + "a" * 43,
        "ghd_D1_" + "é" * 43,
        "ghd_D1_" + "\ud800" * 43,
        "ghd_" + "D" * 65 + "_" + "a" * 43,
    ],
)
def test_what_has_not_the_form_of_a_bearer_token_is_none(text):
    assert find_bearer(text) is None


@pytest.mark.parametrize("owner_id", ["", "D_1", "D 1", "D1\n", "D" * 65, "门"])
def test_an_id_that_would_blur_the_token_is_refused(owner_id):
    with pytest.raises(InvalidInput):
        new_bearer(BearerKind.DEVICE, owner_id)


def test_secrets_are_not_alike_and_not_shown():
    made = [new_bearer(BearerKind.DEVICE, "D1") for _ in range(100)]

    assert len({one.text for one in made}) == len({one.stored for one in made}) == 100
    assert made[0].text not in repr(made[0])
    assert made[0].text not in repr(find_bearer(made[0].text))
    assert made[0].text[-43:].encode() not in made[0].stored


def test_an_enrolment_code_is_found_by_its_hash():
    made = new_enrolment_code()

    assert find_enrolment_hash(made.text) == made.stored
    assert len(made.text.replace("-", "")) == 26


def test_an_enrolment_code_may_be_typed_carelessly():
    made = new_enrolment_code()
    text = made.text

    for typed in (text.lower(), text.replace("-", ""), f" {text.replace('-', ' ')}\n"):
        assert find_enrolment_hash(typed) == made.stored
    for typed in (text.replace("0", "O").replace("1", "l"), text.replace("1", "I")):
        assert find_enrolment_hash(typed) == made.stored


def test_another_enrolment_code_is_another_hash():
    assert len({new_enrolment_code().stored for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "typed", ["", "-", "0" * 25, "0" * 27, "8" + "0" * 25, "U" * 26, "é" * 26, "\ud800" * 26]
)
def test_what_cannot_be_an_enrolment_code_is_none(typed):
    assert find_enrolment_hash(typed) is None


def test_a_password_matches_its_own_hash_only():
    password = new_password()

    stored = hash_password(password)

    assert password not in stored
    assert password_matches(stored, password)
    assert not password_matches(stored, password + "x")
    assert not password_matches(stored, "")
    assert not password_is_dated(stored)


def test_any_text_can_be_a_password():
    stored = hash_password("\ud800\x00密码")

    assert password_matches(stored, "\ud800\x00密码")


def test_a_hash_at_lower_costs_is_dated():
    cheap = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$9AMVkS7gBzCHTXMxlqu6zg"

    assert password_is_dated(cheap)


def test_a_user_who_does_not_exist_has_no_password():
    assert not password_matches(None, "anything")


@pytest.mark.parametrize("stored", ["x", "$argon2id$v=19$m=8,t=1,p=1$"])
def test_a_damaged_hash_says_what_to_do(stored):
    with pytest.raises(LedgerRefused, match="user reset"):
        password_matches(stored, "x")


def test_first_passwords_are_not_alike():
    assert len({new_password() for _ in range(100)}) == 100
