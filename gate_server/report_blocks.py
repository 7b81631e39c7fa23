"""A report as blocks, and the two forms that it is written in: Markdown, and HTML to be printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, TypeAlias

from gate_server.paper import read_style

# What turns text round or steers a terminal has no place in a report, whoever wrote it.
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# Markup anywhere; addresses, which some readers make links of; what begins a line as a list does.
_MARKS: Final = re.compile(r"([\\`*_\[\]<>|~&$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
_BEGINS: Final = re.compile(r"^([#+\-=])")
_NUMBERED: Final = re.compile(r"^(\d+)([.)])(?=\s|$)")
_BAR: Final = 24


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; 1 is the report's own."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph."""

    text: str
    note: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; what is a number stands right.

    Attributes:
        heads: none: the first column has the names.
        bar: this column's numbers are drawn as bars in Markdown.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str | int]]
    bar: int | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of ours (SVG), and the table that stands for it in Markdown.

    Attributes:
        half: two of them stand beside each other.
    """

    svg: str
    table: Table
    label: str = ""
    half: bool = False


Block: TypeAlias = Heading | Words | Bullets | Table | Chart


def plain(text: str) -> str:
    """Return text on one line, without what cannot be seen."""
    return _UNSEEN.sub(" ", text).strip()


# --- Markdown ------------------------------------------------------------------------------------


def write_markdown(blocks: Sequence[Block]) -> str:
    """Return a report as Markdown; nothing that anybody wrote is taken for markup."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_marked(block.text)}"
    if isinstance(block, Words):
        return f"*{_marked(block.text)}*" if block.note else _marked(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {_marked(item)}" for item in block.items)
    if isinstance(block, Chart):
        label = f"**{_marked(block.label)}**\n\n" if block.label else ""
        return label + _markdown(block.table)
    return _markdown_table(block)


def _markdown_table(table: Table) -> str:
    width = max([len(table.heads), *(len(row) for row in table.rows)])
    heads = [*table.heads, *[""] * (width - len(table.heads))]
    right = [any(_is_number(row, place) for row in table.rows) for place in range(width)]
    lines = [[_marked(head) for head in heads], ["---:" if each else "---" for each in right]]
    lines += [[_cell(cell) for cell in row] for row in table.rows]
    if table.bar is not None and table.rows:
        counts = [int(row[table.bar]) for row in table.rows]
        most = max(*counts, 1)
        lines[0].append("")
        lines[1].append("---")
        for line, count in zip(lines[2:], counts, strict=True):
            line.append("█" * round(_BAR * count / most))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: str | int) -> str:
    return f"{cell:,}" if isinstance(cell, int) else _marked(cell)


def _marked(text: str) -> str:
    marked = _MARKS.sub(r"\\\1", plain(text))
    return _NUMBERED.sub(r"\1\\\2", _BEGINS.sub(r"\\\1", marked))


# --- HTML ----------------------------------------------------------------------------------------


def write_html(blocks: Sequence[Block], *, language: str, title: str, foot: str) -> str:
    """Return a report as one page that carries its style, and asks nobody for anything."""
    inner = "\n".join(_html(block) for block in blocks)
    tongue = "zh-CN" if language == "zh" else "en"
    return (
        f'<!doctype html>\n<html lang="{tongue}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{_escaped(title)}</title>\n<style>\n{read_style('report.css')}</style>\n</head>\n"
        f"<body>\n<main>\n{inner}\n</main>\n<footer>{_escaped(foot)}</footer>\n</body>\n</html>\n"
    )


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{_escaped(block.text)}</h{block.level}>"
    if isinstance(block, Words):
        kind = ' class="note"' if block.note else ""
        return f"<p{kind}>{_escaped(block.text)}</p>"
    if isinstance(block, Bullets):
        return f"<ul>{''.join(f'<li>{_escaped(item)}</li>' for item in block.items)}</ul>"
    if isinstance(block, Chart):
        label = f"<figcaption>{_escaped(block.label)}</figcaption>" if block.label else ""
        kind = ' class="half"' if block.half else ""
        return f"<figure{kind}>{label}{block.svg}</figure>"
    return _html_table(block)


def _html_table(table: Table) -> str:
    heads = "".join(
        f"<th{' class=n' if any(_is_number(row, place) for row in table.rows) else ''}>"
        f"{_escaped(head)}</th>"
        for place, head in enumerate(table.heads)
    )
    head = f"<thead><tr>{heads}</tr></thead>" if table.heads else ""
    rows = "".join(f"<tr>{''.join(_html_cell(cell) for cell in row)}</tr>" for row in table.rows)
    kind = "" if table.heads else ' class="facts"'
    return f"<table{kind}>{head}<tbody>{rows}</tbody></table>"


def _is_number(row: Sequence[str | int], place: int) -> bool:
    return place < len(row) and isinstance(row[place], int)


def _html_cell(cell: str | int) -> str:
    return f'<td class="n">{cell:,}</td>' if isinstance(cell, int) else f"<td>{_escaped(cell)}</td>"


def _escaped(text: str) -> str:
    return escape(plain(text))
