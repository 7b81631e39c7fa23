"""What people get who have not logged in: how to enrol a device, and what pages are drawn by."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from gate_server.web.hand import HTML, POLICY
from gate_server.web.operations import Reply
from gate_server.web.replies import answer_page, respond


def pages() -> Blueprint:
    """Make the blueprint of the pages."""
    site = Blueprint("pages", __name__, template_folder="templates", static_folder="static")

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
