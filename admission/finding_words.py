"""Put a finding into one sentence for staff and platforms, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from admission.calendar import Venue
from admission.deals import Deal
from admission.findings import Finding, FindingKind
from admission.incident_words import money
from admission.messages import Sentence

OWN_SENTENCES: Final = (
    "deal_changed.days_taken",
    "deal_changed.days_given",
    "guessable_codes.running",
)
"""Kinds and subjects that have a sentence of their own."""
_NAMES: Final = (
    *("title", "since", "subject", "vouchers", "people", "paid", "face", "lowest", "highest"),
    *("expected", "quota", "sold", "people_an_hour", "busiest_before", "busiest_other", "share"),
    *("capacity", "space", "before", "after", "from_before", "until_before", "from_after"),
    *("until_after", "most"),
)
_MONEY: Final = ("lowest_minor", "highest_minor", "expected_minor")


class FindingWords:
    """The sentences of a venue.

    Args:
        templates: `{kind: {"zh": ..., "en": ...}}` with names in braces.

    Raises:
        ValueError: a kind has no sentence, or a sentence names what nobody fills in.
    """

    def __init__(self, templates: Mapping[str, Mapping[str, str]], venue: Venue) -> None:
        self._venue = venue
        names = (*(kind.value for kind in FindingKind), *OWN_SENTENCES, "held", "proposed")
        self._templates = {name: _checked(name, templates) for name in names}

    def sentence(self, finding: Finding, deal: Deal | None) -> Sentence:
        """Return what was found, how far off it is, since when, and how many it is about."""
        own = f"{finding.kind}.{finding.subject}"
        zh, en = self._templates[own if own in self._templates else finding.kind.value]
        names = dict.fromkeys(_NAMES, "-") | self._names(finding, deal)
        return Sentence(zh.format_map(names), en.format_map(names))

    def held(self, deal: Deal) -> Sentence:
        """Return the title of the incident that a deal on hold opens."""
        return self._title("held", deal)

    def proposed(self, deal: Deal) -> Sentence:
        """Return the title of the incident that accounts with very many vouchers open."""
        return self._title("proposed", deal)

    def _title(self, name: str, deal: Deal) -> Sentence:
        zh, en = self._templates[name]
        names = dict.fromkeys(_NAMES, "-") | {"title": deal.title}
        return Sentence(zh.format_map(names), en.format_map(names))

    def _names(self, finding: Finding, deal: Deal | None) -> dict[str, str]:
        currency = "" if deal is None else deal.currency
        names = {
            "title": "" if deal is None else deal.title,
            "subject": finding.subject,
            "since": "-" if finding.since is None else self._local(finding.since),
            "vouchers": f"{finding.vouchers:,}",
            "people": f"{finding.people:,}",
            "paid": money(finding.paid_minor, currency),
            "face": money(finding.face_minor, currency),
        }
        priced = finding.subject.endswith("_minor")
        for name, value in finding.measure.items():
            if name in _MONEY or (priced and name in ("before", "after")):
                names[name.removesuffix("_minor")] = money(int(value), currency)
            else:
                names[name] = self._plain(name, value)
        return names

    def _plain(self, name: str, value: Any) -> str:
        if name == "share":
            return f"{value * 100:.0f} %"
        if isinstance(value, str):
            return self._local(datetime.fromisoformat(value))
        return f"{value:,.0f}"

    def _local(self, at: datetime) -> str:
        return at.astimezone(self._venue.zone).strftime("%Y-%m-%d %H:%M")


def _checked(name: str, templates: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    texts = templates.get(name)
    if texts is None or not texts.get("zh") or not texts.get("en"):
        raise ValueError(f"findings.toml: [{name}] needs a sentence in zh and in en")
    try:
        for text in (texts["zh"], texts["en"]):
            text.format_map(dict.fromkeys(_NAMES, ""))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"findings.toml: [{name}] has an unknown name {error}") from error
    return texts["zh"], texts["en"]
