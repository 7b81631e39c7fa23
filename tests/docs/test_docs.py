"""The pages say what is: links, reasons, calls, commands, settings, columns."""

import contextlib
import re
import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest

from admission.calendar import Venue
from admission.errors import FeedRejected
from admission.rows import (
    DEAL_COLUMNS,
    DEAL_NEEDS,
    VOUCHER_COLUMNS,
    VOUCHER_NEEDS,
    RowReader,
)
from admission.rules import RULES
from admission.verdicts import Reason
from gate_server.cli import main as gate_server
from gate_server.feeds.files import RowFile
from gate_server.ledger.ledger import utc_now
from scanner_client.cli import main as scanner_client
from scripts import write_docs
from tests.docs.pages import ROOT, commands, files, headings, links, pages, read

PROGRAMS = {"gate-server": gate_server, "scanner-client": scanner_client}
SENTENCES = tomllib.loads((ROOT / "config/messages/verdicts.toml").read_text("utf-8"))
COLUMNS = {"deals": (DEAL_COLUMNS, DEAL_NEEDS), "vouchers": (VOUCHER_COLUMNS, VOUCHER_NEEDS)}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    broken = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in headings(file)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("name", ["verdicts.md", "http-api.md"])
def test_made_page_is_up_to_date(name):
    written = {"verdicts.md": write_docs.write_verdicts, "http-api.md": write_docs.write_http_api}

    assert read(ROOT / "docs" / name) == written[name](), "run scripts/write_docs.py"


@pytest.mark.parametrize("reason", Reason)
def test_reason_has_its_sentences_in_both_languages(reason):
    part = read(ROOT / "docs/verdicts.md").partition(f"\n### {reason}\n")[2].partition("\n#")[0]

    quoted = [line.removeprefix("> ") for line in part.splitlines() if line.startswith("> ")]
    assert quoted == [SENTENCES[reason]["zh"], SENTENCES[reason]["en"]]
    assert "When: " in part
    assert "Staff: " in part


def test_order_of_the_rules_is_the_programs():
    order = tomllib.loads(read(ROOT / "docs/verdicts.toml"))["order"]

    assert list(order) == [rule.__name__ for rule in RULES]


def test_pages_show_commands():
    assert len(commands()) > 40


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_command_is_one_that_the_program_takes(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for word in command[1:]:
        if word.endswith((".csv", ".png", ".jpg")):
            Path(word).parent.mkdir(exist_ok=True)
            Path(word).touch()

    taken, words = PROGRAMS[command[0]], list(command[1:])
    while isinstance(taken, click.Group):
        known = taken.list_commands(click.Context(taken))
        name = next(word for word in words if word in known)
        words.remove(name)
        taken = taken.get_command(click.Context(taken), name)
    # A mention in a sentence lacks arguments, and --help ends by itself.
    with contextlib.suppress(click.MissingParameter, click.exceptions.Exit):
        taken.make_context(command[0], words)


def values_of(option):
    return [
        (command, value)
        for command in commands()
        for name, value in pairwise(command)
        if name == option
    ]


def test_end_that_a_page_shows_is_not_past():
    ends = values_of("--expires")
    past = [
        command
        for command, value in ends
        if not re.fullmatch(r"\d\d:\d\d", value) and date.fromisoformat(value[:10]).year < 2039
    ]

    assert ends
    assert past == []


def test_gate_of_a_broadcast_that_a_page_shows_is_added_before():
    page = read(ROOT / "docs/notices.md")
    told = set(re.findall(r"(?:--gate |gate=)(G\d)", page)) - {"G1"}

    assert told
    for gate in told:
        assert 0 < page.find(f"gate-server gate add {gate} ") < page.find("broadcast send")


def test_number_4711_is_an_operator_on_every_page():
    others = [
        command
        for command in commands()
        if "4711" in command and not {"operator", "--operator"} & {*command}
    ]

    assert others == []


@pytest.mark.parametrize("name", ["gate.toml", "scanner.toml"])
def test_every_setting_is_documented_with_its_default(name):
    section = read(ROOT / "docs/operations.md").partition("## Settings")[2].partition("\n## ")[0]
    page = section.partition("| in `gate.toml`")[2].partition("| in `scanner.toml`")
    rows = {"gate.toml": page[0], "scanner.toml": page[2]}[name]
    shown = {}
    for settings, defaults in re.findall(r"^\| (`[^|]*) \| ([^|]*) \|", rows, re.MULTILINE):
        shown |= dict(
            zip(re.findall("`(.*?)`", settings), re.findall("`(.*?)`", defaults), strict=True)
        )

    assert shown == {key: str_of(value) for key, value in settings_of(name)}


def settings_of(name):
    for key, value in tomllib.loads((ROOT / "config" / name).read_text("utf-8")).items():
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", each) for inner, each in value.items())
        else:
            yield key, value


def str_of(value):
    text = str(value).replace("\n", "\\n") or '""'
    return text.lower() if isinstance(value, bool) else text


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_column_of_a_file_is_documented(kind):
    part = read(ROOT / "docs/files.md").partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*) \| (yes|) *\|", part, re.MULTILINE)

    named = [(name, needed) for names, needed in rows for name in re.findall("`(.*?)`", names)]
    columns, needs = COLUMNS[kind]
    assert [name for name, _ in named] == list(columns)
    assert {name for name, needed in named if needed} == set(needs)


@pytest.mark.parametrize("page", ["README.md", "docs/files.md"])
def test_example_files_have_no_wrong_row(page, tmp_path):
    for name, text in files(ROOT / page):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        kind = path.stem
        reader = RowReader(Venue(ZoneInfo("Asia/Shanghai")))
        rows = list(RowFile(path, *COLUMNS[kind]))

        assert rows
        for number, row in rows:
            assert not isinstance(row, FeedRejected), (name, number, row)
            take = reader.deal if kind == "deals" else reader.voucher
            take(row, updated_at=utc_now())
