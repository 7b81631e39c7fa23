"""Say in the reader's language why something that a person asked for was not done.

By what the error is, never by its English: its slug, or the fault of a field. What has no sentence
here gets one that holds always, and its English stands behind it for whoever can use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from admission.errors import AdmissionError, FeedRejected, InvalidInput, LedgerConflict
from gate_server.web.board.fault_words import field_words
from gate_server.web.board.languages import Lazy, gettext, lazy_gettext, say
from gate_server.web.problems import problem_of


@dataclass(frozen=True, slots=True)
class Told:
    """What a person reads of a problem.

    Attributes:
        detail: in English, for what has no words of its own; shown only when asked for.
    """

    words: str
    detail: str = ""


SENTENCES: Final[Mapping[str, Lazy]] = {
    # --- who may ---------------------------------------------------------------------------------
    "unauthorized": lazy_gettext("Please log in anew."),
    "forbidden": lazy_gettext("This is not for your role."),
    "password-needed": lazy_gettext("Do this on its page: it asks for your password again."),
    "page-expired": lazy_gettext("This page is too old: please load it anew."),
    "log-in-failed": lazy_gettext("The name or the password is not right."),
    "sign-in-failed": lazy_gettext("The badge or the PIN is not right, or it was disabled."),
    "operator-required": lazy_gettext("Nobody has signed in at this lane."),
    "device-unknown": lazy_gettext("This device is not known here: enrol it anew."),
    "device-revoked": lazy_gettext("This device was revoked: enrol it anew."),
    "device-suspended": lazy_gettext("This device is suspended: a supervisor must look at it."),
    "enrolment-gone": lazy_gettext("This enrolment code was used or is too old: make a new one."),
    "last-admin": lazy_gettext("This is the last administrator in force: add another one first."),
    # --- scans and tickets -----------------------------------------------------------------------
    "admitted-already": lazy_gettext("This scan has let people in already."),
    "annulled": lazy_gettext("All people of this scan were taken back."),
    "moved-since": lazy_gettext("Its people have gone on since: take back the later scan first."),
    "no-voucher": lazy_gettext("No voucher stands behind this stamp."),
    "nonce-reused": lazy_gettext("This was sent before with other content: load the page anew."),
    "not-a-call": lazy_gettext("Nobody waits for a human by this scan."),
    "not-a-stamp": lazy_gettext("This is no arrival stamp that counts."),
    "not-admitted": lazy_gettext("This scan let nobody in: there is nothing to take back."),
    "not-an-entry": lazy_gettext("This scan did not ask to let anybody in."),
    "not-refused": lazy_gettext("The lane was told to wait: open the gate, then scan again."),
    "ticket-dead": lazy_gettext("This ticket was replaced or taken back."),
    "ticket-used": lazy_gettext("A ticket of it has let somebody in already."),
    "too-late": lazy_gettext("Too much time has passed: have the code scanned again."),
    "turned-already": lazy_gettext("They have gone through the turnstile already."),
    # --- deals, blocks, closures -----------------------------------------------------------------
    "closure-restored": lazy_gettext("This closure has ended already."),
    "deal-voided": lazy_gettext("The deal is voided: restore it first."),
    "decided-already": lazy_gettext("Somebody has decided about this already."),
    "finding-held": lazy_gettext("The deal is on hold for this: release or void it."),
    "lifted-already": lazy_gettext("This block was lifted already."),
    "no-phone": lazy_gettext("The platform has told no phone of this buyer."),
    "no-tries-left": lazy_gettext("This voucher was asked about too often today."),
    "not-appealed": lazy_gettext("No appeal waits for an answer."),
    "not-held": lazy_gettext("The deal is not on hold."),
    "not-voided": lazy_gettext("The deal is not voided."),
    # --- what goes on at the gates ---------------------------------------------------------------
    "alarm-cleared": lazy_gettext("This alarm is over."),
    "broadcasts-full": lazy_gettext("Too many broadcasts are in force: end one first."),
    "closed-already": lazy_gettext("This was closed already."),
    "decision-awaited": lazy_gettext("Its deal is on hold: release or void it first."),
    "ended-already": lazy_gettext("This has ended already."),
    "incident-closed": lazy_gettext("This incident is closed."),
    "queue-over": lazy_gettext("This closing of the queue is over."),
    "resolved-already": lazy_gettext("Somebody has resolved this already."),
    "slips-handed-before": lazy_gettext("Slips of these were handed out before."),
    # --- settlement ------------------------------------------------------------------------------
    "cut-off-ahead": lazy_gettext("Visitors may still arrive in time: make the list afterwards."),
    "month-closed": lazy_gettext("This month is closed already."),
    "month-open": lazy_gettext("This month has not ended yet."),
    "months-in-order": lazy_gettext("A later month is closed already."),
    "not-balanced": lazy_gettext("The rows contradict each other: run gate-server doctor."),
    "nothing-new": lazy_gettext("All that is due stands on a list already."),
    "statement-closed": lazy_gettext("This statement is closed already."),
    "statement-differs": lazy_gettext("This is not what was read: load the page anew."),
    "statement-old": lazy_gettext("A newer statement stands: sign that one."),
    # --- the house -------------------------------------------------------------------------------
    "contact-exists": lazy_gettext("This name is on the duty list already."),
    "feed-busy": lazy_gettext("This feed is being fetched just now: try again in a moment."),
    "feed-exists": lazy_gettext("There is such a feed already."),
    "gate-exists": lazy_gettext("There is a gate of this name already."),
    "not-a-push": lazy_gettext("This feed has no secret of ours: remove it and add it anew."),
    "not-suspended": lazy_gettext("The device is not suspended."),
    "operator-exists": lazy_gettext("There is an operator of this number already."),
    "revoked-already": lazy_gettext("The device was revoked already."),
    "set-aside-full": lazy_gettext("Too many rows of this feed are set aside: see to those first."),
    "several-feeds": lazy_gettext("This platform has several feeds: say which one."),
    "user-exists": lazy_gettext("There is an account of this name already."),
    # --- what programs meet, and people seldom ---------------------------------------------------
    "downloads-full": lazy_gettext("Very many are downloading: try again in a moment."),
    "epoch-changed": lazy_gettext("The ledger was restored meanwhile: load the page anew."),
    "evidence-full": lazy_gettext("No more evidence of this device is kept."),
    "internal": lazy_gettext("The gate server could not do this; its log says why."),
    "invalid": lazy_gettext("This cannot be used as it is."),
    "method-not-allowed": lazy_gettext("There is no such page."),
    "not-found": lazy_gettext("There is no such thing (any more): load the page anew."),
    "push-reused": lazy_gettext("This was sent before with other content: load the page anew."),
    "request-reused": lazy_gettext("This was sent before with other content: load the page anew."),
    "streams-full": lazy_gettext("Too many pages are open at once: close some."),
    "too-large": lazy_gettext("This is too large to be taken."),
    "too-many": lazy_gettext("Too many tries: please wait a while."),
    "unavailable": lazy_gettext("Nothing was done, the server is busy: please try again."),
}
"""By the problem's slug, all that there are; `test_problem_words.py` holds that."""

# Their sentence leaves open what it was about.
_VAGUE: Final = frozenset({"internal", "invalid", "not-found"})


def tell(error: AdmissionError, labels: Mapping[str, Lazy] | None = None) -> Told:
    """Return what a person reads of an error of ours.

    Args:
        labels: what the form in front of them calls its fields, by the fields' names.
    """
    if isinstance(error, FeedRejected):
        error = error.as_input()
    if isinstance(error, InvalidInput):
        words = field_words(error, labels or {})
        return Told(words, "" if error.fault else str(error).removeprefix(": "))
    if isinstance(error, LedgerConflict) and error.told is not None:
        return Told(say(error.told))
    slug = problem_of(error).problem.type.removeprefix("/problems/")
    sentence = SENTENCES.get(slug)
    if sentence is None:
        return Told(gettext("The ledger's state forbids this: load the page anew."), str(error))
    return Told(str(sentence), str(error) if slug in _VAGUE else "")
