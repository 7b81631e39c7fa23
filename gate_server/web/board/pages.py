"""Declare a page once: where it is, who may open it, what it shows.

From the declaration come the authorisation, the navigation and the test of every page with every
role. A page that does not name its roles has none. What a page shows comes from the same functions
as the API's answers; what people do on it are acts (`acts.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, g, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, HTTPException

from admission.errors import AdmissionError, Forbidden
from gate_server.web.board import counted, languages
from gate_server.web.board.languages import Lazy, gettext
from gate_server.web.board.problem_words import SENTENCES, Told, tell
from gate_server.web.board.sessions import Account, Sessions
from gate_server.web.board.stacked import name_cells
from gate_server.web.callers import Caller, Role
from gate_server.web.operations import PREFIX
from gate_server.web.problems import problem_of
from gate_server.web.services import Services

STAFF: Final = frozenset({Role.STEWARD, Role.SUPERVISOR, Role.ADMIN})
LEADERS: Final = frozenset({Role.SUPERVISOR, Role.ADMIN})
READERS: Final = LEADERS | {Role.AUDITOR}
EVERYBODY: Final = frozenset(Role)

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
"""Our own scripts and styles from files, and nobody but this server: no inline code at all."""

HTML: Final = "text/html"

_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    # Forms are checked by where they come from, which must not be hidden from ourselves.
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
# What somebody with a first password may open.
_BEFORE_CHANGE: Final = frozenset({"/account", "/logout", "/language"})

log = logging.getLogger("gatehouse.board")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who has logged in.

    Attributes:
        args: the variable parts of the path; `query` what stands behind it; `form` what was sent.
        bare: htmx asks for a part of a page.
    """

    services: Services
    sessions: Sessions
    account: Account
    args: Mapping[str, str]
    query: MultiDict[str, str]
    form: MultiDict[str, str]
    address: str
    bare: bool
    now: datetime

    @property
    def caller(self) -> Caller:
        """The account as the API knows it."""
        return self.account.caller

    def may(self, roles: frozenset[Any]) -> bool:
        """Say whether the account has one of these roles."""
        return self.account.role in roles


Shown: TypeAlias = "str | Response"
View: TypeAlias = Callable[[Visit], Shown]


@dataclass(frozen=True, slots=True)
class Page:
    """One page, or what a form of one is sent to.

    Attributes:
        title: what the navigation calls it; None: it is not in the navigation.
        seldom: it stands behind "More" there, so that what is wanted in a hurry is found.
    """

    rule: str
    method: str
    view: View
    who: frozenset[Role]
    title: Lazy | None
    seldom: bool = False

    @property
    def name(self) -> str:
        """The name of its view, unique."""
        return self.view.__name__


@dataclass(slots=True)
class Section:
    """Pages about one noun; `BOARD` joins all."""

    name: str
    pages: list[Page] = field(default_factory=list)

    def page(
        self,
        rule: str,
        *,
        who: frozenset[Role],
        method: str = "GET",
        title: Lazy | None = None,
        seldom: bool = False,
    ) -> Callable[[View], View]:
        """Declare the view below as a page."""

        def declare(view: View) -> View:
            self.pages.append(Page(rule, method, view, who, title, seldom))
            return view

        return declare


