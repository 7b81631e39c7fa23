"""The words of an after-action report in one language, checked to be whole in both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from admission.verdicts import Reason

LANGUAGES: Final = ("zh", "en")
PARTS: Final = (
    *("labels", "facts", "refs", "values", "actors", "states", "classes", "questions", "reasons"),
)
Templates = Mapping[str, Mapping[str, Mapping[str, str]]]


class ReportWords:
    """What a report says.

    Args:
        templates: `{part: {name: {"zh": ..., "en": ...}}}` with names in braces.

    Raises:
        ValueError: a part or a reason is missing, or a text in one of the languages.
    """

    def __init__(self, templates: Templates) -> None:
        missing = [part for part in PARTS if not templates.get(part)]
        missing += [
            f"reasons.{each}" for each in Reason if each not in templates.get("reasons", {})
        ]
        missing += [
            f"{part}.{name} in {language}"
            for part, names in templates.items()
            for name, texts in names.items()
            for language in LANGUAGES
            if not texts.get(language)
        ]
        if missing:
            raise ValueError(f"report.toml lacks {', '.join(missing)}")
        self._templates = templates

    def say(self, language: str, name: str, **values: object) -> str:
        """Return one text; `name` is `part.name`."""
        part, _, key = name.partition(".")
        return self._templates[part][key][language].format(**values)

    def find(self, language: str, part: str, name: str, **values: object) -> str | None:
        """Return one text; None where the part does not have it."""
        return (
            self.say(language, f"{part}.{name}", **values)
            if name in self._templates[part]
            else None
        )
