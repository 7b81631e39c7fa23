"""A scanner becomes a device once, whatever is lost on the way."""

import stat
from datetime import UTC, datetime

import pytest

from admission.errors import InvalidInput, RelayError
from gate_server.certificates import create_certificates
from scanner_client.enrolment import enrol, read_invitation, server_of
from scanner_client.relay import Relay
from scanner_client.settings import unset_text
from scanner_client.state import StateError, find_identity, find_pending, load_identity
from scanner_client.trust import fingerprint_of
from tests import fakes
from tests.fakes import ENROLMENT_CODE, TOKEN, FakeGate


@pytest.fixture
def gate():
    with FakeGate() as gate:
        yield gate


def invitation(gate, code=ENROLMENT_CODE):
    return read_invitation(gate.url, code)


def enrolments(gate):
    return [call.body for call in gate.calls if call.path.endswith("/enrol")]


def test_enrolled_scanner_knows_who_it_is(gate, tmp_path):
    enrol(tmp_path / "scanner", invitation(gate))

    identity = load_identity(tmp_path / "scanner")
    assert (identity.device_id, identity.gate_id, identity.token) == ("d-1", "G1", TOKEN)
    assert (tmp_path / "scanner" / "scanner.toml").read_text("utf-8") == unset_text()
    assert find_pending(tmp_path / "scanner") is None


def test_only_the_owner_may_read_what_is_kept(gate, tmp_path):
    enrol(tmp_path / "scanner", invitation(gate))

    assert stat.S_IMODE((tmp_path / "scanner").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "scanner" / "device.json").stat().st_mode) == 0o600


def test_secrets_are_not_in_what_is_printed(gate, tmp_path):
    identity = enrol(tmp_path, invitation(gate))

    assert TOKEN not in repr(identity)
    assert ENROLMENT_CODE not in repr(invitation(gate))
    assert ENROLMENT_CODE not in (tmp_path / "device.json").read_text()


def test_lost_answer_is_asked_for_again_under_the_same_nonce(gate, tmp_path):
    gate.troubles.append(fakes.lost)

    enrol(tmp_path, invitation(gate))

    first, second = enrolments(gate)
    assert first == second


def test_enrolment_that_got_no_answer_is_repeated_under_the_same_nonce(gate, tmp_path):
    gate.troubles += [fakes.lost] * 3
    with pytest.raises(RelayError, match="same command again"):
        enrol(tmp_path, invitation(gate))
    assert find_identity(tmp_path) is None

    enrol(tmp_path, invitation(gate))

    assert len(set(enrolments(gate))) == 1


def test_same_code_twice_is_asked_for_once(gate, tmp_path):
    enrol(tmp_path, invitation(gate))
    enrol(tmp_path, invitation(gate))

    assert len(enrolments(gate)) == 1


def test_used_code_is_refused(gate, tmp_path):
    enrol(tmp_path / "one", invitation(gate))

    with pytest.raises(RelayError, match="enrolment-used"):
        enrol(tmp_path / "two", invitation(gate))
    assert find_identity(tmp_path / "two") is None


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    made = create_certificates(tmp_path_factory.mktemp("tls"), now=datetime.now(UTC))
    return made.ca_pem, made.server_pem, made.server_key


def test_authority_of_the_qr_is_pinned(tls, tmp_path):
    fingerprint = fingerprint_of(tls[0].read_bytes())
    with FakeGate(tls=tls) as gate:
        url = f"{gate.url}/enrol#{ENROLMENT_CODE}.{fingerprint}"
        identity = enrol(tmp_path, read_invitation(url))

        with Relay(server_of(load_identity(tmp_path)), token=TOKEN, timeout_s=2) as relay:
            assert relay.fetch_self().device_id == identity.device_id


def test_code_is_not_sent_to_a_server_of_another_authority(tls, tmp_path):
    with FakeGate(tls=tls) as gate:
        url = f"{gate.url}/enrol#{ENROLMENT_CODE}.{'A' * 43}"

        with pytest.raises(RelayError, match="authority"):
            enrol(tmp_path, read_invitation(url))
        assert [call.path for call in gate.calls] == ["/ca"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://gate:8443/enrol#CODE", None),
        ("https://gate:8443", "CODE"),
        ("http://127.0.0.1:8443", None),
        ("http://127.0.0.1:8443#CODE", "CODE"),
        ("http://127.0.0.1:99999", "CODE"),
        ("https://gate:8443/other#CODE.FINGERPRINT", None),
        ("gate:8443", "CODE"),
        ("", "CODE"),
    ],
)
def test_incomplete_invitation_says_what_to_give(url, code):
    with pytest.raises(InvalidInput):
        read_invitation(url, code)


def test_plain_http_to_another_machine_is_refused(tmp_path):
    with pytest.raises(RelayError, match="use https"):
        enrol(tmp_path, read_invitation("http://192.0.2.7:8443", "CODE"))


def test_damaged_identity_says_what_to_do(tmp_path):
    (tmp_path / "device.json").write_text('{"device_id": ')

    with pytest.raises(StateError, match="enrol again"):
        load_identity(tmp_path)
