"""What a lane tells: the terminal, the lane screen and whatever else shows or sounds a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scanner_client.checkin import Shown
from scanner_client.presenter import Outlook


class Output(Protocol):
    """Something that staff or visitors see or hear. Called from several threads."""

    def reading(self) -> None:
        """A code was seen; what comes of it follows."""

    def show(self, shown: Shown) -> None:
        """Show one verdict, or that there is none."""

    def show_link(self, outlook: Outlook) -> None:
        """Show whether the gate server answers."""

    def report(self, line: str) -> None:
        """Say what staff or their technician should know."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Several outputs as one; each is told in turn."""

    each: Sequence[Output]

    def reading(self) -> None:
        """Tell each that a code was seen."""
        for output in self.each:
            output.reading()

    def show(self, shown: Shown) -> None:
        """Show each one verdict."""
        for output in self.each:
            output.show(shown)

    def show_link(self, outlook: Outlook) -> None:
        """Show each whether the gate server answers."""
        for output in self.each:
            output.show_link(outlook)

    def report(self, line: str) -> None:
        """Say a line to each."""
        for output in self.each:
            output.report(line)
