"""Put a verdict into one sentence for staff, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from types import MappingProxyType
from typing import TYPE_CHECKING

from admission.calendar import Venue
from admission.scans import Gate
from admission.verdicts import OUTCOMES, Outcome, Reason, Say, Verdict

if TYPE_CHECKING:
    from admission.notices import NoticeWords

WOULD_ADMIT = "would_admit"
TICKETS_MADE = "tickets_made"
COPIED = "copied_code"
SLIP_PROVES = "slip_proves"
NO_COPY = "no_copy"
TURNED_AWAY = "turned_away"
BESIDE_REASONS = (WOULD_ADMIT, TICKETS_MADE, COPIED, SLIP_PROVES, NO_COPY, TURNED_AWAY)
"""Sentences said instead of a reason's own: nobody passes by it, or more is known."""
MOST_GATES = 4
"""More gates than this nobody listens to; the area alone is said then."""
LONGEST = 500
"""Characters that an answer may tell in one language."""
NO_GATES: Mapping[str, Gate] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same in both languages."""

    zh: str
    en: str


class Messages:
    """The sentences of a venue.

    Args:
        templates: `{reason: {"zh": ..., "en": ...}}` with names in braces, one a reason.
        notices: puts the notice of a void into words.

    Raises:
        ValueError: a reason has no sentence, or a sentence names what nobody fills in.
    """

    def __init__(
        self,
        templates: Mapping[str, Mapping[str, str]],
        venue: Venue,
        notices: NoticeWords,
    ) -> None:
        self._venue, self._notices = venue, notices
        self._templates: dict[str, tuple[str, str]] = {}
        self._short: dict[str, Sentence] = {}
        for name in (*(reason.value for reason in Reason), *BESIDE_REASONS):
            texts = templates.get(name)
            if texts is None or not texts.get("zh") or not texts.get("en"):
                raise ValueError(f"verdicts.toml: [{name}] needs a sentence in zh and in en")
            self._templates[name] = texts["zh"], texts["en"]
            shown = texts.get("name_zh") or name, texts.get("name_en") or name.replace("_", " ")
            self._short[name] = Sentence(*shown)
            self._try(name)
        self._plain = {
            name: Sentence(*texts) for name, texts in self._templates.items() if "{" not in texts[0]
        }

    def _try(self, name: str) -> None:
        try:
            for text in self._templates[name]:
                text.format_map(dict.fromkeys(_NAMES, ""))
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"verdicts.toml: [{name}] has an unknown name {error}") from error

    def short(self, reason: Reason) -> Sentence:
        """Return a reason's short name, for pages and lists."""
        return self._short[reason.value]

    @property
    def turned_away(self) -> Sentence:
        """What is said where a human has looked at a call and lets nobody in."""
        return Sentence(*self._templates[TURNED_AWAY])

    @property
    def notices(self) -> NoticeWords:
        """What puts the notice of a void into words."""
        return self._notices

    def sentence(
        self, verdict: Verdict, *, dry: bool = False, gates: Mapping[str, Gate] = NO_GATES
    ) -> Sentence:
        """Return what to tell the visitor.

        Args:
            dry: the scan was a look only (check, arrive), so nobody passes by it.
            gates: by id, so that staff hear a gate's name; one that is not there keeps its id.
        """
        notice = self._notices.find_notice(verdict.say) if verdict.say else None
        if notice is None:
            return self._own(verdict, dry, gates)
        if verdict.reason is not Reason.REFUNDED:
            return notice
        # Refunded in the course of the void: that comes first.
        own = self._own(verdict, dry, gates)
        joined = Sentence(f"{own.zh}{notice.zh}", f"{own.en} {notice.en}")
        return joined if max(len(joined.zh), len(joined.en)) <= LONGEST else own

    def _own(self, verdict: Verdict, dry: bool, gates: Mapping[str, Gate]) -> Sentence:
        """Return the sentence of a verdict's own reason."""
        name = verdict.reason.value
        if dry and OUTCOMES[verdict.reason] is Outcome.ADMIT:
            name = WOULD_ADMIT
        elif verdict.tickets:
            name = TICKETS_MADE
        elif "copied_at" in verdict.say:
            name = COPIED
        elif "slip_at" in verdict.say:
            name = SLIP_PROVES
        elif NO_COPY in verdict.say:
            name = NO_COPY
        plain = self._plain.get(name)
        if plain is not None:
            return plain
        names = self._names(verdict, gates)
        zh, en = self._templates[name]
        return Sentence(zh.format_map(names), en.format_map(names))

    def _names(self, verdict: Verdict, gates: Mapping[str, Gate]) -> dict[str, object]:
        say, first = verdict.say, verdict.first_use
        names = dict.fromkeys(_NAMES, "") | {key: say[key] for key in _NUMBERS if key in say}
        names["people"] = verdict.tickets or verdict.people or verdict.remaining
        names["remaining"] = verdict.remaining
        if first is not None:
            names["first_at"] = self._local(first.at)
            names["first_gate"] = _name(first.gate_id, gates)
        if "copied_gate" in say:
            names["copied_gate"] = _name(str(say["copied_gate"]), gates)
        for name, key in _INSTANTS:
            if isinstance(at := say.get(key), datetime):
                names[name] = self._local(at)
        where = _listed(_where(say, gates))
        # People know gates by name; an area has only its id.
        names["areas"] = "" if where and gates else _listed(say.get("areas"))
        names["gates"] = where if gates else f" ({where})" if where else ""
        names["tickets"] = _listed(say.get("tickets"))
        names["hours"] = _hours(say.get("hours"))
        if "slip" in say:
            names |= self._proof_names(say, gates)
        return names

    def _proof_names(self, say: Say, gates: Mapping[str, Gate]) -> dict[str, object]:
        """Return what is said of a slip that proves a refusal."""
        names = {name: say[name] for name in ("slip", "slip_day", "slip_tail") if name in say}
        at, reason = say.get("slip_at"), say.get("slip_reason")
        if isinstance(at, datetime) and isinstance(reason, str):
            why = self.short(Reason(reason))
            names |= {"slip_at": self._local(at), "why_zh": why.zh, "why_en": why.en}
            names["slip_gate"] = _name(str(say.get("slip_gate", "")), gates)
        return names

    def _local(self, at: datetime) -> str:
        return at.astimezone(self._venue.zone).strftime("%m-%d %H:%M")


