"""The sentences for those who check the record, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

from admission.wire_base import Text
from gate_server.word_files import read_words

_format = Formatter().vformat


class EvidenceWords:
    """Sentences by name, from the package's `messages/evidence.toml`."""

    def __init__(self, sentences: Mapping[str, Mapping[str, str]]) -> None:
        self._sentences = sentences

    def text(self, name: str, **values: object) -> Text:
        """Return a sentence with its values filled in."""
        found = self._sentences[name]
        return Text(zh=_format(found["zh"], (), values), en=_format(found["en"], (), values))


def read_evidence_words() -> EvidenceWords:
    """Read the sentences from the package."""
    return EvidenceWords(read_words("evidence.toml"))
