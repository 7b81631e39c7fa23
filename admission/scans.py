"""A scan as it is presented, and where: gate, device, mode, direction, party."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What a device wants of a scan."""

    ADMIT = "admit"
    CHECK = "check"
    ARRIVE = "arrive"
    REENTRY = "reentry"
    EXCHANGE = "exchange"


class Direction(StrEnum):
    """Which way the visitor goes."""

    ENTRY = "entry"
    EXIT = "exit"


class PartyDefault(StrEnum):
    """How many people a scan is for that does not say so."""

    ONE = "one"
    ASK = "ask"
    ALL = "all"


class Profile(StrEnum):
    """What an enrolled device is for; it fixes whether a person stands beside it."""

    GATE = "gate"
    MARSHAL = "marshal"
    EXCHANGE = "exchange"
    KIOSK = "kiosk"

    @property
    def staffed(self) -> bool:
        """Whether a member of staff sees the visitor."""
        return self is not Profile.KIOSK


MODES: dict[Profile, frozenset[Mode]] = {
    Profile.GATE: frozenset({Mode.ADMIT, Mode.CHECK, Mode.REENTRY}),
    Profile.MARSHAL: frozenset({Mode.ARRIVE, Mode.CHECK}),
    Profile.EXCHANGE: frozenset({Mode.EXCHANGE, Mode.CHECK}),
    Profile.KIOSK: frozenset({Mode.ADMIT, Mode.CHECK}),
}
"""What each profile may ask for; exits and counts are the `gate` profile's alone."""


class GateState(StrEnum):
    """Whether a gate lets people in."""

    OPEN = "open"
    PAUSED = "paused"
    EXIT_ONLY = "exit_only"


@dataclass(frozen=True, slots=True)
class Gate:
    """A place that people pass.

    Attributes:
        area: the area of the venue that it leads into.
    """

    gate_id: str
    name: str
    area: str
    state: GateState = GateState.OPEN


@dataclass(frozen=True, slots=True)
class Device:
    """An enrolled scanner.

    Attributes:
        offset_ms: device clock less server clock, as the server last measured it.
    """

    device_id: str
    name: str
    gate_id: str
    profile: Profile
    party_default: PartyDefault
    revoked: bool = False
    suspended: bool = False
    offset_ms: int | None = None

    @property
    def staffed(self) -> bool:
        """Whether a member of staff stands at it."""
        return self.profile.staffed


@dataclass(slots=True)
class Scan:
    """One presentation of a code, as far as a rule looks at it.

    Not frozen only because the hot path makes one a scan; never changed.

    Attributes:
        party: people it is for; None where the device did not say.
        staffed: whether a member of staff stood beside the device.
        desk: at an exchange desk, which is no entrance, so that `check` says what it would do.
    """

    mode: Mode = Mode.ADMIT
    direction: Direction = Direction.ENTRY
    party: int | None = None
    party_default: PartyDefault = PartyDefault.ALL
    staffed: bool = True
    desk: bool = False
