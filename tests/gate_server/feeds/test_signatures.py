"""Signatures of pushes: those that the published library makes, and whatever else may come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from gate_server.feeds.signatures import SignedHeaders, find_signer, new_secret, sign

NOON = datetime(2026, 2, 12, 4, 0, tzinfo=UTC)
SECRET, OTHER = new_secret(), new_secret()
BODY = '{"type": "deals", "票": 1}'
BODY_BYTES = BODY.encode()


def headers(**changes):
    signature = Webhook(SECRET).sign("push-1", NOON, BODY)
    fields = {"webhook_id": "push-1", "timestamp": "1770868800", "signature": signature}
    return SignedHeaders(**(fields | changes))


def signer(given=(SECRET,), *, body=BODY_BYTES, now=NOON, **changes):
    return find_signer(headers(**changes), body, given, now=now)


def test_ours_and_the_librarys_are_the_same():
    assert sign(SECRET, "push-1", NOON, BODY_BYTES) == headers().signature
    assert signer() == SECRET


def test_the_example_of_the_standard_verifies():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    told = SignedHeaders(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "1614265330",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    )
    at = datetime.fromtimestamp(1614265330, UTC)

    assert find_signer(told, b'{"test": 2432232314}', [secret], now=at) == secret


def test_each_secret_that_counts_is_tried():
    assert signer((OTHER, SECRET)) == SECRET
    assert signer((OTHER,)) is None
    assert signer(()) is None


@pytest.mark.parametrize(
    ("seconds", "counts"), [(-301, False), (-300, True), (300, True), (301, False)]
)
def test_five_minutes_are_allowed_either_way(seconds, counts):
    assert (signer(now=NOON + timedelta(seconds=seconds)) is not None) is counts


def test_every_byte_of_the_body_counts():
    assert signer(body=BODY_BYTES + b" ") is None


@given(
    webhook_id=st.text(max_size=300),
    timestamp=st.one_of(st.text(max_size=30), st.integers().map(str), st.just("1770868800")),
    signature=st.text(max_size=200) | st.lists(st.text(max_size=40)).map(" v1,".join),
    body=st.binary(max_size=200),
)
def test_nothing_else_verifies_and_nothing_raises(webhook_id, timestamp, signature, body):
    told = SignedHeaders(webhook_id, timestamp, signature)

    assert find_signer(told, body, [SECRET], now=NOON) is None


@pytest.mark.parametrize("timestamp", ["²³", "1770868800\n", "+1770868800", "1_7", "1770868800.0"])
def test_a_time_is_digits_only(timestamp):
    assert signer(timestamp=timestamp) is None
