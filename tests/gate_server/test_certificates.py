"""The venue's own authority and the server certificates under it."""

import base64
import hashlib
import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import PolicyBuilder, Store

from admission.errors import InvalidInput, LedgerRefused
from gate_server.certificates import (
    ca_fingerprint,
    create_certificates,
    renew_server_certificate,
    server_names,
)

NOW = datetime(2026, 2, 12, 9, 0, tzinfo=UTC)


def some_files(tmp_path, **options):
    return create_certificates(tmp_path / "keys" / "tls", now=NOW, **options)


def contents(files):
    return {path.name: path.read_bytes() for path in files.directory.iterdir()}


def a_server_certificate(files):
    return x509.load_pem_x509_certificates(files.server_pem.read_bytes())[0]


def an_authority(files):
    return x509.load_pem_x509_certificate(files.ca_pem.read_bytes())


def load(files):
    """Raise unless the server's certificate and key belong together."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.server_pem, files.server_key)


def names_of(certificate):
    return set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def test_the_files_are_for_their_owner_only(tmp_path):
    files = some_files(tmp_path)

    assert sorted(contents(files)) == ["ca.key", "ca.pem", "server.key", "server.pem"]
    assert {path.stat().st_mode & 0o777 for path in files.directory.iterdir()} == {0o600}
    assert files.directory.stat().st_mode & 0o777 == 0o700


def test_the_authority_lasts_30_years_and_signs_servers_only(tmp_path):
    authority = an_authority(some_files(tmp_path))

    basic = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert authority.not_valid_after_utc == NOW + timedelta(days=365 * 30)
    assert basic.critical
    assert (basic.value.ca, basic.value.path_length) == (True, 0)
    authority.verify_directly_issued_by(authority)


def test_the_server_is_named_as_it_is_called(tmp_path):
    files = some_files(tmp_path, hosts=["gate.example.test", "192.0.2.7", "0.0.0.0", "票.example"])

    names = names_of(a_server_certificate(files))

    assert names >= {
        x509.DNSName("localhost"),
        x509.DNSName("gate.example.test"),
        x509.DNSName("票.example".encode("idna").decode()),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
        x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
        *server_names([socket.gethostname()]),
    }
    assert x509.IPAddress(ipaddress.ip_address("0.0.0.0")) not in names


@pytest.mark.parametrize("host", ["gate one", "a" * 64, "gate:8443", "https://gate", "\ud800"])
def test_what_is_no_host_is_refused(tmp_path, host):
    with pytest.raises(InvalidInput, match="neither an address nor a host name"):
        some_files(tmp_path, hosts=[host])


@pytest.mark.parametrize("name", ["localhost", "gate.example.test"])
def test_a_strict_reader_verifies_the_chain(tmp_path, name):
    files = some_files(tmp_path, hosts=["gate.example.test"])
    builder = PolicyBuilder().store(Store([an_authority(files)])).time(NOW)

    chain = builder.build_server_verifier(x509.DNSName(name)).verify(
        a_server_certificate(files), []
    )

    assert chain == [a_server_certificate(files), an_authority(files)]


def test_the_servers_files_load_in_a_server(tmp_path):
    load(some_files(tmp_path))


def test_nothing_is_renewed_before_its_time(tmp_path):
    files = some_files(tmp_path, hosts=["192.0.2.7"])
    before = contents(files)

    renewed = [
        renew_server_certificate(files.directory, now=NOW + timedelta(days=days), hosts=hosts)
        for days, hosts in ((0, []), (0, ["192.0.2.7"]), (710, []))
    ]

    assert renewed == [False] * 3
    assert contents(files) == before


@pytest.mark.parametrize("days", [711, 800, 9000, -400])
def test_a_server_certificate_is_renewed_in_time_and_the_authority_stays(tmp_path, days):
    files = some_files(tmp_path)
    before = contents(files)
    now = NOW + timedelta(days=days)

    assert renew_server_certificate(files.directory, now=now)

    after = contents(files)
    assert {name for name in after if after[name] != before[name]} == {"server.pem"}
    assert a_server_certificate(files).not_valid_after_utc == now + timedelta(days=800)
    assert ca_fingerprint(after["ca.pem"]) == ca_fingerprint(before["ca.pem"])


def test_a_new_host_renews(tmp_path):
    files = some_files(tmp_path)

    assert renew_server_certificate(files.directory, now=NOW, hosts=["192.0.2.9"])
    assert server_names(["192.0.2.9"])[3] in names_of(a_server_certificate(files))


def test_renewal_on_demand(tmp_path):
    files = some_files(tmp_path)
    before = a_server_certificate(files).serial_number

    assert renew_server_certificate(files.directory, now=NOW, force=True)
    assert a_server_certificate(files).serial_number != before


@pytest.mark.parametrize("lost", ["server.pem", "server.key"])
def test_a_lost_server_file_is_made_again(tmp_path, lost):
    files = some_files(tmp_path)
    (files.directory / lost).unlink()

    assert renew_server_certificate(files.directory, now=NOW)
    load(files)


@pytest.mark.parametrize("found", [b"", b"no certificate", bytes(range(256))])
def test_a_damaged_server_certificate_is_made_again(tmp_path, found):
    files = some_files(tmp_path)
    files.server_pem.write_bytes(found)

    assert renew_server_certificate(files.directory, now=NOW)
    load(files)


def test_another_venues_server_certificate_is_replaced(tmp_path):
    files, other = some_files(tmp_path), some_files(tmp_path / "other")
    files.server_pem.write_bytes(other.server_pem.read_bytes())
    files.server_key.write_bytes(other.server_key.read_bytes())

    assert renew_server_certificate(files.directory, now=NOW)
    a_server_certificate(files).verify_directly_issued_by(an_authority(files))


def test_making_them_again_keeps_them(tmp_path):
    before = contents(some_files(tmp_path))

    assert contents(some_files(tmp_path)) == before


def test_a_crash_before_the_authority_was_whole_is_made_good(tmp_path):
    files = some_files(tmp_path)
    for path in (files.ca_pem, files.server_pem, files.server_key):
        path.unlink()

    again = some_files(tmp_path)

    load(again)
    a_server_certificate(again).verify_directly_issued_by(an_authority(again))


@pytest.mark.parametrize("name", ["ca.key", "ca.pem"])
@pytest.mark.parametrize("found", [None, b"", b"no key"])
def test_a_lost_authority_is_never_made_again_behind_the_scanners_backs(tmp_path, name, found):
    files = some_files(tmp_path)
    path = files.directory / name
    path.unlink()
    if found is not None:
        path.write_bytes(found)
        path.chmod(0o600)

    with pytest.raises(LedgerRefused, match="restore"):
        renew_server_certificate(files.directory, now=NOW)


def test_an_authority_and_a_key_of_two_venues_are_refused(tmp_path):
    files, other = some_files(tmp_path), some_files(tmp_path / "other")
    files.ca_key.write_bytes(other.ca_key.read_bytes())

    with pytest.raises(LedgerRefused, match="do not belong together"):
        renew_server_certificate(files.directory, now=NOW)


def test_an_authoritys_key_that_others_may_read_is_refused(tmp_path):
    files = some_files(tmp_path)
    files.ca_key.chmod(0o644)

    with pytest.raises(LedgerRefused, match="chmod 600"):
        renew_server_certificate(files.directory, now=NOW)


def test_the_fingerprint_is_of_the_public_key(tmp_path):
    files = some_files(tmp_path)
    info = (
        an_authority(files)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )

    fingerprint = ca_fingerprint(files.ca_pem.read_bytes())

    assert len(fingerprint) == 43
    assert base64.urlsafe_b64decode(fingerprint + "=") == hashlib.sha256(info).digest()
    assert fingerprint != ca_fingerprint(some_files(tmp_path / "other").ca_pem.read_bytes())


def test_renewal_keeps_the_names_that_the_certificate_has(tmp_path):
    files = create_certificates(tmp_path / "tls", now=NOW, hosts=["gate.example"])

    renew_server_certificate(tmp_path / "tls", now=NOW, hosts=["10.0.0.7"], force=True)

    renewed = x509.load_pem_x509_certificate(files.server_pem.read_bytes())
    named = renewed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "gate.example" in named.get_values_for_type(x509.DNSName)
    assert [str(ip) for ip in named.get_values_for_type(x509.IPAddress)].count("10.0.0.7") == 1
