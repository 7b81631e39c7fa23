"""Pages for people who have not logged in: how to enrol, the hand-over sheet on its own screen."""

from __future__ import annotations

import ipaddress

from flask import Blueprint, Response, render_template, request

from admission.errors import Forbidden
from gate_server.handover import Page, make_sheet, read_asked
from gate_server.web.callers import Environ
from gate_server.web.hand import HTML, POLICY
from gate_server.web.health import is_loopback
from gate_server.web.operations import Reply
from gate_server.web.replies import answer_page, respond
from gate_server.web.services import Services


def pages(services: Services) -> Blueprint:
    """Make the blueprint of the pages."""
    site = Blueprint("pages", __name__, template_folder="templates", static_folder="static")

    @site.get("/handover")
    def handover() -> Response:
        return respond(answer_page(lambda: _handover(services, request.environ)))

    @site.get("/enrol")
    def enrol() -> Response:
        return respond(
            answer_page(lambda: Reply(_page("enrol.html"), content_type=HTML)), policy=POLICY
        )

    @site.after_request
    def guard(response: Response) -> Response:
        # A worker of the hand scanner runs under the policy that its own file comes with.
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    return site


def _page(template: str, **values: object) -> bytes:
    return render_template(template, **values).encode()


def _handover(services: Services, environ: Environ) -> Reply:
    _check_own_screen(environ, "the hand-over sheet")
    query = request.args
    asked = read_asked(*(query.get(name) for name in ("day", "operator", "gate", "counted")))
    page = Page(services.ledger.venue, services.answers.messages, services.settings.name)
    text = page.write(make_sheet(services.ledger, asked), served=True)
    return Reply(text.encode(), content_type=HTML)


def _check_own_screen(environ: Environ, what: str) -> None:
    # Until people can log in, whoever sits at this machine may look, and nobody else.
    if not is_loopback(environ) or not _names_this_machine(environ.get("HTTP_HOST", "")):
        raise Forbidden(f"{what} is shown on the server's own screen only: open 127.0.0.1")


def _names_this_machine(host: str) -> bool:
    """Say whether a Host header is loopback's: another name may be a web site's that rebinds."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
