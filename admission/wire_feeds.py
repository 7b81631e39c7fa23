"""What platforms push, what they are answered, and how feeds fare."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from admission.wire_base import Answer, Request

MOST_PUSH_BYTES = 16 << 20
MOST_PUSH_ROWS = 50_000


class PushRequest(Request, frozen=True):
    """Rows of a platform, signed; columns are those of the files. No rows: all is as before.

    Attributes:
        timestamp: when it was told; `updated_at` of a row that does not say its own.
    """

    type: Literal["deals", "vouchers"]
    timestamp: datetime
    data: Annotated[
        list[dict[str, str | int | float | bool | None]], Meta(max_length=MOST_PUSH_ROWS)
    ]


class PushEnvelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A `PushRequest` whose rows are still to be read, each by itself."""

    type: Literal["deals", "vouchers"]
    timestamp: datetime
    data: list[Raw]


class RowProblem(Answer, frozen=True):
    """A row that was not taken, by its number from 1, and why; it is set aside."""

    row: int
    field: str
    problem: str


class PushAnswer(Answer, frozen=True):
    """What became of a push; `accepted` counts the rows that are in or changed nothing."""

    accepted: int
    rejected: list[RowProblem]


class FeedAnswer(Answer, frozen=True):
    """How a feed fares.

    Attributes:
        state: `waiting` (never heard), `well`, `stale` or `failing`.
        accepted_at: when it was last up to date; `age_s` since then.
        set_aside: rows that cannot be taken yet.
    """

    feed_id: int
    platform: str
    kind: str
    secondary: bool
    state: str
    accepted_at: datetime | None
    age_s: float | None
    tried_at: datetime | None
    failures: int
    error: str
    rows_taken: int
    set_aside: int


class FeedList(Answer, frozen=True):
    """All feeds."""

    feeds: list[FeedAnswer]
