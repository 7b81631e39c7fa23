"""Pages about accounts: who has one, add and reset them, end what is open in their name."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from gate_server.ledger.accounts import end_sessions
from gate_server.web.board.acts import Act, Body, Subject, by_command, declare
from gate_server.web.board.fields import Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext
from gate_server.web.board.once import show_once
from gate_server.web.board.ops_acts import by_named, platform_choices
from gate_server.web.board.pages import Section, Shown, Visit, show
from gate_server.web.callers import Role

users: Final = Section("users")

ROLES: Final = (
    (Role.STEWARD.value, lazy_gettext("steward: sees the board")),
    (Role.SUPERVISOR.value, lazy_gettext("supervisor: runs the gates")),
    (Role.ADMIN.value, lazy_gettext("admin: accounts and settings, too")),
    (Role.PARTNER.value, lazy_gettext("partner: one platform's deals")),
    (Role.AUDITOR.value, lazy_gettext("auditor: reads everything, changes nothing")),
)
_ADMIN: Final = frozenset({Role.ADMIN})
_READERS: Final = _ADMIN | {Role.AUDITOR}


@users.page("/users", who=_READERS, title=lazy_gettext("Accounts"), seldom=True)
def show_users(visit: Visit) -> Shown:
    """List all accounts, those that are disabled last."""
    found = visit.services.ledger.catalogue.users.values()
    rows = sorted(found, key=lambda user: (user.disabled, user.name))
    return show("users.html", rows=rows, roles=dict(ROLES), may=visit.may(_ADMIN))


def _tell(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    user = visit.services.ledger.catalogue.users.get(subject["user"])
    if user is None:
        return []
    told = [gettext("%(name)s is %(role)s.", name=user.name, role=dict(ROLES)[user.role])]
    if user.name == visit.account.name:
        told.append(gettext("This is your own account: you are logged out, too."))
    told.append(gettext("Every browser where it is logged in is logged out at once."))
    return told


def _tell_new_secrets(visit: Visit, subject: Subject, body: Body) -> list[str]:
    return [
        *_tell(visit, subject, body),
        gettext("The password and the API token until now are worth nothing any more."),
    ]


def _first_password(visit: Visit, _subject: Subject, result: Any) -> Response:
    return show_once(
        visit,
        gettext("Account %(name)s", name=result["name"]),
        [
            (gettext("Name"), result["name"]),
            (gettext("First password, to be changed at the first log-in"), result["password"]),
        ],
        more=[(gettext("API token, for programs"), result["api_token"])],
    )


def _end_sessions(visit: Visit, subject: Subject, _body: Body) -> None:
    name, by = subject["user"], visit.account.name
    visit.services.ledger.write(lambda tx: end_sessions(tx, name, by=by), urgent=True)


declare(
    Act(
        "user-add",
        lazy_gettext("Add an account"),
        _ADMIN,
        by_command("user add"),
        fields=(
            Field(
                "name",
                lazy_gettext("Name to log in with"),
                longest=40,
                hint=lazy_gettext("Letters, digits, - and _; it cannot be changed later."),
            ),
            Field("role", lazy_gettext("Role"), Kind.CHOICE, choices=ROLES),
            Field(
                "platform",
                lazy_gettext("Platform, of a partner only"),
                Kind.CHOICE,
                choices=platform_choices,
                needed=False,
            ),
        ),
        password=True,
        said=_first_password,
    ),
    Act(
        "user-reset",
        lazy_gettext("New first password"),
        _ADMIN,
        by_named("user reset", "user"),
        subject=("user",),
        tells=_tell_new_secrets,
        password=True,
        said=_first_password,
    ),
    Act(
        "user-disable",
        lazy_gettext("Disable the account"),
        _ADMIN,
        by_named("user disable", "user"),
        subject=("user",),
        tells=_tell,
        password=True,
        grave=True,
    ),
    Act(
        "user-log-out",
        lazy_gettext("Log out everywhere"),
        _ADMIN,
        _end_sessions,
        subject=("user",),
        tells=_tell,
        password=True,
    ),
)
