"""Say in a few lines which deal explains why it is busy, and what to tell visitors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo

from admission.wire_notices import WhyCard, WhyTerms
from scanner_client.legible import legible
from scanner_client.venue_time import tell_day

CALM = "nothing stands out 没有特别的票种"
STATES: Mapping[str, str] = MappingProxyType(
    {"voided": "VOIDED 已取消", "held": "ON HOLD 待确认", "busy": "BUSY 较多"}
)


def tell_cards(cards: Iterable[WhyCard], zone: ZoneInfo | None) -> list[str]:
    """Return the lines of all cards, in the time of the venue's zone."""
    lines = [line for card in cards for line in tell_card(card, zone)]
    return lines or [CALM]


def tell_card(card: WhyCard, zone: ZoneInfo | None) -> list[str]:
    """Return the lines of one card, safe to show."""
    deal = f"{legible(card.title, 80)} ({legible(card.deal_id, 64)})"
    return [
        f"{STATES[card.state]}  {deal}, since {tell_day(card.since, zone)} 起",
        f"  {card.share_of_scans:.0%} of scans 占验票, {card.refused} refused today 今日未放行",
        f"  sold 已售 {card.sold} ({card.people_sold} 人 people), in 已入园 {card.used} 人 people",
        f"  may still come today 今日最多还来: {card.still_to_come_today} 人 people",
        *([] if card.terms is None else [_terms(card.terms, zone)]),
        f"  {legible(card.say.zh)}",
        f"  {legible(card.say.en)}",
    ]


def _terms(terms: WhyTerms, zone: ZoneInfo | None) -> str:
    most = "" if terms.max_people is None else f", at most 最多 {terms.max_people} 人 people"
    return (
        f"  honoured 照常入园: arrived 到场 {tell_day(terms.arrived_from, zone)} - "
        f"{tell_day(terms.arrived_by, zone)}, "
        f"in until 入园截止 {tell_day(terms.admit_until, zone)}{most}"
    )
