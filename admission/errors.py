"""What can go wrong. A refusal is an answer; an error means that there is no answer."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from admission.messages import Sentence


class Fault(StrEnum):
    """What is wrong with a field, wherever people may meet it: each language has a sentence.

    Where there is a limit, `limit` of the error names it.
    """

    MISSING = "missing"
    UNREADABLE = "unreadable"
    FORM = "form"
    NAME = "name"
    CHARACTERS = "characters"
    UNKNOWN = "unknown"
    CHOICE = "choice"
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    TOO_LITTLE = "too-little"
    TOO_MUCH = "too-much"
    TOO_MANY = "too-many"
    DECIMALS = "decimals"
    PAST = "past"
    AHEAD = "ahead"
    LONG_AGO = "long-ago"
    FAR_OFF = "far-off"
    BACKWARDS = "backwards"
    TWICE = "twice"
    OUT_OF_PLACE = "out-of-place"
    CONTRADICTION = "contradiction"
    NOTHING_BOUND = "nothing-bound"
    STILL_OPEN = "still-open"
    GUESSED = "guessed"
    STALE = "stale"


class AdmissionError(Exception):
    """Caught only at an edge: HTTP, the command line, the scanner's loop."""


class InvalidInput(AdmissionError):
    """What was given cannot be used; nothing was changed.

    Attributes:
        field: where the problem is, as the caller named it (`honour.arrived_by`).
        problem: what is wrong and what to send instead.
        fault: the same for people, who read it in their language; None: programs alone meet it.
        limit: how much may be, or how little, or what was meant by the fault.
    """

    def __init__(
        self, field: str, problem: str, fault: Fault | None = None, limit: int | str = ""
    ) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
        self.fault = fault
        self.limit = limit


class TokenError(AdmissionError):
    """A signed code that cannot be trusted; `check_in` answers it with a refusal."""


class MalformedToken(TokenError):
    """Begins like one of our tokens but does not have the form of one."""


class BadSignature(TokenError):
    """Has the form of a token, names a key that we know, and that key did not sign it."""


class UnknownKey(TokenError):
    """Has the form of a token and names a key that is not in the key list."""


class LedgerError(AdmissionError):
    """The record failed."""


class LedgerUnavailable(LedgerError):
    """Nothing was decided; try again with the same nonce."""


class LedgerRefused(LedgerError):
    """The file, its epoch or its lock forbids to open it; `gate-server doctor` says more."""


class LedgerConflict(LedgerError):
    """The ledger's state forbids the change.

    Attributes:
        slug: stable name of the problem, the last part of its `/problems/...` type.
        told: what people are told instead of the slug's own sentence, where it knows more.
    """

    def __init__(self, slug: str, detail: str, *, told: Sentence | None = None) -> None:
        super().__init__(detail)
        self.slug = slug
        self.told = told


class CodeUnknown(LedgerError):
    """The ledger knows no such code, and a platform can be asked for it; nothing was recorded."""


class NotFound(LedgerError):
    """The ledger knows nothing by that name."""


class Forbidden(AdmissionError):
    """The caller is known and may not do this."""

    def __init__(self, detail: str, slug: str = "forbidden", **extra: str) -> None:
        super().__init__(detail)
        self.slug = slug
        self.extra = extra


class FeedError(AdmissionError):
    """A feed failed."""


class FeedUnavailable(FeedError):
    """The platform did not answer; the feed keeps its place.

    Attributes:
        retry_after_s: how long the platform asks to be left alone; None: it does not say.
        sent: the platform may have carried out what it was asked; False: it surely has not.
    """

    def __init__(
        self, detail: str, *, retry_after_s: float | None = None, sent: bool = True
    ) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
        self.sent = sent


class FeedRejected(FeedError):
    """A row cannot be taken.

    Attributes:
        field: the column that is wrong; "" where the whole row is.
        problem: what is wrong with it.
        fault, limit: as of InvalidInput, for values that people type, too.
    """

    def __init__(
        self, field: str, problem: str, fault: Fault | None = None, limit: int | str = ""
    ) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field = field
        self.problem = problem
        self.fault = fault
        self.limit = limit

    def as_input(self) -> InvalidInput:
        """Return the same of a value that somebody typed, not of a platform's row."""
        return InvalidInput(self.field, self.problem, self.fault, self.limit)


class RelayError(AdmissionError):
    """The gate server could not be reached or gave no answer that can be used: go offline."""
