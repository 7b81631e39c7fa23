"""The table `[readers]` of the scanner's settings: how hardware readers send what they read."""

from __future__ import annotations

from dataclasses import dataclass

from admission.errors import InvalidInput

LONGEST_END = 16
FORMATS = ("8N1", "8E1", "8O1", "7E1", "7O1", "8N2")


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """What a venue may choose of its readers; `config/scanner.toml` explains each."""

    prefix: str
    suffix: str
    wedge_pause_s: float
    keypad: bool
    baud: int
    frame: str
    network_timeout_s: float

    def __post_init__(self) -> None:
        for name, least, most in RANGES:
            if not least <= getattr(self, name) <= most:
                raise InvalidInput(name, f"give a number from {least} to {most}")
        for name in ("prefix", "suffix"):
            if len(getattr(self, name)) > LONGEST_END:
                raise InvalidInput(name, f"give at most {LONGEST_END} characters")
        if self.frame not in FORMATS:
            raise InvalidInput("frame", f"give one of: {', '.join(FORMATS)}")


RANGES = (
    ("wedge_pause_s", 0, 10),
    ("baud", 300, 4_000_000),
    ("network_timeout_s", 0.2, 60),
)
