"""Join ledger, keys and settings into the gate server's web application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from gate_server.bills import Bills
from gate_server.checkin import CheckIn, Limits
from gate_server.commands import services as commands
from gate_server.commands import table
from gate_server.crowd import CrowdBook
from gate_server.keyring import Keyring
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.recent import recent_scans
from gate_server.ledger.reports import DealBook
from gate_server.pushes import Pushes
from gate_server.readthrough import ReadThrough
from gate_server.retries import Retries
from gate_server.segments import Segments
from gate_server.settings import Settings, read_messages, read_why_words
from gate_server.web.answers import Answers
from gate_server.web.attempts import Attempts
from gate_server.web.board.live import Live
from gate_server.web.board.login import log_in
from gate_server.web.board.pages import Board, is_person
from gate_server.web.board.sections import LIVE_PAGES, sections
from gate_server.web.callers import Caller
from gate_server.web.calls import WAITS_FOR, Calls
from gate_server.web.clocks import ClockWatch
from gate_server.web.downloads import Downloads
from gate_server.web.hand import hand
from gate_server.web.hand_trust import trust
from gate_server.web.health import health
from gate_server.web.hub import Hub
from gate_server.web.nouns import NOUNS
from gate_server.web.openapi import make_document
from gate_server.web.operations import PREFIX, Noun, Operation, write_problem
from gate_server.web.pages import pages
from gate_server.web.picks import Picks
from gate_server.web.problems import make_problem
from gate_server.web.replies import respond
from gate_server.web.routing import MatchedRule
from gate_server.web.scans import scans
from gate_server.web.services import Services
from gate_server.web.signers import Signers
from gate_server.web.stats import make_stats
from gate_server.web.timings import Timings
from gate_server.why import WhyBook

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SCANS_PATH = f"{PREFIX}/scans"
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class GateApp(Flask):
    """The application; `close` ends its event streams, downloads and its own threads.

    Attributes:
        board: what staff see in a browser, once it has joined.
    """

    url_rule_class = MatchedRule

    def __init__(self, services: Services) -> None:
        super().__init__("gate_server.web", static_folder=None, template_folder=None)
        self.services = services
        self._retries = Retries(services.ledger, services.keys, services.settings)
        self._live: Live | None = None
        self.board: Board | None = None
        self._submit_scan = next(each for each in scans.operations if each.rule == "/scans")

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; scans go by Flask's routing and contexts.

        Those are most of what a scan costs. A list lets the server send the answer in one piece.
        """
        if environ["PATH_INFO"] != SCANS_PATH or environ["REQUEST_METHOD"] != "POST":
            return super().wsgi_app(environ, start_response)
        reply = self._submit_scan.answer(self.services, environ, {})
        assert isinstance(reply.body, bytes)  # noqa: S101 - only event streams are not
        reply.headers.append(("Content-Type", reply.content_type))
        reply.headers.append(("Content-Length", str(len(reply.body))))
        start_response(_STATUS_LINES[reply.status], reply.headers)
        return [reply.body]

    def join_board(self) -> None:
        """Add what staff see in a browser."""
        self.board = board = Board(self, self.services)
        self._live = Live(self, self.services, board.sessions, LIVE_PAGES)
        board.sections = sections(self._live)
        self.register_blueprint(board.blueprint())
        self.register_blueprint(log_in(board))

    def seated(self, changes: bool) -> Caller | None:
        """Return who has logged in at the browser that sends this request.

        Raises:
            Forbidden: it changes something, and no page of ours has sent it.
        """
        return None if self.board is None else self.board.sessions.find_caller(changes=changes)

    def answer_http_error(self, error: HTTPException) -> Response:
        """Say that there is no such page or call: to a person as a page, to a program as JSON."""
        slug = _SLUGS.get(error.code or 500, "internal")
        allowed = [header for header in error.get_headers() if header[0] == "Allow"]
        if self.board is not None and is_person():
            page = self.board.answer_http_error(slug, error)
            page.headers.extend(allowed)
            return page
        reply = write_problem(make_problem(slug, error.description or ""))
        reply.headers += [*allowed, ("Cache-Control", "no-store")]
        return respond(reply)

    def start(self) -> None:
        """Begin what goes on by itself."""
        self.services.hub.start()
        self._retries.start()
        if self._live is not None:
            self._live.start()

    def close(self) -> None:
        """End what listens; the ledger is its opener's."""
        self._retries.stop()
        if self._live is not None:
            self._live.stop()
        self.services.hub.stop()
        self.services.downloads.stop()
        self.services.read_through.stop()


def create_app(
    ledger: Ledger, keys: Keyring, settings: Settings, *, ca_pem: bytes = b""
) -> GateApp:
    """Make the application of an open ledger.

    Args:
        ca_pem: the venue's authority, which `/ca` hands out; b"" over plain HTTP.
    """
    app = GateApp(_services(ledger, keys, settings, ca_pem))
    # No redirects: a path is right, or there is nothing.
    app.url_map.merge_slashes = False
    for noun in NOUNS:
        _add_calls(app, noun)
    app.register_blueprint(health(app.services))
    app.register_blueprint(pages())
    app.register_blueprint(hand(app.services))
    app.register_blueprint(trust(app.services))
    app.join_board()
    app.register_error_handler(HTTPException, app.answer_http_error)
    app.start()
    return app


def _services(ledger: Ledger, keys: Keyring, settings: Settings, ca_pem: bytes) -> Services:
    segments = Segments(ledger, keys, settings)
    deal_book = DealBook(ledger)
    services = Services(
        ledger=ledger,
        keys=keys,
        settings=settings,
        check_in=CheckIn(keys, _limits(settings)),
        answers=Answers(
            read_messages(ledger.venue, settings.help_desk),
            Picks(keys, ledger.epoch),
            lambda: ledger.catalogue,
            settings.name,
        ),
        attempts=Attempts(settings),
        calls=Calls(recent_scans(ledger, ledger.clock() - WAITS_FOR)),
        timings=Timings(ledger.tallies),
        hub=Hub(ledger, settings.streams, lambda: msgspec.json.encode(make_stats(services))),
        clocks=ClockWatch(),
        segments=segments,
        downloads=Downloads(ledger, segments),
        deal_book=deal_book,
        bills=Bills(ledger),
        read_through=ReadThrough(ledger, keys, settings),
        why=WhyBook(ledger, deal_book, read_why_words(ledger.venue)),
        crowd=CrowdBook(ledger, settings),
        signers=Signers(ledger, keys),
        pushes=Pushes(ledger, keys, settings),
        ca_pem=ca_pem,
        openapi=cache(partial(make_document, NOUNS)),
        command=lambda name, params, by: table.run(
            commands.Services(ledger, keys, settings, ledger.directory, by=by), name, params
        ),
    )
    return services


def _limits(settings: Settings) -> Limits:
    return Limits(
        settings.people_limit,
        settings.stale_after_s,
        settings.operator_required,
        settings.anomalies.most_arrivals,
    )


def _add_calls(app: GateApp, noun: Noun) -> None:
    for operation in noun.operations:
        app.add_url_rule(
            PREFIX + operation.rule,
            f"{noun.name}.{operation.name}",
            _view(app, operation),
            methods=[operation.method],
            provide_automatic_options=False,
        )


def _view(app: GateApp, operation: Operation) -> Callable[..., Response]:
    def view(**args: str) -> Response:
        return respond(operation.answer(app.services, request.environ, args, app.seated))

    return view


_SLUGS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 400: "invalid"}