_INSTANTS = (("from", "valid_from"), ("until", "valid_until"), ("copied_at", "copied_at"))
_NUMBERS = ("available", "party", "vouchers")
_NAMES = (
    *_NUMBERS,
    *("people", "remaining", "first_at", "first_gate", "areas", "gates"),
    *("from", "until", "hours", "tickets", "arrived_at", "copied_at", "copied_gate"),
    *("slip", "slip_day", "slip_at", "slip_gate", "slip_tail", "why_zh", "why_en"),
)


def _name(gate_id: str, gates: Mapping[str, Gate]) -> str:
    gate = gates.get(gate_id)
    return gate_id if gate is None else gate.name


def _where(say: Say, gates: Mapping[str, Gate]) -> list[str]:
    """Return the gates that a voucher is for: those its deal names, else those of its areas."""
    named, areas = say.get("gates"), say.get("areas")
    if isinstance(named, tuple | list) and named:
        return [_name(str(gate_id), gates) for gate_id in named]
    if not isinstance(areas, tuple | list):
        return []
    found = [gate.name for gate in gates.values() if gate.area in areas]
    return found if len(found) <= MOST_GATES else []


def _listed(names: object) -> str:
    return ", ".join(str(name) for name in names) if isinstance(names, tuple | list) else ""


def _hours(hours: object) -> str:
    if not isinstance(hours, tuple | list) or len(hours) != 2:
        return ""
    opens, closes = (at.strftime("%H:%M") if isinstance(at, time) else str(at) for at in hours)
    return f" ({opens}-{closes})"
