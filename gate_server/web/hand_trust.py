"""The venue's certificate for phones: a camera works only on a page that the browser trusts."""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Blueprint, Response, render_template, request

from admission.errors import NotFound
from gate_server.certificates import ca_fingerprint
from gate_server.web.hand import HTML
from gate_server.web.operations import Reply
from gate_server.web.replies import answer_page, respond
from gate_server.web.services import Services

PEM: Final = "application/x-pem-file"
# Android and iOS offer to install what comes under this type, and only in DER does each read it.
DER: Final = "application/x-x509-ca-cert"
_GROUP: Final = 4


def trust(services: Services) -> Blueprint:
    """Make the blueprint of `/ca`, `/ca.pem` and `/ca.crt`."""
    site = Blueprint("trust", __name__, template_folder="templates")

    @site.get("/ca")
    def explain() -> Response:
        # Scanner programs ask here for the certificate itself; only a browser wants a page.
        if "text/html" in request.headers.get("Accept", ""):
            return respond(answer_page(lambda: _page(services)))
        return respond(answer_page(lambda: Reply(_pem(services), content_type=PEM)))

    @site.get("/ca.pem")
    def authority_pem() -> Response:
        return respond(answer_page(lambda: Reply(_pem(services), content_type=PEM)))

    @site.get("/ca.crt")
    def authority_der() -> Response:
        return respond(answer_page(lambda: _der(services)))

    return site


def _pem(services: Services) -> bytes:
    if not services.ca_pem:
        raise NotFound("this server has no certificate: it serves plain HTTP on loopback")
    return services.ca_pem


def _der(services: Services) -> Reply:
    body = x509.load_pem_x509_certificate(_pem(services)).public_bytes(Encoding.DER)
    named = ("Content-Disposition", 'attachment; filename="gatehouse-ca.crt"')
    return Reply(body, content_type=DER, headers=[named])


def _page(services: Services) -> Reply:
    if not services.ca_pem:
        return Reply(render_template("scan_ca.html", plain=True).encode(), content_type=HTML)
    certificate = x509.load_pem_x509_certificate(services.ca_pem)
    text = render_template(
        "scan_ca.html",
        plain=False,
        subject=certificate.subject.rfc4514_string().removeprefix("CN="),
        until=certificate.not_valid_after_utc,
        sha256=_in_groups(certificate.fingerprint(SHA256()).hex().upper()),
        key=ca_fingerprint(services.ca_pem),
    )
    return Reply(text.encode(), content_type=HTML)


def _in_groups(text: str) -> str:
    """Return a text in groups of four, as people compare it."""
    return " ".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
