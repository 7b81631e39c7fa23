"""What the lane screen shows, as the page draws it: one whole picture at a time, no part of one."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from admission.scans import Direction, Mode


class Scene(StrEnum):
    """What fills the screen."""

    WAITING = "waiting"
    READING = "reading"
    VERDICT = "verdict"
    QUESTION = "question"
    CLOSED = "closed"
    EMERGENCY = "emergency"
    BROKEN = "broken"


BETWEEN_SCANS = frozenset({Scene.WAITING, Scene.CLOSED, Scene.BROKEN})
"""Where there is room for a broadcast: never over a verdict or a question."""


class Trouble(StrEnum):
    """Why a lane is out of order."""

    BARRED = "barred"
    UNRECORDED = "unrecorded"
    NO_REPLICA = "no_replica"
    NO_PICTURE = "no_picture"
    READER = "reader"
    BARRIER = "barrier"


class Both(Struct, frozen=True):
    """A text in both languages."""

    zh: str
    en: str


class LanePicture(Struct, frozen=True):
    """What the screen says of its lane.

    Attributes:
        way: where people go on; `reader`: where the reader is, seen from the screen.
    """

    name: str
    area: str
    direction: Direction
    mode: Mode
    way: str
    reader: str


class VerdictPicture(Struct, frozen=True):
    """One verdict, or that there is none.

    Attributes:
        run: names one start of the scanner; `number` counts what it showed: each sounds once.
        sound: its name; "" is silent.
        people: let in, or out; 0: nobody, or nobody counts.
        left: people whom the voucher still lets in.
    """

    run: str
    number: int
    shape: str
    word: str
    word_zh: str
    colour: str
    sound: str
    sentence: Both
    category: str = ""
    category_zh: str = ""
    people: int = 0
    left: int = 0
    tail: str = ""
    title: str = ""
    arrival_number: str = ""
    tickets: list[str] = []
    offline: bool = False
    practice: bool = False
    passing: bool = False


class ChoicePicture(Struct, frozen=True):
    """One of several vouchers to choose from."""

    tail: str
    title: str
    remaining: int


class QuestionPicture(Struct, frozen=True):
    """A question that is open.

    Attributes:
        question_id: names it in an answer.
        most: the largest number that answers it.
        choices: what the numbers stand for; empty: people.
    """

    question_id: str
    most: int
    title: str = ""
    choices: list[ChoicePicture] = []


class BroadcastPicture(Struct, frozen=True):
    """A message of the venue's to its lanes."""

    broadcast_id: str
    zh: str
    en: str
    high: bool


class Picture(Struct, frozen=True):
    """All that the page has to draw.

    Attributes:
        say: the headline; `detail`: the line below it.
        offline: what staff have to know while the server is away.
        notice: what staff have to know of the turnstile.
        level: how loud, 0 to 1.
        help: how the lane's own call for help stands; `staffed`: somebody may call there.
    """

    scene: Scene
    lane: LanePicture
    theme: str
    level: float
    say: Both
    detail: Both
    verdict: VerdictPicture | None = None
    question: QuestionPicture | None = None
    offline: Both | None = None
    notice: Both | None = None
    broadcast: BroadcastPicture | None = None
    operator: str = ""
    practice: bool = False
    help: Both | None = None
    staffed: bool = False
