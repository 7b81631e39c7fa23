"""Trust one gate server: the one whose authority the enrolment code names."""

from __future__ import annotations

import ssl
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from admission import base64url
from admission.errors import RelayError

# A device without a clock must still work. OpenSSL, X509_VERIFY_PARAM_set_flags(3).
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)


def pinned_context(ca_pem: bytes, fingerprint: str) -> ssl.SSLContext:
    """Return a context that trusts only this authority, whatever host name or date it meets.

    Args:
        ca_pem: the authority's certificate; what else the text holds is not trusted.
        fingerprint: its public-key hash from the enrolment code.

    Raises RelayError where they do not belong together.
    """
    authority = _authority(ca_pem)
    if _fingerprint(authority) != fingerprint:
        raise RelayError(
            "the server's authority is not the one in the enrolment code; "
            "enrol again with a fresh code, and tell a supervisor if it happens again"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= _NO_CHECK_TIME
    # Only the certificate that was compared: a second one behind it in the text would be trusted.
    context.load_verify_locations(cadata=authority.public_bytes(Encoding.DER))
    return context


def unpinned_context() -> ssl.SSLContext:
    """Return a context that believes anyone: only to fetch the authority before it is compared.

    Send nothing secret over it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint_of(ca_pem: bytes) -> str:
    """Return an authority's public-key hash: 43 characters, base64url of SHA-256 of its SPKI.

    Raises RelayError where the text holds no certificate.
    """
    return _fingerprint(_authority(ca_pem))


def _authority(ca_pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(ca_pem)
    except ValueError as error:
        raise RelayError("what the server sent as its authority is no certificate") from error


def _fingerprint(authority: x509.Certificate) -> str:
    try:
        public_key = authority.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RelayError("the server's authority has a key of an unknown kind") from error
    info = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64url.write(sha256(info).digest())
