"""The table `[barrier]` of the scanner's settings: which turnstile, and how it is spoken to."""

from __future__ import annotations

from dataclasses import dataclass

from admission.errors import InvalidInput

KINDS = ("none", "relay", "modbus", "serial", "http")
MODES = ("pulse", "hold")
NOT_WIRED = -1


@dataclass(frozen=True, slots=True)
class BarrierSettings:
    """What a lane may choose of its turnstile; `config/scanner.toml` explains each."""

    kind: str
    mode: str
    pulse_ms: int
    passage_timeout_s: float
    held_open_s: float
    jam_after: int
    poll_ms: int
    output_pin: int
    sensor_pin: int
    fault_pin: int
    active_high: bool
    address: str
    unit: int
    coil: int
    counter: int
    input: int
    fault_input: int
    baud: int
    open_text: str
    close_text: str
    passage_text: str
    fault_text: str
    passage_url: str

    def __post_init__(self) -> None:
        for name, choices in (("kind", KINDS), ("mode", MODES)):
            if getattr(self, name) not in choices:
                raise InvalidInput(name, f"give one of: {', '.join(choices)}")
        for name, least, most in _RANGES:
            if not least <= getattr(self, name) <= most:
                raise InvalidInput(name, f"give a number from {least} to {most}")
        if self.kind in {"modbus", "serial", "http"} and not self.address:
            raise InvalidInput("address", f"say where the {self.kind} barrier is")
        for name in ("open_text", "close_text"):
            try:
                getattr(self, name).encode("latin-1")
            except UnicodeEncodeError as error:
                raise InvalidInput(name, "each character must be one byte") from error


_RANGES = (
    ("pulse_ms", 20, 10_000),
    ("passage_timeout_s", 0.1, 120),
    ("held_open_s", 0.1, 600),
    ("jam_after", 0, 100),
    ("poll_ms", 5, 1000),
    *((name, NOT_WIRED, 999) for name in ("output_pin", "sensor_pin", "fault_pin")),
    ("unit", 0, 255),
    ("coil", 0, 65_535),
    *((name, NOT_WIRED, 65_535) for name in ("counter", "input", "fault_input")),
    ("baud", 300, 4_000_000),
)
