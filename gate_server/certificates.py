"""Make the venue's own certificate authority and the server's certificate under it."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from admission import base64url
from admission.errors import InvalidInput, LedgerRefused
from gate_server.key_files import (
    OWNER_ONLY_DIR,
    OWNER_ONLY_FILE,
    check_owner_only,
    sync_directory,
    write_durably,
)

CA_YEARS = 30
# Browsers refuse more than 825 days even of a private authority.
SERVER_DAYS = 800
RENEW_BEFORE = timedelta(days=90)

_CLOCK_SLACK = timedelta(days=1)  # a browser whose clock is behind may connect at once
_ALWAYS_NAMED = ("localhost", "127.0.0.1", "::1")
_HOST_NAME = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - what `--host` may say; it names no host


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificates are, under `DIR/keys/tls`; all of mode 0600."""

    directory: Path

    @property
    def ca_pem(self) -> Path:
        """The authority's certificate; scanners and browsers may have it."""
        return self.directory / "ca.pem"

    @property
    def ca_key(self) -> Path:
        """The authority's private key."""
        return self.directory / "ca.key"

    @property
    def server_pem(self) -> Path:
        """The server's certificate, then the authority's."""
        return self.directory / "server.pem"

    @property
    def server_key(self) -> Path:
        """The server's private key, PKCS 8."""
        return self.directory / "server.key"


def create_certificates(directory: Path, *, now: datetime, hosts: Iterable[str] = ()) -> TlsFiles:
    """Make the authority (30 years) and a first server certificate in `directory`.

    After a crash in between it goes on where it was; an authority that exists is kept.

    Args:
        hosts: names and addresses of the server beside localhost and its host name.
    """
    files = TlsFiles(directory)
    directory.mkdir(mode=OWNER_ONLY_DIR, parents=True, exist_ok=True)
    sync_directory(directory.parent)
    if not files.ca_pem.exists():
        # The certificate is written last: while it is missing nobody relies on the key.
        key = ec.generate_private_key(ec.SECP256R1())
        write_durably(files.ca_key, _key_pem(key), replace=True)
        write_durably(files.ca_pem, _pem(_make_authority(key, now)), replace=True)
    renew_server_certificate(directory, now=now, hosts=hosts)
    return files


def renew_server_certificate(
    directory: Path, *, now: datetime, hosts: Iterable[str] = (), force: bool = False
) -> bool:
    """Renew the server's certificate where it must be; the authority stays, so nobody re-enrols.

    It must be where it is missing, damaged, of another key or authority, lacks one of the hosts, or
    ends within 90 days. The names that it has stay. The server's key is kept, so that one file
    changes and no crash parts them; delete `server.key` for a new one.

    Returns: whether a new certificate was made; the server must then be started again.
    Raises LedgerRefused where the authority is missing or damaged or its key open to others.
    """
    files = TlsFiles(directory)
    authority, authority_key = _read_authority(files)
    names = tuple(dict.fromkeys((*server_names(hosts), *_names_before(files))))
    key = _read_key(files.server_key) if files.server_key.exists() else None
    if key is not None and not force and _serves(files, authority, key, names, now):
        return False
    if key is None:
        key = ec.generate_private_key(ec.SECP256R1())
        write_durably(files.server_key, _key_pem(key), replace=True)
    certificate = _make_server(key, names, authority, authority_key, now)
    write_durably(files.server_pem, _pem(certificate) + _pem(authority), replace=True)
    return True


def _names_before(files: TlsFiles) -> tuple[x509.GeneralName, ...]:
    """Return the names in the certificate that is there; none where there is none to read."""
    try:
        before = x509.load_pem_x509_certificate(files.server_pem.read_bytes())
        named = before.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (OSError, ValueError, x509.ExtensionNotFound):
        return ()
    return tuple(named.value)


def server_names(hosts: Iterable[str]) -> tuple[x509.GeneralName, ...]:
    """Return the names in a server certificate: localhost, this machine's, and those given.

    Raises InvalidInput where a given one is neither an address nor a host name.
    """
    names = {name: _general_name(name) for name in _ALWAYS_NAMED}
    for host in hosts:
        if host not in _ANY_ADDRESS:
            names[host] = _general_name(host)
    own = socket.gethostname()
    try:
        names.setdefault(own, _general_name(own))
    except InvalidInput:
        names.pop(own, None)  # a machine's odd name is no reason not to open the gates
    return tuple(dict.fromkeys(names.values()))


def ca_fingerprint(pem: bytes) -> str:
    """Return the authority's public-key hash for the enrolment QR code.

    Returns: 43 characters, base64url without padding of SHA-256 of the SubjectPublicKeyInfo.
    Raises ValueError where the text is no certificate.
    """
    return _fingerprint(x509.load_pem_x509_certificate(pem).public_key())


def _fingerprint(public_key: CertificatePublicKeyTypes) -> str:
    info = public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64url.write(sha256(info).digest())


def _make_authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    # The hash in the name keeps two venues apart in one browser's list.
    name = _name(f"Gatehouse venue CA {_fingerprint(key.public_key())[:8]}")
    builder = _builder(name, name, key.public_key(), now, now + timedelta(days=365 * CA_YEARS))
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _make_server(
    key: ec.EllipticCurvePrivateKey,
    names: tuple[x509.GeneralName, ...],
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    until = now + timedelta(days=SERVER_DAYS)
    public_key = key.public_key()
    builder = _builder(_name("Gatehouse server"), authority.subject, public_key, now, until)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _serves(
    files: TlsFiles,
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    names: tuple[x509.GeneralName, ...],
    now: datetime,
) -> bool:
    try:
        certificate, *chain = x509.load_pem_x509_certificates(files.server_pem.read_bytes())
        named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    return (
        chain == [authority]
        and certificate.public_key() == key.public_key()
        and set(names) <= set(named)
        and certificate.not_valid_before_utc
        <= now
        <= certificate.not_valid_after_utc - RENEW_BEFORE
    )


def _read_authority(files: TlsFiles) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = _read_key(files.ca_key)
    try:
        authority = x509.load_pem_x509_certificate(files.ca_pem.read_bytes())
    except (OSError, ValueError) as error:
        raise LedgerRefused(
            f"{files.ca_pem} cannot be read; restore the keys from the last backup"
        ) from error
    if authority.public_key() != key.public_key():
        raise LedgerRefused(
            f"{files.ca_pem} and {files.ca_key.name} do not belong together; "
            "restore the keys from the last backup"
        )
    return authority, key


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    check_owner_only(path, OWNER_ONLY_FILE)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise LedgerRefused(
            f"{path} cannot be read; restore the keys from the last backup"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise LedgerRefused(f"{path} is not a key of this server; restore it from a backup")
    return key


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass  # a name, then
    problem = f"{host!r} is neither an address nor a host name"
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidInput("host", problem) from error
    if _HOST_NAME.fullmatch(name) is None:
        raise InvalidInput("host", problem)
    return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
