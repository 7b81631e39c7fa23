"""What is said over the wire of attested arrivals: closed queues, numbered slips."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from admission.attested import Handout, QueueClosing
from admission.calendar import from_ms, to_ms
from admission.errors import InvalidInput
from admission.wire_base import Answer, Ident, Line, Request
from admission.wire_people import Operator

QueueId = Annotated[str, Meta(pattern="^Q[0-9]{1,16}$", description="of a queue closing")]
SlipNumber = Annotated[int, Meta(ge=0, lt=1 << 32)]


class QueueRequest(Request, frozen=True):
    """Record that a queue's tail was seen: who stood in it had arrived by then.

    Attributes:
        area: absent: the gate's.
        closed_at: absent: now; never ahead, and of this venue day.
        until: the last instant at which stamps may count as it; absent: two hours later.
    """

    reason: Line
    area: Ident | None = None
    gate_id: Ident | None = None
    closed_at: datetime | None = None
    until: datetime | None = None


class ReopenRequest(Request, frozen=True):
    """End a queue closing before its time."""

    reason: Line


class ClosedQueueAnswer(Answer, frozen=True):
    """A queue closing as it stands.

    Attributes:
        open: whether stamps may still count as it.
        warning: it was recorded long after its instant.
    """

    queue_id: str
    closed_at: datetime
    ends_at: datetime
    area: str
    gate_id: str | None
    reason: str
    made_at: datetime
    made_by: str
    open: bool
    reopened_at: datetime | None
    reopened_by: str | None
    reopen_reason: str | None
    warning: str | None = None


class ClosedQueuesAnswer(Answer, frozen=True):
    """The latest queue closings, the newest first."""

    queues: list[ClosedQueueAnswer]


class HandoutRequest(Request, frozen=True):
    """Record that numbered slips `first` to `last` were handed out.

    Attributes:
        handed_at: by then all of them were; absent: now. More than 5 minutes ago only a supervisor
            may say.
        gate_id: where; absent: where the device stands.
    """

    first: SlipNumber
    last: SlipNumber
    gate_id: Ident | None = None
    handed_at: datetime | None = None
    operator: Operator | None = None


class HandoutAnswer(Answer, frozen=True):
    """Slips that were handed out, and by whom."""

    first: int
    last: int
    handed_at: datetime
    area: str
    gate_id: str | None
    made_at: datetime
    made_by: str
    operator: str | None
    warning: str | None = None


class HandoutsAnswer(Answer, frozen=True):
    """The latest hand-outs, the newest first."""

    handouts: list[HandoutAnswer]


class AttestedAnswer(Answer, frozen=True):
    """The earlier arrival that a scan counts as, by the word of staff.

    Attributes:
        by: the number of the operator who attests it, else the device or account.
        queue: the closing that the holder stood in; else `slip`, the number of their slip.
    """

    at: datetime
    by: str | None
    queue: str | None = None
    slip: int | None = None


# --- what a replica tells -------------------------------------------------------------------------


class QueueTold(Struct, frozen=True, array_like=True):
    """A queue closing as a scanner needs it; instants are milliseconds since 1970."""

    queue_id: str
    closed_ms: int
    ends_ms: int
    area: str

    @classmethod
    def of(cls, closing: QueueClosing) -> QueueTold:
        """Return what is told of a closing."""
        instants = to_ms(closing.closed_at), to_ms(closing.ends_at)
        return cls(closing.queue_id, *instants, closing.area)

    def read(self) -> QueueClosing:
        """Return the closing.

        Raises:
            InvalidInput: it could never be.
        """
        try:
            instants = from_ms(self.closed_ms), from_ms(self.ends_ms)
            return QueueClosing(self.queue_id, *instants, self.area)
        except (ValueError, OverflowError, OSError) as error:
            raise InvalidInput("queues", str(error)) from error


class HandoutTold(Struct, frozen=True, array_like=True):
    """A hand-out as a scanner needs it."""

    first: int
    last: int
    handed_ms: int

    @classmethod
    def of(cls, handout: Handout) -> HandoutTold:
        """Return what is told of a hand-out."""
        return cls(handout.first, handout.last, to_ms(handout.handed_at))

    def read(self) -> Handout:
        """Return the hand-out.

        Raises:
            InvalidInput: it could never be.
        """
        try:
            return Handout(self.first, self.last, from_ms(self.handed_ms))
        except (ValueError, OverflowError, OSError) as error:
            raise InvalidInput("handouts", str(error)) from error
