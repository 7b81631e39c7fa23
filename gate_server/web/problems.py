"""Say over HTTP what went wrong: RFC 9457, with one stable type for each kind of problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from admission import wire
from admission.errors import (
    AdmissionError,
    Forbidden,
    InvalidInput,
    LedgerConflict,
    LedgerUnavailable,
    NotFound,
)

PROBLEM_JSON = "application/problem+json"
RETRY_UNDECIDED_S = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its HTTP status and its title."""

    status: int
    title: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "invalid": Kind(400, "The request cannot be used"),
        "unauthorized": Kind(401, "Who is calling?"),
        "device-unknown": Kind(401, "No device has this token"),
        "forbidden": Kind(403, "The caller may not do this"),
        "device-revoked": Kind(403, "The device was revoked"),
        "device-suspended": Kind(403, "The device is suspended"),
        "operator-required": Kind(403, "Nobody has signed in at this lane"),
        "page-expired": Kind(403, "The form is of another session"),
        "log-in-failed": Kind(403, "The name or the password is not right"),
        "sign-in-failed": Kind(403, "The badge or PIN is not right"),
        "password-needed": Kind(403, "The password must be given once more"),
        "not-found": Kind(404, "There is no such thing"),
        "method-not-allowed": Kind(405, "Not this method here"),
        "not-refused": Kind(409, "Nobody was refused by it"),
        "nonce-reused": Kind(409, "The nonce belongs to something else"),
        "annulled": Kind(409, "The scan was annulled"),
        "not-admitted": Kind(409, "Nobody was let in by it"),
        "too-late": Kind(409, "Too late for that"),
        "ticket-used": Kind(409, "A ticket of it was used"),
        "turned-already": Kind(409, "They have passed the turnstile"),
        "ticket-dead": Kind(409, "The ticket was replaced or taken back"),
        "no-voucher": Kind(409, "No voucher stands behind it"),
        "moved-since": Kind(409, "The voucher was used again since"),
        "admitted-already": Kind(409, "It has let people in already"),
        "not-an-entry": Kind(409, "It did not ask to let anybody in"),
        "not-a-call": Kind(409, "Nobody waits for a human by it"),
        "not-a-stamp": Kind(409, "It is no arrival stamp"),
        "deal-voided": Kind(409, "The deal is voided"),
        "not-held": Kind(409, "The deal is not on hold"),
        "not-voided": Kind(409, "The deal is not voided"),
        "closure-restored": Kind(409, "The closure was restored before"),
        "resolved-already": Kind(409, "The conflict was resolved before"),
        "finding-held": Kind(409, "Its deal is on hold for it"),
        "closed-already": Kind(409, "It was closed before"),
        "broadcasts-full": Kind(409, "As many broadcasts as may be are in force"),
        "evidence-full": Kind(409, "No more evidence is kept of this device"),
        "incident-closed": Kind(409, "The incident was closed before"),
        "alarm-cleared": Kind(409, "The alarm is over"),
        "decision-awaited": Kind(409, "Its deal is still on hold"),
        "push-reused": Kind(409, "The webhook-id belongs to another body"),
        "request-reused": Kind(409, "The request's id belongs to another question"),
        "cut-off-ahead": Kind(409, "Visitors may still arrive in time"),
        "nothing-new": Kind(409, "All of it stands on a list already"),
        "not-balanced": Kind(409, "The settlement's rows contradict each other"),
        "statement-old": Kind(409, "A newer statement has taken its place"),
        "statement-differs": Kind(409, "That is the hash of something else"),
        "statement-closed": Kind(409, "The statement is closed"),
        "last-admin": Kind(409, "Nobody else could manage the accounts"),
        "queue-over": Kind(409, "The queue closing is over"),
        "slips-handed-before": Kind(409, "Slips of these were handed out before"),
        "lifted-already": Kind(409, "The block was lifted before"),
        "not-appealed": Kind(409, "Nobody appeals against the block"),
        "decided-already": Kind(409, "It was decided before"),
        "no-phone": Kind(409, "No phone of the buyer is known"),
        "no-tries-left": Kind(409, "The voucher was asked about too often today"),
        "epoch-changed": Kind(409, "The ledger has begun a new life"),
        "enrolment-gone": Kind(410, "The enrolment code is of no use any more"),
        "too-large": Kind(413, "The body is too large"),
        "too-many": Kind(429, "Too many of these"),
        "internal": Kind(500, "A defect of the gate server"),
        "unavailable": Kind(503, "Nothing was decided; send the same again"),
        "streams-full": Kind(503, "No event stream is free; ask again later"),
        "downloads-full": Kind(503, "Very many are downloading; ask again in a moment"),
    }
)

CONFLICTS = frozenset(slug for slug, kind in KINDS.items() if kind.status == HTTPStatus.CONFLICT)


class Refused(AdmissionError):
    """A call that HTTP itself has to turn away.

    Attributes:
        slug: one of KINDS.
        retry_after_s: when to ask again; None: that is no use.
    """

    def __init__(self, slug: str, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.slug = slug
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class ProblemReply:
    """A problem as it goes out."""

    problem: wire.Problem
    headers: tuple[tuple[str, str], ...] = ()


def problem_of(error: AdmissionError) -> ProblemReply:
    """Return what an error of ours is over HTTP."""
    match error:
        case InvalidInput():
            fields = [wire.FieldProblem(field=error.field, problem=error.problem)]
            return make_problem("invalid", str(error).removeprefix(": "), errors=fields)
        case Refused():
            return make_problem(error.slug, str(error), retry_after_s=error.retry_after_s)
        case Forbidden():
            return make_problem(error.slug, str(error), device_id=error.extra.get("device_id"))
        case LedgerConflict():
            return make_problem(error.slug, str(error))
        case NotFound():
            return make_problem("not-found", str(error))
        case LedgerUnavailable():
            return make_problem("unavailable", str(error), retry_after_s=RETRY_UNDECIDED_S)
    return make_problem("internal", "the gate server's log says more")


def make_problem(
    slug: str,
    detail: str,
    *,
    errors: list[wire.FieldProblem] | None = None,
    device_id: str | None = None,
    retry_after_s: int | None = None,
) -> ProblemReply:
    """Make the problem of a slug; one that is not in KINDS is a conflict that came since."""
    kind = KINDS.get(slug) or Kind(409, "The ledger's state forbids it")
    headers: list[tuple[str, str]] = []
    if retry_after_s is not None:
        headers.append(("Retry-After", str(retry_after_s)))
    if kind.status == HTTPStatus.UNAUTHORIZED:
        headers.append(("WWW-Authenticate", 'Bearer realm="gatehouse"'))
    problem = wire.Problem(
        type=f"/problems/{slug}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        errors=errors or [],
        device_id=device_id,
    )
    return ProblemReply(problem, tuple(headers))
