"""Make text of others safe to show: no escape sequence, no reversed or invisible character."""

from __future__ import annotations

import unicodedata

# Controls, formats (bidi, zero width), surrogates, private, unassigned; line and paragraph ends.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
MOST_MARKS = 2
MOST_CHARACTERS = 500
HOLE = "\N{REPLACEMENT CHARACTER}"


def legible(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return `text` in one line that cannot steer a terminal, at most `most` characters.

    What may not be shown becomes U+FFFD, so that it is seen that something was there; white space
    becomes a space; of marks piled upon one letter two stay.
    """
    shown: list[str] = []
    marks = 0
    for character in text[: 2 * most]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MOST_MARKS:
            shown.append(_shown(character))
    line = " ".join("".join(shown).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _shown(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return HOLE if unicodedata.category(character) in HIDDEN else character
