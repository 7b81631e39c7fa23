"""What a venue may set about asking platforms for unknown codes."""

from __future__ import annotations

from dataclasses import dataclass

from admission.errors import InvalidInput

MOST_MS = 600
"""Scanners wait 800 ms for an answer, and the verdict must still be written."""


@dataclass(frozen=True, slots=True)
class LookupSettings:
    """The table `[lookup]`.

    Attributes:
        timeout_ms: how long a scan waits for a platform; 0: no platform is asked.
    """

    timeout_ms: int

    def __post_init__(self) -> None:
        if not 0 <= self.timeout_ms <= MOST_MS:
            raise InvalidInput("lookup.timeout_ms", f"0 (never ask) to {MOST_MS}")
