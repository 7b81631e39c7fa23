"""Make the one-page card of all verdicts, in both languages, for one side of A4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from admission.messages import Sentence
from admission.verdicts import OUTCOMES, Outcome, Reason
from gate_server.paper import render
from gate_server.word_files import read_words


@dataclass(frozen=True, slots=True)
class CardReason:
    """One reason on the card: its code, its names, what to do."""

    code: str
    name: Sentence
    todo: Sentence


@dataclass(frozen=True, slots=True)
class CardPart:
    """One outcome on the card, with all its reasons in the order of the program.

    Attributes:
        bells: how often a scanner rings.
    """

    outcome: str
    shape: str
    word: str
    name: str
    bells: int
    todo: Sentence
    reasons: list[CardReason]


def card_parts() -> list[CardPart]:
    """Return the card's four parts."""
    card, names = read_words("card.toml"), read_words("verdicts.toml")
    return [_part(outcome, card, names) for outcome in Outcome]


def _part(outcome: Outcome, card: Mapping[str, Any], names: Mapping[str, Any]) -> CardPart:
    face = card["outcomes"][outcome]
    return CardPart(
        outcome.value,
        face["shape"],
        face["word"],
        face["name"],
        face["bells"],
        Sentence(face["zh"], face["en"]),
        [
            CardReason(
                reason.value,
                Sentence(names[reason]["name_zh"], names[reason]["name_en"]),
                Sentence(card["reasons"][reason]["zh"], card["reasons"][reason]["en"]),
            )
            for reason in Reason
            if OUTCOMES[reason] is outcome
        ],
    )


def write_card() -> str:
    """Return the card as a page of its own."""
    return render("card.html", parts=card_parts())
