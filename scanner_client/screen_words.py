"""The lane screen's own sentences, in both languages, and a verdict as it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from admission.looks import CATEGORIES, LOOKS, QUIET
from admission.scans import Direction, GateState, Mode
from admission.verdicts import Outcome
from admission.wire_tickets import TicketAnswer
from scanner_client.checkin import Shown
from scanner_client.legible import legible
from scanner_client.presenter import MINUTE_S, Outlook, face_of
from scanner_client.screen_pictures import Both, LanePicture, Trouble, VerdictPicture
from scanner_client.venue_time import tell_clock

# Visitors read it from some steps away: what is longer is nothing for this screen.
MOST_TITLE = 60
MOST_SENTENCE = 500
MOST_TICKETS = 8
HOURS_FROM_S = 2 * 60 * MINUTE_S

READING = Both("正在识别", "Reading the code")
READING_DETAIL = Both("请稍候", "One moment")
EMERGENCY = Both("请停止入园，按疏散指引行动", "No entry: follow the evacuation signs")
EMERGENCY_DETAIL = Both("请勿在此停留", "Please do not wait here")
BROKEN = Both("本通道暂停使用", "This lane is out of order")
HOLD = Both("二维码对准读码口，屏幕调亮", "Hold the QR code up to the reader, screen bright")

INVITATIONS: Mapping[Mode, tuple[Both, Both]] = MappingProxyType(
    {
        Mode.ADMIT: (Both("请出示入园码", "Show your admission code"), HOLD),
        Mode.REENTRY: (Both("再次入园，请出示入园码", "Coming back in? Show your code"), HOLD),
        Mode.ARRIVE: (Both("到场登记，请出示入园码", "Show your code to note your arrival"), HOLD),
        Mode.EXCHANGE: (Both("换票，请出示入园码", "Show your code to get your tickets"), HOLD),
        Mode.CHECK: (
            Both("我的码今天能用吗？", "Will my code work today?"),
            Both(
                "出示入园码查一查：只查询，不验票",
                "Show it here to find out: it is only looked up, not used",
            ),
        ),
    }
)
LEAVING = Both("出园请出示入园码", "Going out? Show your code"), HOLD

CLOSED: Mapping[GateState, tuple[Both, Both]] = MappingProxyType(
    {
        GateState.PAUSED: (
            Both("本通道暂停入园", "This lane is closed for now"),
            Both("请走其他通道，或稍候", "Please use another lane, or wait"),
        ),
        GateState.EXIT_ONLY: (
            Both("此通道只出不进", "Exit only"),
            Both("入园请走其他通道", "To come in, please use another lane"),
        ),
    }
)

TROUBLES: Mapping[Trouble, Both] = MappingProxyType(
    {
        Trouble.BARRED: Both(
            "请走其他通道（设备已停用）", "Please use another lane (device stopped)"
        ),
        Trouble.UNRECORDED: Both(
            "请走其他通道（无法记录）", "Please use another lane (cannot record)"
        ),
        Trouble.NO_REPLICA: Both(
            "请走其他通道（服务器断开，无离线票库）",
            "Please use another lane (server away, no replica)",
        ),
        Trouble.NO_PICTURE: Both(
            "请走其他通道（读码器无画面）", "Please use another lane (no picture from the camera)"
        ),
        Trouble.READER: Both(
            "请走其他通道（读码器断开）", "Please use another lane (reader unplugged)"
        ),
        Trouble.BARRIER: Both(
            "请走其他通道（闸机故障）", "Please use another lane (turnstile fault)"
        ),
    }
)


def invite(lane: LanePicture) -> tuple[Both, Both]:
    """Return what a waiting lane says."""
    leaving = lane.direction is Direction.EXIT and lane.mode is Mode.ADMIT
    return LEAVING if leaving else INVITATIONS[lane.mode]


def picture_of(shown: Shown, run: str, number: int) -> VerdictPicture:
    """Return a verdict as it is drawn."""
    face = face_of(shown)
    passing = shown.admitted and shown.mode not in LOOKS
    return VerdictPicture(
        run=run,
        number=number,
        shape=face.shape,
        word=face.word,
        word_zh=face.zh,
        colour=face.colour,
        sound="" if face == QUIET else face.word.lower(),
        sentence=Both(
            legible(shown.message.zh, MOST_SENTENCE), legible(shown.message.en, MOST_SENTENCE)
        ),
        offline=shown.offline,
        practice=shown.practice,
        passing=passing,
        **_facts(shown),
    )


def _facts(shown: Shown) -> dict[str, Any]:
    """Return what an answer says beside its verdict; nothing where there is none."""
    answer = shown.answer
    if answer is None:
        return {}
    facts: dict[str, Any] = {
        "arrival_number": legible(answer.arrival_number or "", MOST_TITLE),
        "tickets": [_ticket(ticket) for ticket in (answer.tickets or [])[:MOST_TICKETS]],
    }
    if answer.outcome is Outcome.ADMIT:
        facts |= {"people": answer.admitted, "left": answer.remaining}
    if answer.voucher is not None:
        category = legible(answer.voucher.category, 20)
        facts |= {
            "tail": legible(answer.voucher.tail, 8),
            "title": legible(answer.voucher.title, MOST_TITLE),
            "category": "" if category == "adult" else category,
            "category_zh": CATEGORIES.get(category, ""),
        }
    return facts


def _ticket(ticket: TicketAnswer) -> str:
    """Return what is printed large on a ticket: its name, never its code."""
    return legible(ticket.ticket, 20)


def tell_outage(outlook: Outlook) -> Both | None:
    """Return what staff have to know while the server is away; None while it is there."""
    link = outlook.link
    if link.online is not False or link.barred:
        return None
    since = "" if link.since is None else tell_clock(link.since, outlook.zone)
    zh, en = [f"离线验票{since and f'（{since} 起）'}"], [f"Offline{since and f' since {since}'}"]
    if outlook.replica_age_s is not None:
        age_zh, age_en = _age(outlook.replica_age_s)
        zh.append(f"票库{age_zh}")
        en.append(f"replica {age_en} old")
    if outlook.waiting:
        zh.append(f"待上传 {outlook.waiting} 条")
        en.append(f"{outlook.waiting} to upload")
    return Both(" · ".join(zh), " · ".join(en))


def _age(seconds: float) -> tuple[str, str]:
    """Return an age in steps, so that the screen does not change each second."""
    if seconds < MINUTE_S:
        return "不到 1 分钟前", "under 1 min"
    if seconds < HOURS_FROM_S:
        minutes = int(seconds // MINUTE_S)
        return f" {minutes} 分钟前", f"{minutes} min"
    hours = int(seconds // (60 * MINUTE_S))
    return f" {hours} 小时前", f"{hours} h"
