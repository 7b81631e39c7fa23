"""Show staff the verdict at one glance: shape, word, colour, sentence in both languages, bell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO
from zoneinfo import ZoneInfo

from rich.align import Align
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from admission import wire
from admission.looks import CATEGORIES, FACES, STAFF, Face, face_for
from admission.verdicts import Outcome
from admission.wire_arrivals import AttestedAnswer
from scanner_client.checkin import Shown
from scanner_client.connectivity import Link
from scanner_client.legible import legible
from scanner_client.questions import list_picks
from scanner_client.venue_time import tell_clock

BELL_GAP_S = 0.15
MINUTE_S = 60
PRACTICE = "PRACTICE 练习 · nobody is let in 不放行 · PRACTICE 练习"
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Outlook:
    """What staff have to know beside a verdict.

    Attributes:
        replica_age_s: None where there is no replica to decide from.
        waiting: scans that the gate server has yet to take.
        operator: number and masked name of who has signed in; "" for nobody.
        practice: staff are learning: nobody is let in.
        zone: the venue's, for every time that is said; None: not known yet.
    """

    link: Link
    replica_age_s: float | None
    waiting: int
    operator: str = ""
    practice: bool = False
    zone: ZoneInfo | None = None


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
        self._look_out: Callable[[], Outlook] | None = None

    def watch(self, look_out: Callable[[], Outlook]) -> None:
        """Say beside each verdict how things stand, while they are not as they should be."""
        self._look_out = look_out

    @property
    def on_screen(self) -> bool:
        """Whether somebody can see what is written, rather than a log."""
        return self._err.file.isatty()

    def reading(self) -> None:
        """Show nothing: a terminal has the verdict before anybody could read a line about it."""

    def show(self, shown: Shown) -> None:
        """Show one verdict, or that there is none."""
        face, outlook = face_of(shown), self._look_out() if self._look_out is not None else None
        link_line = tell_away(outlook)
        operator = "" if outlook is None else legible(outlook.operator, 60)
        zone = None if outlook is None else outlook.zone
        with self._lock:
            if self._out.is_terminal:
                panel = _panel(shown, face, link_line, zone)
                panel.title = PRACTICE if shown.practice else None
                panel.subtitle = f"工号 {operator}" if operator else None
                self._out.print(panel)
            else:
                parts = [*_plain(shown, face, zone), *([link_line] if link_line else [])]
                self._out.print(" | ".join(parts), soft_wrap=True)
        if self._bell and self._out.is_terminal:
            self._ring(face.bells)

    def show_link(self, outlook: Outlook) -> None:
        """Show whether the gate server answers."""
        link = outlook.link
        if link.online is None:
            return
        problem = f": {legible(link.problem)}" if link.problem else ""
        style = "bold green" if link.online else "bold yellow"
        self._write(Text(f"{tell_link(outlook)}{problem}", style=style))

    def report(self, line: str) -> None:
        """Say what staff or their technician should know."""
        self._write(Text(legible(line)))

    def announce(self, line: str, *, loud: bool) -> None:
        """Show what supervisors tell; a loud one stands out."""
        self._write(Text(line, style="bold reverse" if loud else "bold cyan"))

    def _write(self, line: Text) -> None:
        with self._lock:
            self._err.print(line, soft_wrap=True)

    def _ring(self, times: int) -> None:
        # Outside the lock: the next verdict does not wait for the bell.
        for number in range(times):
            if number:
                time.sleep(BELL_GAP_S)
            self._out.bell()


def tell_away(outlook: Outlook | None) -> str:
    """Return the line about the way to the server where it is not as it should be."""
    return tell_link(outlook) if outlook is not None and outlook.link.online is False else ""


def tell_link(outlook: Outlook) -> str:
    """Return the line about the way to the server, the replica's age and what waits."""
    link = outlook.link
    waiting = [f"{outlook.waiting} waiting 待上传"] if outlook.waiting else []
    if link.online or link.since is None:
        return ", ".join(["ONLINE 在线", *waiting])
    age_s = outlook.replica_age_s
    word = "STOPPED 已停用" if link.barred else "OFFLINE 离线"
    parts = [
        f"{word} since {tell_clock(link.since, outlook.zone)}",
        "no replica 无离线票库" if age_s is None else f"replica {tell_age(age_s)} old",
        *waiting,
    ]
    return ", ".join(parts)


