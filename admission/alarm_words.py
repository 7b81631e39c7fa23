"""Put alarms into words, in Chinese and in English: what it is, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from admission.alarms import ALL, AlarmKind, Severity
from admission.conduct import Act
from admission.messages import Sentence

Templates = Mapping[str, Mapping[str, Mapping[str, str]]]

_NAMES: Final = ("figure", "bar", "usual", "where")
_PARTS: Final = ("name", "says", "do")
MANY: Final = "_many"
"""Ends the section about many of a kind at once."""

_SHARES: Final = frozenset(
    {
        AlarmKind.CAPACITY,
        AlarmKind.GATE_REFUSALS,
        AlarmKind.DEAL_REFUSALS,
        AlarmKind.STREAMS_FULL,
    }
)
_MIB_A_GIB: Final = 1024.0
_IN_MINUTES: Final = frozenset(
    {
        AlarmKind.WAIT,
        AlarmKind.CALLS_OLD,
        AlarmKind.GATE_SILENT,
        AlarmKind.DEVICE_GONE,
        AlarmKind.REPLICA_OLD,
        AlarmKind.DEVICE_CLOCK,
        AlarmKind.FEED_OLD,
        AlarmKind.REDEMPTIONS_LATE,
    }
)
_OF_MANY: Final = (
    AlarmKind.GATE_SILENT,
    AlarmKind.DEVICE_GONE,
    AlarmKind.REPLICA_OLD,
    AlarmKind.OUTBOX_DEEP,
    AlarmKind.DEVICE_CLOCK,
)


class AlarmWords:
    """The sentences about alarms.

    Args:
        templates: `{section: {"name" | "says" | "do" | "do_<severity>": {"zh": ..., "en": ...}}}`,
            a section a kind, one with MANY behind it for those that come together, and `acts`.

    Raises:
        ValueError: a sentence is missing, or names what nobody fills in.
    """

    def __init__(self, templates: Templates) -> None:
        sections = (*AlarmKind, *(f"{kind}{MANY}" for kind in _OF_MANY))
        self._sections = {name: _checked(name, templates, _PARTS) for name in sections}
        self._sections["duty"] = _checked("duty", templates, (*_PARTS, "over"))
        self._sections["eases"] = _checked("eases", templates, ("says", "free"))
        self._acts = _checked("acts", templates, tuple(Act))

    def name(self, kind: AlarmKind, subject: str) -> Sentence:
        """Return the short name of an alarm."""
        return self._sections[_section(kind, subject)]["name"]

    def says(
        self,
        kind: AlarmKind,
        subject: str,
        where: Sentence,
        figure: float,
        *,
        bar: float,
        usual: float | None,
    ) -> Sentence:
        """Return what it is, in one sentence.

        Args:
            where: what people call the subject.
        """
        section = self._sections[_section(kind, subject)]
        sentence = section["says"] if usual else section.get("says_first", section["says"])
        if subject == ALL:
            figures = {"figure": f"{figure:,.0f}", "bar": f"{bar:,.0f}", "usual": ""}
        else:
            known = 0.0 if usual is None else usual
            values = {"figure": figure, "bar": bar, "usual": known}
            figures = {name: shown(kind, value) for name, value in values.items()}
        return Sentence(
            sentence.zh.format_map({**figures, "where": where.zh}),
            sentence.en.format_map({**figures, "where": where.en}),
        )

    def to_do(self, kind: AlarmKind, subject: str, severity: Severity) -> Sentence:
        """Return what to do about it; some kinds ask for more the more severe they are."""
        section = self._sections[_section(kind, subject)]
        return section.get(f"do_{severity}", section["do"])

    def eases(self, kind: AlarmKind, clears_at: float) -> Sentence:
        """Return that a figure is well again, and from where on its alarm goes."""
        frame = self._sections["eases"]["free" if kind is AlarmKind.DISK else "says"]
        names = {"figure": shown(kind, clears_at)}
        return Sentence(frame.zh.format_map(names), frame.en.format_map(names))

    def act(self, act: str) -> Sentence:
        """Return what people call an act that is counted: an override, say."""
        return self._acts[act]

    def title(self, kind: AlarmKind, subject: str, where: Sentence, *, cleared: bool) -> Sentence:
        """Return the first line of a message to the duty list."""
        name = self.name(kind, subject)
        frame = self._sections["duty"]["do" if cleared else "says"]
        zh, en = f"{name.zh} {where.zh}".strip(), f"{name.en} {where.en}".strip()
        return Sentence(frame.zh.format_map({"where": zh}), frame.en.format_map({"where": en}))

    def over(self, since: str) -> Sentence:
        """Return that an alarm is over, and since when it stood, by the venue's clocks."""
        frame, names = self._sections["duty"]["over"], {"where": since}
        return Sentence(frame.zh.format_map(names), frame.en.format_map(names))


def shown(kind: AlarmKind, figure: float) -> str:
    """Return a figure as people write it, with the unit that its sentence does not say."""
    if kind in _SHARES:
        return f"{figure * 100:.0f}%"
    if kind in _IN_MINUTES:
        return f"{figure:,.0f}" if figure >= 1 else f"{figure:.1f}"
    if kind is AlarmKind.DISK:
        return f"{figure / _MIB_A_GIB:.1f} GiB" if figure >= _MIB_A_GIB else f"{figure:.0f} MiB"
    return f"{figure:.0f}" if kind is AlarmKind.AUDIT else f"{figure:,.0f}"


def _section(kind: AlarmKind, subject: str) -> str:
    return f"{kind}{MANY}" if subject == ALL else kind


def _checked(section: str, templates: Templates, needed: tuple[str, ...]) -> dict[str, Sentence]:
    texts = templates.get(section, {})
    missing = [name for name in needed if name not in texts]
    if missing:
        raise ValueError(f"alarms.toml: [{section}] needs {', '.join(missing)}")
    return {name: _sentence(section, name, each) for name, each in texts.items()}


def _sentence(section: str, name: str, texts: Mapping[str, str]) -> Sentence:
    if not texts.get("zh") or not texts.get("en"):
        raise ValueError(f"alarms.toml: [{section}] {name} needs a sentence in zh and in en")
    try:
        for text in (texts["zh"], texts["en"]):
            text.format_map(dict.fromkeys(_NAMES, ""))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"alarms.toml: [{section}] {name} has an unknown name {error}") from error
    return Sentence(texts["zh"], texts["en"])
