"""What a venue may set about its on-duty list; the table `[duty]` of gate.toml."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from admission.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class DutySettings:
    """See config/gate.toml, where the defaults stand.

    Attributes:
        opens_at: when the venue opens, wall-clock time.
    """

    opens_at: str

    def __post_init__(self) -> None:
        try:
            time.fromisoformat(self.opens_at)
        except ValueError as error:
            raise InvalidInput("duty.opens_at", "give a time as 09:00") from error

    @property
    def opens(self) -> time:
        """When the venue opens."""
        return time.fromisoformat(self.opens_at)