def tell_replica(revision: int, age_s: float | None) -> str:
    """Return the line about the copy that decides while the server is away."""
    if age_s is None:
        return "replica: none 无离线票库; while the server is away nobody can be let in"
    return f"replica: revision {revision}, {tell_age(age_s)} old"


def tell_age(seconds: float) -> str:
    """Return how long something is, as people say it."""
    if seconds < 2 * MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.0f} h"


def tell_attested(attested: AttestedAnswer, zone: ZoneInfo | None) -> str:
    """Return the line about an earlier arrival: as of when, and by whose word."""
    by = legible(attested.by or attested.queue or f"{attested.slip}", 40)
    at = tell_clock(attested.at, zone)
    return f"到场按 {at} 计 arrived as of {at}, attested 证明 {by}"


def face_of(shown: Shown) -> Face:
    """Return how it looks and sounds."""
    if shown.staff:
        return STAFF
    if shown.answer is not None:
        return face_for(shown.answer.reason, shown.mode, shown.answer.outcome)
    return FACES[shown.outcome]


def _console(stream: TextIO, colour: str) -> Console:
    return Console(
        file=stream,
        force_terminal=True if colour == "always" else None,
        no_color=True if colour == "never" else None,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _panel(shown: Shown, face: Face, link_line: str, zone: ZoneInfo | None) -> Panel:
    style = f"bold {face.colour}"
    lines = [
        *([Text(f"  {PRACTICE}  ", style="bold reverse magenta")] if shown.practice else []),
        Text(f"{face.shape}  {face.word}  {face.shape}", style=style),
        Text(face.zh, style=style),
    ]
    banner = _banner(shown.answer)
    if banner:
        lines.append(Text(f"  {banner}  ", style="bold reverse"))
    lines += [Text(part, style="bold") for part in _people(shown.answer)]
    lines += [Text(part) for part in _sentences(shown)]
    lines += [Text(part, style="dim") for part in _details(shown, zone)]
    if link_line:
        lines.append(Text(link_line, style="bold yellow"))
    for line in lines:
        # Align places the block; a sentence that is wrapped has to be placed line by line.
        line.justify = "center"
    return Panel(Group(*(Align.center(line) for line in lines)), border_style=style, padding=(1, 2))


def _plain(shown: Shown, face: Face, zone: ZoneInfo | None) -> list[str]:
    banner = _banner(shown.answer)
    return [
        *([PRACTICE] if shown.practice else []),
        f"{face.shape} {face.word} {face.zh}",
        *([banner] if banner else []),
        *_people(shown.answer),
        *_sentences(shown),
        *_details(shown, zone),
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


def _details(shown: Shown, zone: ZoneInfo | None) -> list[str]:
    answer = shown.answer
    if answer is None:
        return [legible(shown.problem)] if shown.problem else []
    lines = []
    if answer.voucher is not None:
        lines.append(f"…{legible(answer.voucher.tail, 8)}  {legible(answer.voucher.title, 80)}")
    if answer.arrival_number:
        lines.append(f"排队号 arrival {legible(answer.arrival_number, 80)}")
    if answer.attested is not None:
        lines.append(tell_attested(answer.attested, zone))
    lines += list_picks(answer.vouchers or [])
    offline = "  offline 离线核验" if shown.offline else ""
    lines.append(f"{answer.reason}  {legible(answer.nonce, 64)}{offline}")
    return lines
