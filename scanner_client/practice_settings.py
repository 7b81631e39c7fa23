"""How long a lane stays in practice, and whether it begins so."""

from __future__ import annotations

from dataclasses import dataclass

from admission.errors import InvalidInput

MOST_MINUTES = 240


@dataclass(frozen=True, slots=True)
class PracticeSettings:
    """The table `[practice]`; `config/scanner.toml` explains it.

    Attributes:
        minutes: after so many it ends by itself.
    """

    start: bool
    minutes: float

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= MOST_MINUTES:
            raise InvalidInput("minutes", f"give a number above 0, at most {MOST_MINUTES}")
