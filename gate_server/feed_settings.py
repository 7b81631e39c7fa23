"""What a venue may set about feeds; every default stands in config/gate.toml."""

from __future__ import annotations

from dataclasses import dataclass

from admission.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """The table `[feeds]`.

    Attributes:
        set_aside: rows of one feed that may be set aside; beyond it the feed keeps its place.
        failing_after: failures in a row from which `/readyz` says `feed_failing`.
    """

    set_aside: int
    failing_after: int

    def __post_init__(self) -> None:
        if self.set_aside < 1:
            raise InvalidInput("feeds.set_aside", "at least 1 row")
        if self.failing_after < 1:
            raise InvalidInput("feeds.failing_after", "at least 1 failure")
