"""What comes back from the network becomes an answer, or an error that says what happened."""

import ssl
import time
from datetime import UTC, datetime

import pytest

from admission import wire
from admission.errors import RelayError
from admission.verdicts import Reason
from gate_server.certificates import create_certificates
from scanner_client.answers import (
    Conflict,
    Gone,
    NoAnswer,
    NotAllowed,
    NotRecognised,
    NotThere,
    NotUnderstood,
)
from scanner_client.relay import Relay, Server
from scanner_client.trust import fingerprint_of, pinned_context
from tests import fakes
from tests.fakes import TOKEN, FakeGate, an_answer

NONCE = "0190f3c2-7d0e-7c11-b1f5-3a8e5d0c9a55"


@pytest.fixture
def gate():
    with FakeGate() as gate:
        yield gate


@pytest.fixture
def relay(gate):
    with a_relay(gate) as relay:
        yield relay


def a_relay(gate, token=TOKEN, timeout_s=0.6):
    return Relay(Server(gate.url), token=token, timeout_s=timeout_s)


def a_scan(**changes):
    return wire.ScanRequest(**({"nonce": NONCE, "code": "9K3F-22AX"} | changes))


def test_scan_is_answered(gate, relay):
    gate.answers["9K3F-22AX"] = an_answer(reason=Reason.USED_UP)

    answer = relay.scan(a_scan(party=2))

    assert answer.reason is Reason.USED_UP
    assert gate.scans() == [a_scan(party=2)]
    assert gate.calls[0].authorization == f"Bearer {TOKEN}"


def test_every_other_call_is_answered(relay):
    relay.scan(a_scan())

    assert relay.fetch_self().gate_id == "G1"
    assert relay.annul(NONCE, wire.AnnulRequest(reason="did not pass")).nonce == NONCE
    beat = wire.HeartbeatRequest(
        epoch="", replica_revision=0, replica_age_s=0, outbox_depth=0, boot_id="b"
    )
    assert relay.heartbeat(beat).epoch == fakes.EPOCH


NO_ANSWERS = {
    "log-in page": (fakes.portal, "log-in page"),
    "redirect": (fakes.redirected, "redirected"),
    "reset": (fakes.resets, "reset|broke off"),
    "cut off": (fakes.cut_off, "reset|broke off"),
    # The socket's patience and the call's end together: either may be the first to say so.
    "slow": (fakes.slow(3), "within 600 ms|in time"),
    "drips": (fakes.drips, "within 600 ms"),
    "endless": (fakes.endless, "more than"),
    "500": (fakes.gives(500, b"oops", "text/plain"), "500"),
    "502 page": (fakes.gives(502, b"<html>", "text/html"), "502"),
    "503": (fakes.problem(503, "ledger-unavailable"), "503"),
    "429": (fakes.problem(429, "too-many"), "429"),
    "not JSON": (fakes.gives(200, b"{"), "not JSON"),
    "other JSON": (fakes.gives(200, b'{"ok": true}'), "no answer"),
    "JSON list": (fakes.gives(200, b"[]"), "no answer"),
    "not UTF-8": (fakes.gives(200, b'"\xff"'), "not JSON|no answer"),
    "deep JSON": (fakes.gives(200, b"[" * 100_000), "nested|not JSON|no answer"),
    "403 page": (fakes.gives(403, b"<html>", "text/html"), "403"),
    "401 without a problem": (fakes.gives(401, b"{}"), "401"),
    "404 page": (fakes.gives(404, b"<html>", "text/html"), "404"),
    "another scan's answer": (
        lambda handler: handler.give(200, an_answer("another-nonce")),
        "another scan",
    ),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_no_answer_says_what_happened(gate, relay, name):
    trouble, said = NO_ANSWERS[name]
    gate.troubles.append(trouble)
    began_s = time.monotonic()

    with pytest.raises(NoAnswer, match=said):
        relay.scan(a_scan())

    assert time.monotonic() - began_s < 2.5
    assert relay.scan(a_scan()).nonce == NONCE


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, NotUnderstood),
        (413, NotUnderstood),
        (401, NotRecognised),
        (403, NotAllowed),
        (404, NotThere),
        (409, Conflict),
        (410, Gone),
    ],
)
def test_problem_documents_have_their_own_errors(gate, relay, status, kind):
    gate.troubles.append(fakes.problem(status, "named-thus"))

    with pytest.raises(kind, match="no"):
        relay.scan(a_scan())


@pytest.mark.parametrize(
    ("slug", "named", "revokes"),
    [
        ("device-revoked", "d-1", True),
        ("device-revoked", "d-2", False),
        ("device-revoked", None, False),
        ("forbidden", "d-1", False),
    ],
)
def test_only_a_problem_that_names_the_device_revokes_it(gate, relay, slug, named, revokes):
    gate.troubles.append(fakes.problem(403, slug, named))

    with pytest.raises(NotAllowed) as caught:
        relay.scan(a_scan())

    assert caught.value.revokes("d-1") is revokes


def test_nobody_listens(gate):
    gate.__exit__()

    with a_relay(gate) as relay, pytest.raises(NoAnswer, match="nothing listens"):
        relay.scan(a_scan())


def test_name_is_not_known():
    trust = ssl.create_default_context()
    with (
        Relay(Server("https://gate.invalid", trust), token=TOKEN, timeout_s=5) as relay,
        pytest.raises(NoAnswer, match=r"name is not known|within"),
    ):
        relay.scan(a_scan())


def test_calls_that_hang_do_not_pile_up(gate):
    gate.troubles += [fakes.slow(1.5)] * 40
    with a_relay(gate, timeout_s=0.01) as relay:
        for _ in range(40):
            with pytest.raises(NoAnswer):
                relay.scan(a_scan())


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.7:8443", "https://192.0.2.7", "ftp://127.0.0.1", "127.0.0.1:80", "http://"],
)
def test_no_secret_goes_over_plain_http_or_to_an_unknown_authority(url):
    with pytest.raises(RelayError):
        Server(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])
def test_plain_http_is_for_this_machine(url):
    assert Server(url).url == url


def test_proxies_of_the_user_are_not_asked(gate, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    with a_relay(gate) as relay:
        assert relay.scan(a_scan()).nonce == NONCE


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    now = datetime.now(UTC)
    return [
        create_certificates(tmp_path_factory.mktemp("tls"), now=now, hosts=["127.0.0.1"])
        for _ in range(2)
    ]


def files(tls):
    return tls.ca_pem, tls.server_pem, tls.server_key


def test_pinned_authority_is_trusted(venue):
    pem = venue[0].ca_pem.read_bytes()
    trust = pinned_context(pem, fingerprint_of(pem))

    with (
        FakeGate(tls=files(venue[0])) as gate,
        Relay(Server(gate.url, trust), token=TOKEN, timeout_s=2) as relay,
    ):
        assert relay.scan(a_scan()).nonce == NONCE


def test_server_of_another_authority_learns_nothing(venue):
    pem = venue[1].ca_pem.read_bytes()
    trust = pinned_context(pem, fingerprint_of(pem))

    with FakeGate(tls=files(venue[0])) as gate:
        with (
            Relay(Server(gate.url, trust), token=TOKEN, timeout_s=2) as relay,
            pytest.raises(NoAnswer, match="not the server that this scanner trusts"),
        ):
            relay.scan(a_scan())
        assert gate.calls == []
