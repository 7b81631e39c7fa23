"""Hand replies to Flask, and write what a page answers."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from flask import Response
from msgspec import Struct

from admission.errors import AdmissionError
from gate_server.web.operations import Reply, write_problem
from gate_server.web.problems import problem_of

# What a browser may do with anything from here: show it, and run nothing.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
_BROWSER = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
)


def respond(reply: Reply, *, policy: str = _POLICY) -> Response:
    """Make Flask's response of a reply.

    Args:
        policy: what a browser may do with it.
    """
    body = reply.body
    return Response(
        body,
        reply.status,
        [*reply.headers, *_BROWSER, ("Content-Security-Policy", policy)],
        content_type=reply.content_type,
        # An event stream is handed on as it is, so that ending it never meets its running thread.
        direct_passthrough=not isinstance(body, bytes),
    )


def answer_page(make: Callable[[], Reply]) -> Reply:
    """Return what a page answers, or its problem; outside the API nothing else turns them."""
    try:
        reply = make()
    except AdmissionError as error:
        reply = write_problem(problem_of(error))
    reply.headers.append(("Cache-Control", "no-store"))
    return reply


def write_json(answer: Struct) -> Reply:
    """Write an answer."""
    return Reply(msgspec.json.encode(answer))
