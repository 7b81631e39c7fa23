"""Name the cells of tables after their headers, so that a phone can draw each row as a card.

The style sheet does the rest: a table of the class `stack` is cards where the screen is narrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from markupsafe import Markup, escape

# The pages are ours, and no table of ours stands in another.
_TABLE: Final = re.compile(r"<table(?P<of>[^>]*)>(?P<inner>.*?)</table>", re.DOTALL)
_HEAD: Final = re.compile(r"<thead>(.*?)</thead>", re.DOTALL)
_HEADER: Final = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_UNSEEN: Final = re.compile(r'<span class="unseen">.*?</span>', re.DOTALL)
_ROW: Final = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL: Final = re.compile(r"<t[hd]\b")
_CLASS: Final = re.compile(r'class="')


def name_cells(page: str) -> str:
    """Return a page, or a part of one, whose tables with a header are ready to be cards."""
    return _TABLE.sub(_table, page) if "<thead>" in page else page


def _table(found: re.Match[str]) -> str:
    of, inner = found["of"], found["inner"]
    head = _HEAD.search(inner)
    # What was drawn before as a part stands in its page a second time.
    if head is None or re.search(r'class="(?:[^"]* )?stack\b', of):
        return found[0]
    names = [_name(each) for each in _HEADER.findall(head[1])]
    of = _CLASS.sub('class="stack ', of, count=1) if "class=" in of else f'{of} class="stack"'
    rows = _ROW.sub(lambda row: _row(row[0], names), inner[head.end() :])
    return f"<table{of}>{inner[: head.end()]}{rows}</table>"


def _name(header: str) -> str:
    """Return a header's words as the value of an attribute; "" where eyes need none."""
    return str(escape(Markup(_UNSEEN.sub("", header)).striptags()))  # noqa: S704 - our own


def _row(row: str, names: list[str]) -> str:
    left: Iterator[str] = iter(names)

    def cell(found: re.Match[str]) -> str:
        name = next(left, "")
        return f'{found[0]} data-label="{name}"' if name and found[0] == "<td" else found[0]

    return _CELL.sub(cell, row)
