"""Declare an act once: what is asked, what is told before it is done, and the call that does it.

An act is a dialog over a page: its fields, its consequence in numbers, and one button that does it.
What does it is a call of the API or a command, with the roles, rules and audit lines that those
have; here is no rule. Without scripts the dialog is a page of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from flask import Response, flash, url_for
from werkzeug.datastructures import MultiDict

from admission.errors import AdmissionError, Fault, Forbidden, InvalidInput, NotFound
from gate_server.web.board.fields import Field, read_fields
from gate_server.web.board.languages import Lazy, gettext, lazy_gettext
from gate_server.web.board.names import names_of
from gate_server.web.board.pages import Section, Shown, Visit, go_back, go_on, show
from gate_server.web.board.problem_words import Told, tell
from gate_server.web.callers import Role
from gate_server.web.operations import Noun, Operation
from gate_server.web.problems import Refused, problem_of

Subject: TypeAlias = Mapping[str, str]
"""What an act is about, from the address: a gate's id, a scan's nonce and device."""

Body: TypeAlias = dict[str, Any]
"""What the call gets, JSON."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Another act that a dialog leads to: what people read, which act, and what it is about."""

    words: str
    name: str
    subject: Subject


def _says_nothing(_visit: Visit, _subject: Subject, _body: Body) -> Sequence[str]:
    return ()


def _asks_nothing(_visit: Visit, _subject: Subject) -> Sequence[Field]:
    return ()


def _nothing_beside(_visit: Visit) -> Sequence[Beside]:
    return ()


def _nothing_more(_subject: Subject, body: Body) -> Body:
    return body


def _done(_visit: Visit, _subject: Subject, _result: Any) -> str:
    return gettext("Done.")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that people do on a page.

    Attributes:
        name: in the address, `gate-state`.
        who: roles that may; the call's own, where it is one.
        run: does it: an operation's `perform` or a command.
        subject: names of what it is about, each in the address of the dialog.
        asks: further fields, where they depend on what it is about.
        tells: its consequence, in sentences with numbers; with `preview` it needs what was filled
            in, and is told after the first press of the button, before the second does it; where
            nothing needs to be filled in it is told at once, and done unless something was.
        shape: makes the call's body of the subject and the fields.
        about: what people call what it is about, for its title.
        beside: other acts that its dialog leads to.
        password: the account's password is asked for again.
        grave: it is drawn so that nobody presses it by mistake.
        said: what is told once it is done: a text, or a page of what is shown this once only.
    """

    name: str
    title: Lazy
    who: frozenset[Any]
    run: Callable[[Visit, Subject, Body], Any]
    fields: tuple[Field, ...] = ()
    subject: tuple[str, ...] = ()
    asks: Callable[[Visit, Subject], Sequence[Field]] = _asks_nothing
    tells: Callable[[Visit, Subject, Body], Sequence[str]] = _says_nothing
    shape: Callable[[Subject, Body], Body] = _nothing_more
    about: Callable[[Visit, Subject], Sequence[str]] = names_of
    beside: Callable[[Visit], Sequence[Beside]] = _nothing_beside
    button: Lazy | None = None
    preview: bool = False
    password: bool = False
    grave: bool = False
    said: Callable[[Visit, Subject, Any], Shown] = _done

    def fields_of(self, visit: Visit, subject: Subject) -> tuple[Field, ...]:
        """Return all fields that are asked for."""
        return (*self.asks(visit, subject), *self.fields)

    def subject_of(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return what it is about, from an address or a form.

        Raises:
            InvalidInput: a part is missing.
        """
        for name in self.subject:
            if not given.get(name):
                raise InvalidInput(name, "say what this is about", Fault.MISSING)
        return {name: given[name] for name in self.subject}


@dataclass(frozen=True, slots=True)
class ByCall:
    """Runs a call of the API for `Act.run`; parts of the subject that its path names go there."""

    operation: Operation
    query: Mapping[str, str]

    def __call__(self, visit: Visit, subject: Subject, body: Body) -> Any:
        """Make the call.

        Raises:
            AdmissionError: whatever the call raises.
        """
        rule = self.operation.rule
        return self.operation.perform(
            visit.services,
            visit.caller,
            args={name: subject[name] for name in subject if f"<{name}>" in rule},
            body=body,
            query=self.query,
            address=visit.address,
        )


def by_call(
    noun: Noun, view: str, *, query: Mapping[str, str] | None = None
) -> tuple[frozenset[Any], ByCall]:
    """Return who may make a call of the API, and how it is made, for `Act.who` and `Act.run`.

    Args:
        view: the name of the call's view.
    """
    operation = find_operation(noun, view)
    # Devices have no page of ours.
    who = frozenset(each for each in operation.who if isinstance(each, Role))
    return who, ByCall(operation, query or {})


def by_command(name: str) -> Callable[[Visit, Subject, Body], Any]:
    """Return how a command of `gate-server` is run, for `Act.run`; the act says who may."""

    def run(visit: Visit, subject: Subject, body: Body) -> Any:
        return visit.services.command(name, {**subject, **body}, visit.account.name)

    return run


def find_operation(noun: Noun, view: str) -> Operation:
    """Return a call of the API by its view's name."""
    return next(each for each in noun.operations if each.name == view)


