"""The tests of secrets overlook chance, and no secret."""

import secrets
import uuid

import pytest

from tests.chance import without_chance


@pytest.mark.parametrize(
    "chance",
    [
        '{"at":1795678949870}',
        "2026-11-26T07:42:29.745678Z",
        "c5678bf4df",
        "XZyZ5678pXsQ",
        "cannot reach http://127.0.0.1:45678: refused",
        "0b56785c-5678-4678-8567-8c5678d05678",
    ],
)
def test_digits_of_chance_are_overlooked(chance):
    assert "5678" in chance
    assert "5678" not in without_chance(chance)


@pytest.mark.parametrize(
    "leak",
    [
        '"phone_last4": "5678"',
        '"digits":5678,',
        "13800135678",
        "+8613800135678",
        "138 0013 5678",
        "tail-5678",
        "CODE-5678",
    ],
)
def test_digits_of_a_secret_are_seen(leak):
    among = f"{secrets.token_hex(16)} {leak} {uuid.uuid4()} 2026-11-26T07:42:29.743Z"

    assert "5678" in without_chance(among)
