"""Show staff the verdict at one glance: shape, word, colour, sentence in both languages, bell."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TextIO

from rich.align import Align
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from admission import wire
from admission.verdicts import Outcome, Reason
from scanner_client.checkin import Shown
from scanner_client.connectivity import Link
from scanner_client.legible import legible
from scanner_client.questions import list_picks

BELL_GAP_S = 0.15


@dataclass(frozen=True, slots=True)
class Face:
    """How an outcome looks and sounds. Shape and word say it without colour and sound.

    Attributes:
        bells: how often the bell rings.
    """

    shape: str
    word: str
    zh: str
    colour: str
    bells: int


FACES: Mapping[Outcome, Face] = MappingProxyType(
    {
        Outcome.ADMIT: Face("✓", "GO", "请通行", "green", 1),
        Outcome.REFUSE: Face("✕", "STOP", "暂不能入园", "red", 2),
        Outcome.REFER: Face("☎", "CALL", "请稍候，人工核验", "yellow", 3),
        Outcome.WAIT: Face("…", "WAIT", "请稍候", "blue", 0),
    }
)
# A voided deal brings a crowd: no red and no noise before it.
QUIET = Face("✕", "STOP", "暂不能入园", "yellow", 0)

CATEGORIES: Mapping[str, str] = MappingProxyType(
    {
        "child": "儿童",
        "student": "学生",
        "senior": "长者",
        "concession": "优惠",
        "family": "家庭",
        "group": "团体",
        "annual": "年卡",
        "staff": "员工",
    }
)


class Presenter:
    """Writes verdicts to a terminal, or as plain lines elsewhere. Safe for several threads.

    Args:
        out: where verdicts go.
        err: where messages go.
        colour: `auto`, `always` or `never`.
    """

    def __init__(
        self, out: TextIO, err: TextIO, *, colour: str = "auto", bell: bool = True
    ) -> None:
        self._lock = threading.Lock()
        self._bell = bell
        self._out = _console(out, colour)
        self._err = _console(err, colour)

    def show(self, shown: Shown) -> None:
        """Show one verdict, or that there is none."""
        face = face_of(shown)
        with self._lock:
            if self._out.is_terminal:
                self._out.print(_panel(shown, face))
            else:
                self._out.print(" | ".join(_plain(shown, face)), soft_wrap=True)
        if self._bell and self._out.is_terminal:
            self._ring(face.bells)

    def show_link(self, link: Link) -> None:
        """Show whether the gate server answers."""
        if link.online:
            self._write(Text("ONLINE 在线", style="bold green"))
        elif link.online is False and link.since is not None:
            since = link.since.astimezone().strftime("%H:%M")
            line = f"OFFLINE 离线 since {since}: {legible(link.problem)}"
            self._write(Text(line, style="bold yellow"))

    def report(self, line: str) -> None:
        """Say what staff or their technician should know."""
        self._write(Text(legible(line)))

    def _write(self, line: Text) -> None:
        with self._lock:
            self._err.print(line, soft_wrap=True)

    def _ring(self, times: int) -> None:
        # Outside the lock: the next verdict does not wait for the bell.
        for number in range(times):
            if number:
                time.sleep(BELL_GAP_S)
            self._out.bell()


def face_of(shown: Shown) -> Face:
    """Return how it looks and sounds."""
    voided = shown.answer is not None and shown.answer.reason is Reason.DEAL_VOIDED
    return QUIET if voided else FACES[shown.outcome]


def _console(stream: TextIO, colour: str) -> Console:
    return Console(
        file=stream,
        force_terminal=True if colour == "always" else None,
        no_color=True if colour == "never" else None,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _panel(shown: Shown, face: Face) -> Panel:
    style = f"bold {face.colour}"
    lines = [
        Text(f"{face.shape}  {face.word}  {face.shape}", style=style),
        Text(face.zh, style=style),
    ]
    banner = _banner(shown.answer)
    if banner:
        lines.append(Text(f"  {banner}  ", style="bold reverse"))
    lines += [Text(part, style="bold") for part in _people(shown.answer)]
    lines += [Text(part) for part in _sentences(shown)]
    lines += [Text(part, style="dim") for part in _details(shown)]
    return Panel(Group(*(Align.center(line) for line in lines)), border_style=style, padding=(1, 2))


def _plain(shown: Shown, face: Face) -> list[str]:
    banner = _banner(shown.answer)
    return [
        f"{face.shape} {face.word} {face.zh}",
        *([banner] if banner else []),
        *_people(shown.answer),
        *_sentences(shown),
        *_details(shown),
    ]


def _banner(answer: wire.ScanAnswer | None) -> str:
    """The category, spaced out so that it is large, where staff have to look twice."""
    category = answer.voucher.category if answer is not None and answer.voucher else "adult"
    if category == "adult":
        return ""
    return f"{CATEGORIES.get(category, '')}  {' '.join(legible(category, 20).upper())}".strip()


def _people(answer: wire.ScanAnswer | None) -> list[str]:
    if answer is None or answer.outcome is not Outcome.ADMIT or not answer.admitted:
        return []
    noun = "person" if answer.admitted == 1 else "people"
    left = f"  (余 {answer.remaining} left)" if answer.remaining else ""
    return [f"{answer.admitted} 人  {answer.admitted} {noun}{left}"]


def _sentences(shown: Shown) -> list[str]:
    return [legible(shown.message.zh), legible(shown.message.en)]


def _details(shown: Shown) -> list[str]:
    answer = shown.answer
    if answer is None:
        return [legible(shown.problem)]
    lines = []
    if answer.voucher is not None:
        lines.append(f"…{legible(answer.voucher.tail, 8)}  {legible(answer.voucher.title, 80)}")
    if answer.arrival_number:
        lines.append(f"排队号 arrival {legible(answer.arrival_number, 80)}")
    lines += list_picks(answer.vouchers or [])
    lines.append(f"{answer.reason}  {legible(answer.nonce, 64)}")
    return lines
