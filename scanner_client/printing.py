"""What can print papers, and how printing ends where it does not end well."""

from __future__ import annotations

from typing import Protocol

from admission.errors import AdmissionError
from scanner_client.printer_layout import Paper


class NotPrinted(AdmissionError):
    """Nothing reached the paper; the same can be printed as soon as the printer is back."""


class Doubtful(AdmissionError):
    """It may or may not be on paper: a human has to look."""


class Printer(Protocol):
    """Something that prints papers."""

    def print(self, papers: list[Paper]) -> None:
        """Print papers.

        Raises NotPrinted, Doubtful: one that is not told of is neither.
        """
