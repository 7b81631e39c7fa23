"""How a verdict looks and sounds, the same at every lane: shape, word, colour, bells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from admission.scans import Mode
from admission.verdicts import OUTCOMES, Outcome, Reason


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
# A badge is nobody's voucher: it must look like no verdict at all.
STAFF = Face("●", "STAFF", "员工", "magenta", 1)
# A voided deal brings a crowd: no red and no noise before it.
QUIET = Face("✕", "STOP", "暂不能入园", "yellow", 0)
# Whoever looks at the screen of a marshal must not read there that they may go in.
LOOKS: Mapping[Mode, Face] = MappingProxyType(
    {
        Mode.CHECK: Face("✓", "VALID", "此票有效", "cyan", 1),
        Mode.ARRIVE: Face("✓", "NOTED", "已登记到场，请继续排队", "cyan", 1),
        Mode.EXCHANGE: Face("✓", "TICKETS", "换票成功，请取票", "cyan", 1),
    }
)

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


def face_for(reason: Reason, mode: Mode, told: Outcome | None = None) -> Face:
    """Return how a verdict looks where a scan asked for a mode.

    Args:
        told: the answer's outcome; another than the reason's own where a human has decided since.
    """
    if told not in {None, OUTCOMES[reason]}:
        return FACES[told]
    if reason is Reason.DEAL_VOIDED:
        return QUIET
    outcome = OUTCOMES[reason]
    if outcome is Outcome.ADMIT and mode in LOOKS:
        return LOOKS[mode]
    return FACES[outcome]
