"""Put advice about a crowd, and why a figure is missing, into sentences in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Final

from admission.calendar import Venue
from admission.crowd import Gap
from admission.crowd_advice import Advice, AdviceKind
from admission.crowd_queues import QueueBasis, QueueGap
from admission.messages import Sentence

_NAMES: Final = ("area", "gates", "unmanned", "wait", "after", "at", "share", "people", "m2")
KEYS: Final = (
    *(kind.value for kind in AdviceKind),
    *(f"gap_{gap.value}" for gap in chain(QueueGap, Gap)),
    *(f"basis_{basis.value}" for basis in QueueBasis),
)


class CrowdWords:
    """The sentences of a venue.

    Args:
        templates: `{key: {"zh": ..., "en": ...}}` with names in braces, one of KEYS each.

    Raises:
        ValueError: a key has no sentence, or a sentence names what nobody fills in.
    """

    def __init__(self, templates: Mapping[str, Mapping[str, str]], venue: Venue) -> None:
        self._venue = venue
        self._templates = {key: _checked(key, templates) for key in KEYS}

    def advice(self, advice: Advice, now: datetime) -> Sentence:
        """Return what to do."""
        share = advice.share
        names = {
            "area": advice.area,
            "wait": _minutes(advice.wait_min),
            "after": _minutes(advice.after_min),
            "at": "" if advice.at is None else self._local(advice.at, now),
            "share": "" if share is None else f"{share * 100:.0f}",
            "m2": "" if share is None else f"{share:.2f}",
            "people": "" if advice.people is None else f"{advice.people:,}",
        }
        zh, en = self._templates[advice.kind.value]
        places = {"gates": advice.gates, "unmanned": advice.unmanned}
        return Sentence(
            zh.format_map(names | {name: "、".join(each) for name, each in places.items()}),
            en.format_map(names | {name: _listed(each) for name, each in places.items()}),
        )

    def gap(self, gap: QueueGap | Gap) -> Sentence:
        """Return why something is not known."""
        return Sentence(*self._templates[f"gap_{gap.value}"])

    def basis(self, basis: QueueBasis) -> Sentence:
        """Return how a figure was got."""
        return Sentence(*self._templates[f"basis_{basis.value}"])

    def _local(self, at: datetime, now: datetime) -> str:
        form = "%H:%M" if self._venue.same_day(at, now) else "%m-%d %H:%M"
        return at.astimezone(self._venue.zone).strftime(form)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _minutes(wait: float | None) -> str:
    return "" if wait is None else f"{max(1.0, wait):.0f}"


def _checked(key: str, templates: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    texts = templates.get(key)
    if texts is None or not texts.get("zh") or not texts.get("en"):
        raise ValueError(f"crowd.toml: [{key}] needs a sentence in zh and in en")
    try:
        for text in (texts["zh"], texts["en"]):
            text.format_map(dict.fromkeys(_NAMES, ""))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"crowd.toml: [{key}] has an unknown name {error}") from error
    return texts["zh"], texts["en"]
