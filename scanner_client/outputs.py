"""What a lane tells: the terminal, the lane screen and whatever else shows or sounds a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from scanner_client.barrier_state import BarrierState
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


@runtime_checkable
class ShowsBarrier(Protocol):
    """What an output may do besides: show how the turnstile stands, until it stands otherwise."""

    def barrier_state(self, state: BarrierState) -> None:
        """Show how the turnstile stands."""


def show_barrier(output: Output, state: BarrierState) -> None:
    """Show how the turnstile stands, where an output can; its line was reported to all."""
    if isinstance(output, ShowsBarrier):
        output.barrier_state(state)


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

    def barrier_state(self, state: BarrierState) -> None:
        """Show each that can how the turnstile stands."""
        for output in self.each:
            show_barrier(output, state)