acts = Section("acts")
REGISTRY: Final[dict[str, Act]] = {}
"""Every act by its name."""

_ANYBODY: Final = frozenset(Role)
# Steps of a dialog with a preview: told as it stands with nothing filled in; told as filled in: do.
_AS_TOLD: Final = "as-told"


def declare(*found: Act) -> None:
    """Make acts known; each page's module declares its own."""
    for act in found:
        assert act.name not in REGISTRY, act.name  # noqa: S101 - our own names
        REGISTRY[act.name] = act


@acts.page("/act/<name>", who=_ANYBODY)
def ask(visit: Visit) -> Shown:
    """Show an act's dialog."""
    act = _find(visit)
    subject = act.subject_of(visit.query)
    if _tells_at_once(visit, act, subject):
        told = act.tells(visit, subject, act.shape(subject, {}))
        return _dialog(visit, act, subject, told=told, step=_AS_TOLD)
    return _dialog(visit, act, subject)


@acts.page("/act/<name>", who=_ANYBODY, method="POST")
def do(visit: Visit) -> Shown:
    """Do an act, or tell its consequence first."""
    act = _find(visit)
    subject = act.subject_of(visit.form)
    try:
        body = act.shape(subject, read_fields(act.fields_of(visit, subject), visit, subject))
        if act.preview and not _is_told(visit, act, subject, body):
            return _dialog(visit, act, subject, told=act.tells(visit, subject, body), step="do")
        if act.password:
            own = visit.form.get("password", "")
            visit.sessions.prove(visit.account.name, own, visit.address)
        result = act.run(visit, subject, body)
    except AdmissionError as error:
        # The fields are open again, so what they come to is told again before it is done.
        page = _dialog(visit, act, subject, problem=_problem(error, act.fields_of(visit, subject)))
        return Response(page, problem_of(error).problem.status)
    return _finish(visit, act.said(visit, subject, result))


def _tells_at_once(visit: Visit, act: Act, subject: Subject) -> bool:
    """Say whether an act with a preview needs nothing filled in."""
    return act.preview and not any(field.needed for field in act.fields_of(visit, subject))


def _is_told(visit: Visit, act: Act, subject: Subject, body: Body) -> bool:
    """Say whether what would be done now is what was told."""
    step = visit.form.get("step")
    if step == _AS_TOLD and _tells_at_once(visit, act, subject):
        return body == act.shape(subject, {})
    return step == "do"


def then(name: str) -> Callable[[Visit, Subject, Any], Shown]:
    """Return what shows another act's dialog once one is done, for `Act.said`."""

    def said(visit: Visit, _subject: Subject, _result: Any) -> Shown:
        if visit.bare:
            return Response(_dialog(visit, REGISTRY[name], {}), headers={"HX-Trigger": "acted"})
        return go_on(url_for("board.ask", name=name))

    return said


def _find(visit: Visit) -> Act:
    act = REGISTRY.get(visit.args["name"])
    if act is None:
        raise NotFound(f"no act {visit.args['name']}")
    if not visit.may(act.who):
        raise Forbidden("this is not for your role")
    return act


def _dialog(
    visit: Visit,
    act: Act,
    subject: Subject,
    *,
    told: Sequence[str] | None = None,
    problem: Told | None = None,
    step: str = "",
) -> str:
    back = visit.form.get("next") or visit.query.get("next") or "/"
    if act is not REGISTRY.get(visit.args["name"]):
        # What was typed belongs to the act that it was typed for: a reason to no other.
        visit = replace(visit, form=MultiDict())
    if told is None:
        told = () if act.preview else act.tells(visit, subject, {})
    fields = act.fields_of(visit, subject)
    values = {field.name: field.value_of(visit, subject) for field in fields}
    return show(
        "act.html",
        act=act,
        subject=subject,
        about=act.about(visit, subject),
        told=told,
        problem=problem,
        step=step,
        beside=act.beside(visit) if not step else (),
        fields=fields,
        values=values,
        unfolded=bool(problem) or any(values[each.name] for each in fields if each.folded),
        choices={field.name: field.choices_of(visit) for field in fields},
        decimals={field.name: field.decimals_of(visit, subject) for field in fields},
        next=back,
        here=url_for("board.do", name=act.name),
        bare=visit.bare,
    )


def _finish(visit: Visit, said: Shown) -> Shown:
    """Close the dialog, tell what was done, and have the page behind it drawn anew."""
    if isinstance(said, Response):
        return said
    if visit.bare:
        return Response(show("done.html", said=said), headers={"HX-Trigger": "acted"})
    flash(said)
    return go_back()


def _problem(error: AdmissionError, fields: Sequence[Field]) -> Told:
    if isinstance(error, Refused) and problem_of(error).problem.status == 429:
        return Told(gettext("Too many wrong passwords. Please wait a quarter of an hour."))
    if isinstance(error, Forbidden) and error.slug == "log-in-failed":
        return Told(gettext("The password is not right."))
    return tell(error, {field.name: field.label for field in fields})


REASON: Final = Field("reason", lazy_gettext("Reason"), longest=500)
"""The field that nearly every act has: why."""


def why(*usual: Lazy) -> Field:
    """Return that field with what is usual, so that one press answers it."""
    return replace(REASON, suggestions=usual)
