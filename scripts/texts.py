"""List the board's texts that have no Chinese yet, and write those as entries to fill in.

    .venv/bin/python scripts/texts.py [FILE.po]

FILE.po, below gate_server/web/translations/zh/, gets the missing entries appended; without it they
are only listed. `tests/gate_server/web/board/test_languages.py` fails while any is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "gate_server/web"
TEXTS = WEB / "translations/zh"
METHODS = [("board/**.py", "python"), ("templates/board/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
}


def used_texts() -> Iterator[tuple[str, int, str | tuple[str, ...]]]:
    """Yield file, line and text of everything that the board says."""
    found = extract_from_dir(str(WEB), METHODS, keywords=KEYWORDS)
    for name, line, message, _, _ in found:
        yield name, line, message


def known_texts() -> dict[str, str]:
    """Return what has been translated, by its English (the singular)."""
    known: dict[str, str] = {}
    for path in sorted(TEXTS.glob("*.po")):
        for message in _read(path):
            if message.id and message.string and all(message.string):
                known[_first(message.id)] = _first(message.string)
    return known


def main(arguments: list[str]) -> int:
    """List what is missing; return 1 if anything is."""
    known = known_texts()
    missing: dict[str, tuple[str, int, str | tuple[str, ...]]] = {}
    for name, line, message in used_texts():
        if _first(message) not in known:
            missing.setdefault(_first(message), (name, line, message))
    for text, (name, line, _) in missing.items():
        sys.stdout.write(f"{name}:{line}: {text}\n")
    if arguments and missing:
        path = TEXTS / arguments[0]
        catalog = _read(path) if path.exists() else Catalog(locale="zh_Hans_CN")
        for _, _, message in missing.values():
            catalog.add(message)
        with path.open("wb") as file:
            write_po(file, catalog, width=100, omit_header=True, no_location=True)
    return int(bool(missing))


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh_Hans_CN")


def _first(message: str | tuple[str, ...] | list[str]) -> str:
    return message if isinstance(message, str) else message[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