class Board:
    """All pages of an application."""

    def __init__(self, app: Flask, services: Services) -> None:
        self.services = services
        self.sections: tuple[Section, ...] = ()
        self.sessions = Sessions(app, services)
        languages.install(app, services.ledger.venue)
        app.jinja_env.globals["counted"] = counted

    @property
    def pages(self) -> Iterator[Page]:
        """Every page of every section."""
        for section in self.sections:
            yield from section.pages

    def blueprint(self) -> Blueprint:
        """Make the blueprint of the pages that need a log-in."""
        site = Blueprint("board", __name__, template_folder="../templates")
        for page in self.pages:
            site.add_url_rule(
                page.rule,
                page.name,
                self._view(page),
                methods=[page.method],
                provide_automatic_options=False,
            )
        site.context_processor(self._context)
        site.after_request(guard)
        return site

    def answer_http_error(self, slug: str, error: HTTPException) -> Response:
        """Say to a person that there is no such page, or why it cannot be shown."""
        g.account = self.sessions.current()
        lost = slug in {"not-found", "method-not-allowed"}
        words = gettext("There is no such page.") if lost else str(SENTENCES[slug])
        values = {**self._context(), "problem": Told(words), "status": error.code}
        return guard(Response(show("problem.html", **values), error.code or 500))

    def _view(self, page: Page) -> Callable[..., Response]:
        def view(**args: str) -> Response:
            return self._answer(page, args)

        return view

    def _answer(self, page: Page, args: Mapping[str, str]) -> Response:
        account = self.sessions.current()
        if account is None:
            return to_log_in()
        g.account = account
        if account.must_change and page.rule not in _BEFORE_CHANGE:
            return go_on(url_for("board.show_account"))
        try:
            return self._show(page, account, args)
        except AdmissionError as error:
            return answer_problem(error)

    def _show(self, page: Page, account: Account, args: Mapping[str, str]) -> Response:
        if account.role not in page.who:
            own = self._navigation(account)
            if page.rule == "/" and own:
                # Whoever has no board begins with their own first page.
                return go_back(own[0][0])
            raise Forbidden("this page is not for your role")
        if page.method != "GET":
            try:
                self.sessions.check_form()
            except BadRequest as error:
                raise Forbidden("this form is of another session", "page-expired") from error
        visit = Visit(
            services=self.services,
            sessions=self.sessions,
            account=account,
            args=args,
            query=request.args,
            form=request.form,
            address=request.remote_addr or "",
            bare=is_bare(),
            now=self.services.ledger.clock(),
        )
        shown = page.view(visit)
        return shown if isinstance(shown, Response) else Response(shown)

    def _context(self) -> dict[str, Any]:
        """What every template may use."""
        ledger, now = self.services.ledger, self.services.ledger.clock()
        account = g.get("account")
        return {
            "account": account,
            "venue_name": self.services.settings.name,
            "language": languages.language(),
            "languages": languages.LANGUAGES,
            "navigation": [] if account is None else self._navigation(account),
            "say": languages.say,
            "clock": lambda at: languages.clock(at, ledger.venue, now),
            "instant": lambda at: languages.clock(at, ledger.venue, now, exact=True),
            "money": languages.money,
        }

    def _navigation(self, account: Account) -> list[tuple[str, Lazy, bool, bool]]:
        """Return of each page that the account may open what the menu says.

        Its address, its name, whether it is open, and whether it is seldom wanted.
        """
        return [
            (page.rule, page.title, page.rule == request.path, page.seldom)
            for page in self.pages
            if page.title is not None and account.role in page.who
        ]


def guard(response: Response) -> Response:
    """Tell the browser what an answer may do."""
    for name, value in _HEADERS:
        response.headers.setdefault(name, value)
    return response


def show(template: str, **values: object) -> str:
    """Fill in a template of the board."""
    return name_cells(render_template(f"board/{template}", **values))


def is_bare() -> bool:
    """Say whether a script asks for a part of a page, not a person for the page."""
    return request.headers.get("HX-Request") == "true"


def to_log_in() -> Response:
    """Send the browser to the log-in, and from there back."""
    here = request.full_path.rstrip("?") if request.method == "GET" and not is_bare() else ""
    address = url_for("log_in.show_log_in")
    return go_on(address if here in {"", "/"} else url_for("log_in.show_log_in", next=here))


def go_back(default: str = "/") -> Response:
    """Send the browser on to where a form says that it came from, within this server only."""
    wanted = request.form.get("next") or default
    parts = urlsplit(wanted)
    own = not parts.scheme and not parts.netloc and wanted.startswith("/")
    # `//elsewhere` and `/\elsewhere` are other hosts to a browser.
    return go_on(wanted if own and wanted[1:2] not in {"/", "\\"} else default)


def go_on(where: str) -> Response:
    """Send the browser on, the page of a dialog too."""
    if is_bare():
        return Response("", 204, {"HX-Redirect": where})
    answer = redirect(where, 303)
    assert isinstance(answer, Response)  # noqa: S101 - Flask's own class
    return answer


def answer_problem(error: AdmissionError) -> Response:
    """Say to a person what went wrong."""
    reply = problem_of(error)
    if reply.problem.status >= 500:
        log.warning("a page was not shown: %s", error)
    text = show("problem.html", problem=tell(error), status=reply.problem.status)
    return Response(text, reply.problem.status, dict(reply.headers))


def is_person() -> bool:
    """Say whether it is a browser that shows a page, or a part of one, which asks."""
    shown = is_bare() or "text/html" in request.headers.get("Accept", "")
    return shown and not request.path.startswith(PREFIX)
