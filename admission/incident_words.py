"""Put incidents into words: titles, calls to the on-duty list, the request to stop a sale."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from admission.calendar import Venue
from admission.deals import Deal
from admission.incidents import EntryKind, Figures, Incident, IncidentKind
from admission.messages import Sentence
from admission.surges import Measure, Surge, SurgeCard

Templates = Mapping[str, Mapping[str, Mapping[str, str]]]

_NAMES: Final = (
    *("title", "deal", "platform", "what", "since", "until", "vouchers", "people"),
    *("paid", "face", "lowest", "face_each", "quota", "gate", "device", "incident", "opened"),
    *("ring", "count", "share", "before", "come"),
)
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "titles": (
        IncidentKind.ENROLMENT_USED_TWICE,
        IncidentKind.HELP,
        *(f"surge_{measure}" for measure in Measure),
    ),
    "kinds": tuple(IncidentKind),
    "entries": tuple(EntryKind),
    "calls": (*(kind for kind in IncidentKind if kind.rings), "foot", "test"),
    "stop_sale": ("text", "quota"),
}
# Currencies whose smallest unit is not a hundredth.
_WHOLE: Final = frozenset({"JPY", "KRW", "VND"})


class IncidentWords:
    """The sentences of a venue.

    Args:
        templates: `{part: {name: {"zh": ..., "en": ...}}}` with names in braces.

    Raises:
        ValueError: a sentence is missing, or names what nobody fills in.
    """

    def __init__(self, templates: Templates, venue: Venue) -> None:
        self._venue = venue
        self._templates = {
            f"{part}.{name}": _checked(part, name, templates)
            for part, names in _PARTS.items()
            for name in names
        }

    def enrolment_used_twice(self, device_id: str) -> Sentence:
        """Return the title of an incident about an enrolment code that was used twice."""
        return self._fill("titles.enrolment_used_twice", {"device": device_id})

    def help_called(self, gate: str) -> Sentence:
        """Return the title of a call for help from a lane."""
        return self._fill("titles.help", {"gate": gate})

    def surge(self, surge: Surge, deal: Deal) -> Sentence:
        """Return the title of an incident about a deal that surges."""
        names = {"count": f"{surge.count:,}", "share": _percent(surge.share)}
        names |= {"before": _percent(surge.before), "title": deal.title}
        return self._fill(f"titles.surge_{surge.measure}", names)

    def kind(self, kind: IncidentKind) -> Sentence:
        """Return the short name of a kind of incident."""
        return Sentence(*self._templates[f"kinds.{kind}"])

    def entry(self, kind: EntryKind) -> Sentence:
        """Return what an entry of a timeline tells."""
        return Sentence(*self._templates[f"entries.{kind}"])

    def call(
        self, incident: Incident, deal: Deal | None, *, ring: int, gate: str | None
    ) -> Sentence:
        """Return what whoever is on duty is told below the title, several lines.

        Args:
            gate: its name; a line that would name an unknown one is left out.
        """
        names: dict[str, Any] = {
            "gate": gate or "",
            "device": incident.device_id or "",
            "incident": incident.incident_id,
            "opened": self._local(incident.opened_at),
            "ring": ring,
            **_deal_names(deal),
        }
        what = Sentence("", "")
        if incident.figures is not None:
            names |= self._figure_names(incident.figures)
            what = Sentence(incident.figures.what_zh, incident.figures.what_en)
        if incident.surge is not None:
            names |= self._surge_names(incident.surge)
            what = Sentence(incident.surge.say_zh, incident.surge.say_en)
        return Sentence(
            self._lines(f"calls.{incident.kind}", 0, names | {"what": what.zh}),
            self._lines(f"calls.{incident.kind}", 1, names | {"what": what.en}),
        )

    def test_call(self) -> Sentence:
        """Return what a test call says."""
        return Sentence(*self._templates["calls.test"])

    def stop_sale(self, incident_id: str, deal: Deal, figures: Figures) -> Sentence:
        """Return the request to a platform to stop selling a deal: facts, and what is asked."""
        names = self._figure_names(figures) | _deal_names(deal) | {"incident": incident_id}
        quota = Sentence("", "")
        if figures.quota is not None:
            quota = self._fill("stop_sale.quota", {"quota": figures.quota})
        zh, en = self._templates["stop_sale.text"]
        return Sentence(
            _filled(zh, names | {"quota": quota.zh}), _filled(en, names | {"quota": quota.en})
        )

    def _lines(self, name: str, language: int, names: Mapping[str, Any]) -> str:
        lines = self._templates[name][language].splitlines()
        foot = self._templates["calls.foot"][language]
        told = [line for line in lines if _tells(line, names)]
        return "\n".join(_filled(line, names) for line in (*told, foot))

    def _fill(self, name: str, names: Mapping[str, Any]) -> Sentence:
        zh, en = self._templates[name]
        return Sentence(_filled(zh, names), _filled(en, names))

    def _figure_names(self, figures: Figures) -> dict[str, Any]:
        currency = figures.currency
        return {
            "since": self._local(figures.since),
            "until": self._local(figures.until),
            "vouchers": f"{figures.vouchers:,}",
            "people": f"{figures.people:,}",
            "paid": money(figures.paid_minor, currency),
            "face": money(figures.face_minor, currency),
            "lowest": _money_or_dash(figures.lowest_minor, currency),
            "face_each": _money_or_dash(figures.face_price_minor, currency),
        }

    def _surge_names(self, card: SurgeCard) -> dict[str, Any]:
        return {
            "since": self._local(card.since),
            "vouchers": f"{card.sold:,}",
            "people": f"{card.people_sold:,}",
            "come": f"{card.still_to_come:,}",
            "count": f"{card.count:,}",
        }

    def _local(self, at: datetime) -> str:
        return at.astimezone(self._venue.zone).strftime("%m-%d %H:%M")


def money(minor: int, currency: str) -> str:
    """Return an amount as people write it: `53,560.00 CNY`."""
    if currency in _WHOLE:
        return f"{minor:,} {currency}"
    whole, rest = divmod(minor, 100)
    return f"{whole:,}.{rest:02} {currency}"


def _money_or_dash(minor: int | None, currency: str) -> str:
    return "-" if minor is None else money(minor, currency)


def _percent(share: float) -> str:
    return f"{share * 100:.0f}"


def _deal_names(deal: Deal | None) -> dict[str, str]:
    if deal is None:
        return {}
    return {"deal": deal.deal_id, "title": deal.title, "platform": deal.platform}


def _tells(line: str, names: Mapping[str, Any]) -> bool:
    """Say whether all that a line names is known."""
    return all(names.get(name, "") != "" for name in _NAMES if f"{{{name}}}" in line)


def _filled(text: str, names: Mapping[str, Any]) -> str:
    filled = text.format_map(dict.fromkeys(_NAMES, "") | dict(names))
    return "\n".join(line.strip() for line in filled.splitlines())


def _checked(part: str, name: str, templates: Templates) -> tuple[str, str]:
    texts = templates.get(part, {}).get(name)
    if texts is None or not texts.get("zh") or not texts.get("en"):
        raise ValueError(f"incidents.toml: [{part}] {name} needs a sentence in zh and in en")
    try:
        for text in (texts["zh"], texts["en"]):
            text.format_map(dict.fromkeys(_NAMES, ""))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"incidents.toml: [{part}] {name} has an unknown name {error}") from error
    return texts["zh"].strip(), texts["en"].strip()
