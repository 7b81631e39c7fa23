"""Who sits at the browser: log in, stay logged in, be logged out everywhere at once.

Flask-Login keeps the account's key in a signed cookie. The key carries the number of the account's
sessions and the ledger's epoch, so that disabling an account, a new password or a restore ends
every session, on whatever machine it is open, with the next request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask import Flask, request, session
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect, validate_csrf
from wtforms.validators import ValidationError

from admission.calendar import from_ms, to_ms
from admission.errors import Fault, Forbidden, InvalidInput
from gate_server.ledger.accounts import (
    change_password,
    find_password_hash,
    keep_rehashed,
    note_lock_out,
    note_log_in,
)
from gate_server.ledger.catalogue import User
from gate_server.secrets import hash_password, password_is_dated, password_matches
from gate_server.web.callers import Caller, Role
from gate_server.web.problems import Refused
from gate_server.web.services import Services

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 200
LASTS: Final = timedelta(hours=12)
"""A session ends after the longest shift, whether it was used or not."""

_BEGUN = "begun"


@dataclass(frozen=True, slots=True)
class Account:
    """Who has logged in.

    Attributes:
        key: what the cookie carries: whose session, of which number, in which life of the ledger.
        must_change: a new password must be chosen before anything else.
    """

    user: User
    key: str
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    @property
    def name(self) -> str:
        """The account's name."""
        return self.user.name

    @property
    def role(self) -> Role:
        """What it may do."""
        return Role(self.user.role)

    @property
    def must_change(self) -> bool:
        """Whether its password is still the first one."""
        return self.user.must_change

    @property
    def caller(self) -> Caller:
        """The account as the API knows it."""
        return Caller(self.user.name, self.role, None, self.user.platform)

    def get_id(self) -> str:
        """Return what Flask-Login puts into the cookie."""
        return self.key


class Sessions:
    """Log-ins of one server's application."""

    def __init__(self, app: Flask, services: Services) -> None:
        self._services = services
        https = services.ca_pem != b""
        app.secret_key = services.keys.session_secret()
        app.config.update(
            # A browser lets nobody but this host set a cookie of that name, and only over TLS.
            SESSION_COOKIE_NAME="__Host-gatehouse" if https else "gatehouse",
            SESSION_COOKIE_SECURE=https,
            SESSION_COOKIE_HTTPONLY=True,
            SESSION_COOKIE_SAMESITE="Lax",
            # A page that stood open for a shift must still be able to pause a gate.
            WTF_CSRF_TIME_LIMIT=None,
            WTF_CSRF_CHECK_DEFAULT=False,
        )
        # Not by `init_app`, which looks at the session after every call of the API, for a cookie
        # that lasts for a year and that nobody gets here.
        manager = LoginManager()
        vars(app)["login_manager"] = manager
        manager.session_protection = None
        manager.user_loader(self.find_account)
        self._csrf = CSRFProtect(app)

    def find_account(self, key: str) -> Account | None:
        """Return whose session a key is of; None where it has ended."""
        ledger = self._services.ledger
        name = key.partition("/")[0]
        user = ledger.catalogue.users.get(name)
        if user is None or user.disabled or key != self._key(user, user.session_no):
            return None
        return Account(user, key)

    def current(self) -> Account | None:
        """Return who sends this request; None for nobody, and after the longest shift."""
        account = current_user._get_current_object()
        begun = session.get(_BEGUN)
        if not isinstance(account, Account) or not isinstance(begun, int):
            return None
        return account if self._services.ledger.clock() < from_ms(begun) + LASTS else None

    def find_caller(self, *, changes: bool) -> Caller | None:
        """Return who calls the API from a page of ours; None where nobody has logged in.

        Raises:
            Forbidden: it changes something without this session's token in X-CSRF-Token.
        """
        account = self.current()
        if account is None or account.must_change:
            return None
        if changes:
            try:
                validate_csrf(request.headers.get("X-CSRF-Token"))
            except ValidationError as error:
                raise Forbidden("send this session's X-CSRF-Token") from error
        return account.caller

    def is_open(self, account: Account, ends_at: datetime, now: datetime) -> bool:
        """Say whether a session that was open goes on."""
        return now < ends_at and self.find_account(account.key) is not None

    def ends_at(self) -> datetime:
        """Return when the session of this request ends by itself."""
        return from_ms(session[_BEGUN]) + LASTS

    def check_form(self) -> None:
        """Turn away what no page of ours has sent.

        Raises:
            BadRequest: of Flask-WTF: no token of this session, or another site's.
        """
        self._csrf.protect()

    def log_in(self, name: str, password: str, address: str) -> Account:
        """Begin a session.

        Raises:
            Forbidden: `log-in-failed`, whatever was wrong.
            Refused: 429, too many wrong ones.
        """
        self.prove(name, password, address)
        account = self._begin(self._services.ledger.catalogue.users[name].name)
        self._services.ledger.write(lambda tx: note_log_in(tx, name), urgent=True)
        return account

    def prove(self, name: str, password: str, address: str) -> None:
        """Have an account's password given once more.

        Raises:
            Forbidden: `log-in-failed`.
            Refused: 429, too many wrong ones of this account, or from this address.
        """
        attempts, ledger = self._services.attempts, self._services.ledger
        known = name in ledger.catalogue.users
        try:
            attempts.count_log_in(name, address)
        except Refused:
            if known and attempts.is_first_lock_out(name):
                ledger.write(lambda tx: note_lock_out(tx, name), urgent=True)
            raise
        stored = ledger.read(lambda db: find_password_hash(db, name)) if known else None
        if not password_matches(stored, password):
            raise Forbidden("name or password is not right", slug="log-in-failed")
        attempts.log_in_was_right(name, address)
        if stored is not None and password_is_dated(stored):
            made = hash_password(password)
            ledger.write(lambda tx: keep_rehashed(tx, name, stored, made))

    def change_password(self, account: Account, old: str, new: str, address: str) -> Account:
        """Keep a new password; every other session of the account ends.

        Raises:
            InvalidInput: `new`, too short, too long, or the old one.
            Forbidden, Refused: as `prove`.
        """
        self.prove(account.name, old, address)
        if not SHORTEST_PASSWORD <= len(new) <= LONGEST_PASSWORD:
            raise InvalidInput(
                "new", f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters", Fault.FORM
            )
        if new in {old, account.name}:
            raise InvalidInput(
                "new", "another one than before, and not the account's name", Fault.GUESSED
            )
        made, name = hash_password(new), account.name
        self._services.ledger.write(
            lambda tx: change_password(tx, name, made, by=name), alone=True, urgent=True
        )
        return self._begin(name)

    def log_out(self) -> None:
        """End this browser's session."""
        logout_user()
        session.clear()

    def _begin(self, name: str) -> Account:
        user = self._services.ledger.catalogue.users[name]
        account = Account(user, self._key(user, user.session_no))
        # Nothing of a session before, its form tokens neither, goes over into this one.
        language = session.get("language")
        session.clear()
        if language is not None:
            session["language"] = language
        session.permanent = False
        session[_BEGUN] = to_ms(self._services.ledger.clock())
        login_user(account)
        return account

    def _key(self, user: User, number: int) -> str:
        return f"{user.name}/{number}/{self._services.ledger.epoch}"
