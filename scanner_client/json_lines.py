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
    message = msgspec.to_builtins(shown.message)
    marks: dict[str, object] = {
        name: True for name in ("offline", "staff", "practice") if getattr(shown, name)
    }
    if shown.took_s is not None:
        marks["took_ms"] = round(shown.took_s * 1000, 1)
    if shown.answer is None:
        told = {"outcome": None, "nonce": shown.nonce, "message": message}
        return told | {"problem": shown.problem} | marks
    answer: dict[str, object] = msgspec.to_builtins(shown.answer)
    if shown.practice:
        # Whatever opens a door on these lines must not open it for somebody who practises.
        answer |= {"outcome": None, "practice_outcome": shown.outcome, "message": message}
    return answer | marks
