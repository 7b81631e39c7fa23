"""How the turnstile stands, in words and for screens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from admission import wire
from admission.wire_passage import ReportKind


@dataclass(frozen=True, slots=True)
class BarrierState:
    """How the turnstile stands.

    Attributes:
        fault: what is wrong or was seen; None: all is well, or it is open for an evacuation.
        open: it stays open, for everybody must be able to leave.
        detail: for the technician.
    """

    text: wire.Text
    fault: ReportKind | None = None
    open: bool = False
    detail: str = ""

    def because(self, detail: str) -> BarrierState:
        """Return it with a detail."""
        return replace(self, detail=detail)

    @property
    def line(self) -> str:
        """One line for a terminal."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.text.zh} {self.text.en}{detail}"


def _fault(kind: ReportKind, zh: str, en: str) -> BarrierState:
    return BarrierState(wire.Text(zh=zh, en=en), kind)


ALL_WELL = BarrierState(wire.Text(zh="闸机正常。", en="The turnstile works."))
EMERGENCY = BarrierState(
    wire.Text(zh="紧急疏散，闸机常开。", en="Evacuation: the turnstile stays open."), open=True
)
STATES: Mapping[ReportKind, BarrierState] = MappingProxyType(
    {
        state.fault: state
        for state in (
            _fault(
                ReportKind.BARRIER_LOST,
                "闸机失联，请人工放行。",
                "The turnstile does not answer: let people through by hand.",
            ),
            _fault(
                ReportKind.JAMMED,
                "闸机卡住，请查看。",
                "The turnstile is jammed: look at it.",
            ),
            _fault(
                ReportKind.FORCED,
                "有人未经放行通过闸机。",
                "Somebody passed the turnstile who was not let in.",
            ),
            _fault(
                ReportKind.HELD_OPEN,
                "闸机长时间未关闭，请查看。",
                "The turnstile is held open: look at it.",
            ),
            _fault(
                ReportKind.LATE_PASSAGE,
                "有人超时后通过，已补记。",
                "Somebody passed after their time; they are counted.",
            ),
            _fault(
                ReportKind.UNKNOWN_PASSAGE,
                "无法确认是否通过，仍计为已入园。",
                "Nobody saw whether they passed; they count as passed.",
            ),
        )
        if state.fault is not None
    }
)
