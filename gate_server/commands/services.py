"""What a command works with, and the shape that every command has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from gate_server.decisions import Decision
from gate_server.keyring import Keyring
from gate_server.ledger.ledger import Ledger
from gate_server.settings import Settings

P = TypeVar("P", bound=Struct)


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the process that holds the directory's lock: the server, or a command alone.

    Attributes:
        by: who gave the command, for the audit.
        lookups: by feed, how those stand that are asked for unknown codes; a server's alone.
        overridden: is told of each scan that a command overrode, with its device, so that a running
            server tells the lane; `turned_away` of each call answered without letting anybody in.
    """

    ledger: Ledger
    keys: Keyring
    settings: Settings
    directory: Path
    by: str = "command line"
    overridden: Callable[[str, Decision], object] = lambda _device_id, _decision: None
    turned_away: Callable[[str, Decision], object] = lambda _device_id, _decision: None
    lookups: Callable[[], Mapping[int, str]] = dict


class Params(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what a command is given."""


@dataclass(frozen=True, slots=True)
class Command(Generic[P]):
    """One command that reads or changes the ledger.

    Attributes:
        params: what it is given.
        run: does it; what it returns is text, numbers, lists and tables only, for it may travel.
    """

    params: type[P]
    run: Callable[[Services, P], Any]


class Caller(Protocol):
    """Whoever runs commands: the server at the other end of the socket, or this process."""

    def call(self, name: str, params: Struct | dict[str, Any] | None = None) -> Any:
        """Run a command and return what it returns; raises its errors."""

    def send(self, name: str, params: Struct | dict[str, Any]) -> None:
        """Begin a command; prepare the next meanwhile."""

    def receive(self) -> Any:
        """Return what the command that was sent returned; raises its errors."""
