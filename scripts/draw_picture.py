"""Draw docs/images/staff.svg: what a real scanner shows of a real server's verdicts."""

from __future__ import annotations

import contextlib
import html
import io
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/images/staff.svg"
PROGRAMS = Path(sys.executable).parent
PANEL_WIDTH = 56

DEALS = """\
deal_id,platform,title,category,face_price_minor,currency,valid_from,valid_until
FAMILY,sunny,东园家庭票 East park family ticket,family,60000,CNY,2026-01-01,2039-12-31
ADULT,sunny,东园成人票 East park day ticket,adult,26000,CNY,2026-01-01,2039-12-31
NIGHT,sunny,东园夜场票 East park night ticket,adult,12000,CNY,2026-01-01,2039-12-31
FLASH,sunny,限时抢购 Flash sale,adult,26000,CNY,2026-01-01,2039-12-31
"""
VOUCHERS = """\
code,deal_id,admits
9K3F-22AX-8K2F,FAMILY,3
7TQ0-51ZB-4M8W,ADULT,1
3PX1-77CD-9Q0R,NIGHT,1
5MN8-40EF-2T6Y,FLASH,1
"""
FIRST_SCAN = "7TQ0-51ZB-4M8W"  # so that the second one is refused
SHOWN = (("9K3F-22AX-8K2F", "3PX1-77CD-9Q0R"), ("7TQ0-51ZB-4M8W", "5MN8-40EF-2T6Y"))

TEXT = re.compile(r'(<text [^>]*textLength=")[0-9.]+("[^>]*>)([^<]*)</text>')
CELL_WIDTH = 12.2  # of rich's terminal, in units of its SVG

# Rich's own frame names a font on a content delivery network; this one takes the reader's.
FRAME = """\
<svg class="{unique_id}" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-size: {char_height}px; line-height: {line_height}px;
  font-family: ui-monospace, Menlo, Consolas, "Noto Sans Mono CJK SC", monospace; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Open a venue in a directory of its own, scan, and draw what the terminal showed."""
    with tempfile.TemporaryDirectory() as folder:
        venue = Path(folder)
        with opened(venue):
            scan(venue, FIRST_SCAN)
            panels = [[scan(venue, code) for code in row] for row in SHOWN]
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(panels), "utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")


@contextlib.contextmanager
def opened(venue: Path) -> Iterator[None]:
    """Make a venue with its deals, serve it, and enrol a scanner."""
    port = str(free_port())
    run(venue, "gate-server", "init")
    run(venue, "gate-server", "gate", "add", "G1", "--name", "North gate")
    for name, text in (("deals", DEALS), ("vouchers", VOUCHERS)):
        (venue / f"{name}.csv").write_text(text, "utf-8")
        run(venue, "gate-server", "import", name, f"{name}.csv")
    run(venue, "gate-server", "deal", "hold", "NIGHT", "--reason", "price looks wrong")
    withdrawn = ("--nobody", "--cost-bearer", "platform", "--reason", "flash-sale limit failed")
    run(venue, "gate-server", "deal", "void", "FLASH", *withdrawn)
    with subprocess.Popen(
        [PROGRAMS / "gate-server", "serve", "--http", "--port", port],
        cwd=venue,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stderr is not None  # noqa: S101 - it is a pipe
            server.stderr.readline()  # comes once it listens
            lane = ("--gate", "G1", "--name", "North lane 1")
            made = json.loads(run(venue, "gate-server", "device", "enrol", *lane, "--json"))
            run(venue, "scanner-client", "enrol", made["url"], made["code"])
            (venue / "var/scanner/scanner.toml").write_text('colour = "always"\n', "utf-8")
            yield
        finally:
            server.terminate()


def scan(venue: Path, code: str) -> str:
    """Return what the scanner writes to its terminal about a code."""
    shown = run(venue, "scanner-client", "read", "--code", code, check=False)
    return shown.replace("\a", "")


def run(venue: Path, program: str, *arguments: str, check: bool = True) -> str:
    """Run one of our programs and return what it writes."""
    terminal = {"COLUMNS": str(PANEL_WIDTH), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=venue,
        env={**os.environ, **terminal},
        check=check,
        capture_output=True,
        text=True,
    )
    return done.stdout


def draw(panels: list[list[str]]) -> str:
    """Return panels of a terminal, rows of them, as SVG."""
    grid = Table.grid(padding=(0, 1))
    for row in panels:
        grid.add_row(*(Text.from_ansi(panel, no_wrap=True) for panel in row))
    width = (PANEL_WIDTH + 1) * len(panels[0])
    console = Console(record=True, width=width, file=io.StringIO(), color_system="truecolor")
    console.print(grid)
    svg = console.export_svg(theme=MONOKAI, title="", code_format=FRAME, unique_id="staff")
    return TEXT.sub(_widen, svg)


def _widen(text: re.Match[str]) -> str:
    """Give a text the width of its cells: rich counts characters, and Chinese ones take two."""
    before, after, content = text.groups()
    width = cell_len(html.unescape(content)) * CELL_WIDTH
    return f"{before}{width:g}{after}{content}</text>"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
