"""Write each verdict as one JSON line, for programs; what staff should know goes elsewhere."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TextIO

import msgspec

from scanner_client.checkin import Shown
from scanner_client.presenter import Outlook, Presenter


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Verdicts to one stream, one line each; the rest to staff by the presenter."""

    out: TextIO
    presenter: Presenter
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def reading(self) -> None:
        """Write nothing: a line is a verdict."""

    def show(self, shown: Shown) -> None:
        """Write one verdict, or that there is none."""
        line = msgspec.json.encode(_fields(shown)).decode()
        with self._lock:
            self.out.write(f"{line}\n")
            self.out.flush()

    def show_link(self, outlook: Outlook) -> None:
        """Tell staff whether the gate server answers."""
        self.presenter.show_link(outlook)

    def report(self, line: str) -> None:
        """Tell staff a line."""
        self.presenter.report(line)


def _fields(shown: Shown) -> dict[str, object]:
    if shown.answer is not None:
        answer: dict[str, object] = msgspec.to_builtins(shown.answer)
        return answer | {"offline": True} if shown.offline else answer
    return {
        "outcome": None,
        "nonce": shown.nonce,
        "message": msgspec.to_builtins(shown.message),
        "problem": shown.problem,
    }
