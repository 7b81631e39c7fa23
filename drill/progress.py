"""Tell on stderr how far the drill is: bars on a terminal, a line for each part elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Told:
    """What was told of the drill so far.

    Attributes:
        done: parts that were finished, with the seconds that each took.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._begun_s = time.monotonic()
        self.done: list[tuple[str, float]] = []

    @property
    def elapsed_s(self) -> float:
        """Seconds since the drill began."""
        return time.monotonic() - self._begun_s

    @contextmanager
    def part(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Tell of one part of the drill.

        Args:
            total: steps that it has, of which the function that is given counts.
        """
        begun_s = time.monotonic()
        if not self._console.is_terminal:
            self._console.print(f"{self.elapsed_s:6.1f} s  {name}", soft_wrap=True)
            yield lambda _: None
        else:
            with self._bar() as bar:
                task = bar.add_task(name, total=total)
                yield lambda steps: bar.advance(task, steps)
                bar.update(task, total=total or 1, completed=total or 1)
        self.done.append((name, time.monotonic() - begun_s))

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Say what was done where somebody ends the drill before its end; exit 1."""
        try:
            yield
        except KeyboardInterrupt:
            done = "; ".join(f"{name} {seconds:.0f} s" for name, seconds in self.done)
            self._console.print(
                f"已中止，没有程序仍在运行 Stopped; nothing runs any more. Done: {done or '-'}",
                soft_wrap=True,
            )
            raise SystemExit(1) from None

    def _bar(self) -> Progress:
        return Progress(
            TextColumn("{task.description:<44}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
        )
