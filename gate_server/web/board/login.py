"""The pages around the account: log in and out, the password, the language."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from admission.errors import AdmissionError, Fault, Forbidden, InvalidInput
from gate_server.ledger.accounts import end_sessions
from gate_server.web.board import languages
from gate_server.web.board.languages import gettext, lazy_gettext
from gate_server.web.board.pages import (
    EVERYBODY,
    Board,
    Section,
    Shown,
    Visit,
    go_back,
    guard,
    show,
    to_log_in,
)
from gate_server.web.board.problem_words import tell
from gate_server.web.problems import Refused, problem_of

account = Section("account")


def log_in(board: Board) -> Blueprint:
    """Make the blueprint of the log-in, which anybody may open."""
    site = Blueprint("log_in", __name__, template_folder="../templates")
    site.context_processor(board._context)
    site.after_request(guard)

    @site.get("/login")
    def show_log_in() -> Shown:
        return show("login.html", next=request.args.get("next", "/"))

    @site.post("/login")
    def try_log_in() -> Shown | tuple[str, int]:
        name, form = request.form.get("name", "").strip(), request.form
        try:
            board.sessions.check_form()
            board.sessions.log_in(name, form.get("password", ""), request.remote_addr or "")
        except BadRequest:
            # The form stood open since before the server was started anew, or cookies are off.
            problem = gettext("The page was out of date; please try again.")
            return show("login.html", name=name, next=form.get("next", "/"), problem=problem), 400
        except AdmissionError as error:
            problem, status = _words(error), problem_of(error).problem.status
            page = show("login.html", name=name, next=form.get("next", "/"), problem=problem)
            return page, status
        return go_back()

    return site


@account.page("/account", who=EVERYBODY)
def show_account(visit: Visit) -> Shown:
    """Show who has logged in, and let the password be changed."""
    return show("account.html", ends_at=visit.sessions.ends_at())


@account.page("/account", who=EVERYBODY, method="POST")
def change_own_password(visit: Visit) -> Shown:
    """Change the password."""
    old, new = visit.form.get("old", ""), visit.form.get("new", "")
    try:
        if new != visit.form.get("again", ""):
            raise InvalidInput("again", "the new password twice, the same")
        visit.sessions.change_password(visit.account, old, new, visit.address)
    except (Forbidden, InvalidInput, Refused) as error:
        page = show("account.html", ends_at=visit.sessions.ends_at(), problem=_words(error))
        return Response(page, problem_of(error).problem.status)
    return go_back()


@account.page("/account/sessions/end", who=EVERYBODY, method="POST")
def end_own_sessions(visit: Visit) -> Shown:
    """Log the account out on every machine."""
    name = visit.account.name
    visit.services.ledger.write(lambda tx: end_sessions(tx, name, by=name), urgent=True)
    visit.sessions.log_out()
    return to_log_in()


@account.page("/logout", who=EVERYBODY, method="POST")
def log_out(visit: Visit) -> Shown:
    """Log this browser out."""
    visit.sessions.log_out()
    return to_log_in()


@account.page("/language", who=EVERYBODY, method="POST")
def choose_language(visit: Visit) -> Shown:
    """Show everything in another language from now on."""
    languages.choose(visit.form.get("language", ""))
    return go_back()


def _words(error: AdmissionError) -> str:
    if isinstance(error, InvalidInput):
        if error.field == "again":
            return gettext("Please type the new password twice, the same.")
        if error.fault is Fault.GUESSED:
            return gettext("Please take another password than before, and not your name.")
        return gettext("Please take a new password of 10 to 200 characters.")
    if isinstance(error, Refused):
        return gettext("Too many wrong passwords. Please wait a quarter of an hour.")
    if isinstance(error, Forbidden):
        return gettext("The name or the password is not right.")
    return tell(error).words


TITLE = lazy_gettext("Account")
