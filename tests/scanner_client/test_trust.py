"""The scanner's trust, against a real TLS server on loopback."""

import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from admission.errors import RelayError
from scanner_client.trust import fingerprint_of, pinned_context, unpinned_context

NOW = datetime(2026, 2, 12, 9, 0, tzinfo=UTC)
YEARS = timedelta(days=3650)


def a_name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Venue:
    """An authority, made here so that the scanner's tests stand without the server's code."""

    def __init__(self, *, valid_from=NOW, valid_until=NOW + YEARS):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(
            "venue", self.key, valid_from, valid_until, x509.BasicConstraints(True, 0)
        )
        self.pem = self.certificate.public_bytes(Encoding.PEM)

    def server(self, directory, *, host="localhost", valid_from=NOW, valid_until=NOW + YEARS):
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = self._signed("server", key, valid_from, valid_until, names)
        path = directory / f"{certificate.serial_number}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + certificate.public_bytes(Encoding.PEM) + self.pem)
        return path

    def _signed(self, subject, key, valid_from, valid_until, extension):
        return (
            x509.CertificateBuilder()
            .subject_name(a_name(subject))
            .issuer_name(a_name("venue"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(valid_from)
            .not_valid_after(valid_until)
            .add_extension(extension, critical=True)
            .sign(self.key, hashes.SHA256())
        )


@contextmanager
def a_tls_server(pem):
    """Serve one connection: say hello to whoever trusts us."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve_once, args=(listener, context))
        thread.start()
        yield listener.getsockname()
        thread.join()


def serve_once(listener, context):
    connection, _ = listener.accept()
    connection.settimeout(10)
    try:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.sendall(b"hello")
    except (ssl.SSLError, ConnectionError):
        connection.close()  # the client did not trust us; the test sees why on its side


def greeting(pem, context, *, host="localhost"):
    with (
        a_tls_server(pem) as address,
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        return secured.recv(5)


@pytest.fixture(scope="module")
def venue():
    return Venue()


@pytest.fixture(scope="module")
def trusting(venue):
    return pinned_context(venue.pem, fingerprint_of(venue.pem))


def test_the_venues_server_is_trusted(venue, trusting, tmp_path):
    assert greeting(venue.server(tmp_path), trusting) == b"hello"


def test_a_renewed_certificate_needs_no_new_enrolment(venue, trusting, tmp_path):
    first, renewed = venue.server(tmp_path), venue.server(tmp_path)

    assert [greeting(pem, trusting) for pem in (first, renewed)] == [b"hello"] * 2


@pytest.mark.parametrize("host", ["another.example", "192.0.2.1", "127.0.0.1"])
def test_a_wrong_host_name_is_ignored(venue, trusting, tmp_path, host):
    assert greeting(venue.server(tmp_path), trusting, host=host) == b"hello"


@pytest.mark.parametrize("years", [-30, 20], ids=["expired", "not yet valid"])
def test_a_device_without_a_clock_still_connects(venue, trusting, tmp_path, years):
    valid_from = NOW + timedelta(days=365 * years)
    pem = venue.server(tmp_path, valid_from=valid_from, valid_until=valid_from + YEARS)

    assert greeting(pem, trusting) == b"hello"


def test_an_expired_authority_is_still_the_venues(tmp_path):
    venue = Venue(valid_from=NOW - 2 * YEARS, valid_until=NOW - YEARS)
    context = pinned_context(venue.pem, fingerprint_of(venue.pem))

    assert greeting(venue.server(tmp_path), context) == b"hello"


def test_another_authoritys_server_is_not_trusted(trusting, tmp_path):
    # Same name, other key: what an impostor would bring.
    with pytest.raises(ssl.SSLCertVerificationError):
        greeting(Venue().server(tmp_path), trusting)


def test_a_server_that_is_its_own_authority_is_not_trusted(venue, trusting, tmp_path):
    impostor = Venue()
    pem = tmp_path / "impostor.pem"
    private = impostor.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + impostor.pem)

    with pytest.raises(ssl.SSLCertVerificationError):
        greeting(pem, trusting)


def test_an_authority_behind_the_pinned_one_is_not_trusted(venue, tmp_path):
    impostor = Venue()
    context = pinned_context(venue.pem + impostor.pem, fingerprint_of(venue.pem))

    with pytest.raises(ssl.SSLCertVerificationError):
        greeting(impostor.server(tmp_path), context)


def test_the_systems_authorities_are_not_trusted(trusting):
    assert len(trusting.get_ca_certs()) == 1


def test_a_wrong_fingerprint_is_refused(venue):
    for fingerprint in (fingerprint_of(Venue().pem), "", fingerprint_of(venue.pem) + "="):
        with pytest.raises(RelayError, match="not the one in the enrolment code"):
            pinned_context(venue.pem, fingerprint)


@pytest.mark.parametrize("pem", [b"", b"<html>captive portal</html>", bytes(range(256))])
def test_what_is_no_certificate_is_refused(pem):
    with pytest.raises(RelayError, match="no certificate"):
        pinned_context(pem, "x" * 43)


def test_before_enrolment_any_server_answers(tmp_path):
    assert greeting(Venue().server(tmp_path), unpinned_context()) == b"hello"
