"""Read the pages: their links, headings, examples and commands."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = ("gate-server ", "scanner-client ")

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w.-]+)`[^`]*\n\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:gate-server|scanner-client) [^`]+)`")
_PREFIX = re.compile(r"^(?:sudo -u \w+ )?(?:ExecStart=)?(?:/opt/gatehouse/bin/)?")


def pages():
    """Return every page for people."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def read(page):
    """Return a page's text."""
    return page.read_text("utf-8")


def links(page):
    """Return the targets of a page's links into the repository."""
    text = _FENCED.sub("", read(page))
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in found if "://" not in target]


def headings(page):
    """Return the anchors that a page has."""
    titles = re.findall(r"^#+ (.*)$", _FENCED.sub("", read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def blocks(page, *languages):
    """Return the fenced texts of a page in some languages."""
    return [text for language, text in _FENCED.findall(read(page)) if language in languages]


def files(page):
    """Return the example files of a page: name and content."""
    return [(name, text) for name, language, text in _NAMED.findall(read(page)) if language != "sh"]


def lines(block):
    """Return the commands of a block, each in one line."""
    return block.replace("\\\n", " ").splitlines()


def commands():
    """Return every command of ours that a page shows, as words, each once."""
    found = {}
    for page in pages():
        text = read(page)
        shown = [line for block in blocks(page, "sh", "ini") for line in lines(block)]
        shown += [each for each in _INLINE.findall(_FENCED.sub("", text)) if " " in each]
        for line in shown:
            command = _PREFIX.sub("", line)
            if command.startswith(PROGRAMS):
                found[tuple(shlex.split(command, comments=True))] = page
    return list(found)
