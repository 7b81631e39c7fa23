"""The after-action report: figures from counters, two forms and languages, hostile text inert."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from click.testing import CliRunner

from admission.calendar import from_ms
from admission.errors import NotFound
from admission.findings import FindingKind
from admission.incidents import EntryKind, IncidentKind
from admission.reconcile import ConflictKind
from admission.report_words import ReportWords
from admission.wire_incidents import EntryAnswer, IncidentRequest
from admission.wire_notices import Said
from gate_server.cli import main
from gate_server.conduct_watch import BY as CONDUCT
from gate_server.duty_calls import BY as DUTY
from gate_server.incident_report import make_report
from gate_server.incidents import IncidentDesk
from gate_server.ledger.findings import WATCH as LOOK
from gate_server.ledger.report_rows import GateQuarter, StampRow
from gate_server.ledger.surges import WATCH as SURGES
from gate_server.ledger.trails import BY_LEDGER
from gate_server.report_blocks import Chart, Heading, Table, Words, write_html, write_markdown
from gate_server.report_charts import bars, sparkline, stacked
from gate_server.report_figures import (
    GateRate,
    chart_bounds,
    first_stamps,
    quarter_at,
    queue_of,
)
from gate_server.report_pages import UNNAMED, joined, write_report
from gate_server.settings import read_report_words
from tests.builders import VENUE
from tests.incident_day import HOSTILE, STAMPS, IncidentDay, day
from tests.server import Park, an_app

QUARTER = int(day("10:00").timestamp() // 900)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    story = IncidentDay(tmp_path_factory.mktemp("report") / "var")
    story.handle()
    story.run()
    story.close()
    yield story
    if story.park is not None:
        story.park.close()


@pytest.fixture(scope="module")
def report(story):
    return make_report(story.park.ledger, story.park.settings, story.incident_id)


@pytest.fixture(scope="module")
def pages(report):
    words = read_report_words()
    return write_report(report, words, "zh") | write_report(report, words, "en")


class Tags(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_figures_are_those_of_the_counters(story, report):
    figures = report.figures
    rows = story.park.ledger.read(
        lambda db: dict(db.execute("SELECT reason, SUM(scans) FROM counters GROUP BY 1"))
    )

    assert sum(rate.people for rate in figures.rates) == figures.people > 1000
    assert sum(each.refuse for each in figures.quarters) == rows["deal_voided"] + rows["used_up"]
    assert dict(figures.reasons)["used_up"] == rows["used_up"]
    assert sum(n for hours in figures.calls.values() for n in hours.values()) == rows["deal_held"]
    assert sum(one.scans for _, one in figures.deal) == figures.scans
    assert figures.scans == sum(rows.values()) - STAMPS
    assert figures.honoured >= 2 * rows["honoured"] - 16


def test_queue_has_each_stamped_voucher_once_and_subtracts_no_other(report):
    queue = report.figures.queue

    assert (queue.longest, queue.longest_at) == (6, day("09:30"))
    assert queue.waiting[-1][1] == 2


def test_report_has_all_its_parts_in_both_languages(pages):
    for language, heads in {
        "en": ["At a glance", "Timeline", "People a minute", "Verdicts a quarter", "Queue",
               "Why people were not", "Calls a lane", "Settlement in short", "What was said",
               "Open questions", "What came of it"],
        "zh": ["要点", "经过", "每分钟入园人数", "每刻钟验票结果", "排队", "未直接放行的原因",
               "人工核验次数", "结算概要", "对外说明", "待办和疑问", "处置结果"],
    }.items():  # fmt: skip
        for form in ("md", "html"):
            text = pages[f"{language}.{form}"]
            assert [head for head in heads if head not in text] == []
    english = pages["en.html"]
    assert "The north gate is faster." in english
    assert "refunds are automatic" in english
    assert "turnstile jammed" in english
    assert "All who came before 17:00 were received." in english
    assert "honoured" in english
    assert "2,080.00 CNY" in english or "4,160.00 CNY" in english


def test_hostile_text_is_text_in_every_form(pages):
    for text in pages.values():
        assert "<script>" not in text
        assert "\x1b" not in text
    assert "\\*联票\\*" in pages["zh.md"]
    assert "\\|" in pages["zh.md"]
    assert "&lt;script&gt;" in pages["zh.html"]


def test_page_runs_nothing_and_asks_nobody(pages):
    for name in ("zh.html", "en.html"):
        tags = Tags(pages[name]).found
        assert {tag for tag, _ in tags} & {
            "script",
            "img",
            "link",
            "iframe",
            "a",
            "object",
        } == set()
        named = {key for _, attributes in tags for key in attributes}
        assert named & {"src", "href", "onload", "onclick", "style"} == set()
        assert "url(" not in pages[name]
        assert "http" not in pages[name].replace("http-equiv", "")
        assert "default-src 'none'" in pages[name]


def test_report_of_the_same_ledger_is_the_same(story, report):
    again = make_report(story.park.ledger, story.park.settings, story.incident_id)

    assert again.figures == report.figures
    assert again.settlement.counts == report.settlement.counts


def test_open_incident_is_reported_too_and_says_what_is_open(tmp_path):
    story = IncidentDay(tmp_path / "var", gates=2, vouchers=3)
    story.park.now += timedelta(minutes=20)
    made = make_report(story.park.ledger, story.park.settings, story.incident_id)
    text = write_report(made, read_report_words(), "en")["en.md"]
    story.park.close()

    assert "The incident is not closed" in text
    assert "Nobody stamped arrivals" in text
    assert made.figures.rates == []


def test_incident_that_there_is_not(story):
    with pytest.raises(NotFound):
        make_report(story.park.ledger, story.park.settings, "I0")


def test_command_writes_four_files_or_one_language(tmp_path):
    park = Park(tmp_path / "var")
    desk = IncidentDesk(park.ledger, park.settings)
    request = IncidentRequest(kind=IncidentKind.HELP, title="fell", gate_id="G1")
    incident_id = desk.open(request, by="chen").incident_id
    park.close()
    base = ["--data", str(tmp_path / "var"), "incident", "report", incident_id]
    done = CliRunner().invoke(main, [*base, "--out", str(tmp_path / "out"), "--json"])
    one = CliRunner().invoke(main, [*base, "--out", str(tmp_path / "zh"), "--lang", "zh"])
    none = CliRunner().invoke(main, [*base[:-1], "I0", "--out", str(tmp_path / "none")])

    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["files"]) == 4
    assert sorted(path.suffix for path in (tmp_path / "zh").iterdir()) == [".html", ".md"]
    assert one.stdout.count(incident_id) == 2
    assert none.exit_code == 1
    assert not (tmp_path / "none").exists()


# --- figures, words and drawings by themselves ---------------------------------------------------


def ms(quarter):
    return int(quarter_at(QUARTER).timestamp() * 1000) + int(quarter * 900_000)


def stays(*quarters):
    return [(ms(came), None if left is None else ms(left)) for came, left in quarters]


def queue(*quarters, until=6.0):
    last = from_ms(ms(until))
    return queue_of(stays(*quarters), VENUE, quarter_at(QUARTER), last)


def test_queue_is_who_was_stamped_and_has_not_left():
    found = queue((0.1, 0.5), (0.2, 2.5), (1.1, 3.9), (1.2, 2.0))

    assert [n for _, n in found.waiting] == [1, 3, 1, 0, 0, 0]
    assert (found.longest, found.longest_at) == (3, quarter_at(QUARTER + 2))
    assert found.minutes == 30


def test_who_still_waits_has_no_wait_yet_and_nothing_later_than_the_report_is_told():
    found = queue((0.1, 0.5), (0.2, None), (0.3, 1.5), until=1.2)

    assert [at for at, _ in found.waiting] == [quarter_at(QUARTER + 1), from_ms(ms(1.2))]
    assert (found.longest, found.minutes) == (2, None)


def test_who_walked_away_leaves_the_queue_at_the_days_end():
    found = queue((0.1, 1.5), (0.2, None), until=100)

    assert found.waiting[-1][1] == 0
    assert (found.longest, found.minutes) == (2, 15)


def test_nobody_stamped_is_no_queue():
    assert queue() is None


def test_voucher_is_counted_once_a_venue_day_and_a_struck_stamp_not_at_all():
    told = [(0, 1, False), (1, 1, True), (2, 1, True), (3, 2, True), (96, 1, True), (97, 3, True)]
    rows = [StampRow(ms(at), b"k", voucher, 1, "deal_voided", good) for at, voucher, good in told]
    found = first_stamps(rows, VENUE, from_ms(ms(96)))

    assert [(row.at_ms, row.voucher_id) for row in found] == [(ms(1), 1), (ms(3), 2), (ms(96), 1)]


def test_charts_draw_nothing_as_nothing_and_hostile_labels_as_text():
    drawn = [sparkline([], 0), sparkline([0.0], 0), stacked([], ()), bars([])]
    drawn.append(stacked([("<b>", (0, 0))], ["<i>"]))

    assert all(each.startswith("<svg") and each.endswith("</svg>") for each in drawn)
    assert not re.search(r"<[bi]>|nan|inf", "".join(drawn))


def test_blocks_escape_whatever_they_hold():
    bad = "a|b\n# c <img src=x> [x](http://e) `d`\u202e\x07"
    blocks = [
        Heading(bad),
        Words(bad, note=True),
        Table([bad], [[bad, 1]], bar=1),
        Chart("<svg></svg>", Table([], []), bad),
    ]
    markdown = write_markdown(blocks)
    html = write_html(blocks, language="en", title=bad, foot=bad)

    for text in (markdown, html):
        assert "<img" not in text.replace("\\<img", "").replace("&lt;img", "")
        assert not set(text) & {"\u202e", "\x07"}
    assert "\n# c" not in markdown
    assert "](http" not in markdown.replace("\\](", "").replace("\\]\\(", "")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("09:05 at 1.5", "09:05 at 1.5"),
        ("# x", "\\# x"),
        ("- x", "\\- x"),
        ("1. x", "1\\. x"),
        ("0.03 CNY", "0.03 CNY"),
        ("http://a.b WWW.a.b x@y.z", "http\\://a.b WWW\\.a.b x\\@y.z"),
        ("&lt; **x** _y_ ~z~ $m$", r"\&lt; \*\*x\*\* \_y\_ \~z\~ \$m\$"),
    ],
)
def test_markdown_stays_readable_and_no_text_is_markup(text, written):
    assert write_markdown([Words(text)]) == f"{written}\n"


def test_words_must_be_whole():
    with pytest.raises(ValueError, match="reasons"):
        ReportWords({"labels": {"x": {"zh": "x", "en": "x"}}})
    text = files("gatehouse_config").joinpath("messages/report.toml").read_text("utf-8")
    templates = tomllib.loads(text)
    templates["labels"]["title"]["en"] = ""
    with pytest.raises(ValueError, match=r"labels\.title in en"):
        ReportWords(templates)


def test_what_is_stored_as_a_word_is_told_in_words():
    words = read_report_words()
    assert words.find("en", "refs", "overrides", value=1) == "overrides: 1"
    found = [words.find("zh", "refs", each, value=9) for each in ConflictKind]
    found += [words.find("zh", "values", each) for each in FindingKind]
    found += [
        words.find("zh", "actors", each)
        for each in (BY_LEDGER, DUTY, LOOK, SURGES, CONDUCT, "command line", "gate server")
    ]

    assert None not in found
    assert not re.search("[a-z]", "".join(found))


def entry(kind, minute, text=""):
    return EntryAnswer(at=day(f"10:{minute:02}"), kind=kind, says=Said(zh="再次发现", en="again"),
                       by="look at sales", text=text, refs={})  # fmt: skip


def test_what_was_found_again_and_again_is_one_entry():
    raised = [entry(EntryKind.RAISED, minute) for minute in (1, 2, 3)]
    note = entry(EntryKind.NOTED, 4, "seen")
    found = joined([*raised, note, note, entry(EntryKind.RAISED, 5)])

    assert [each.refs for each in found] == [{"times": 3}, {}, {}, {}]
    assert [each.at.minute for each in found] == [1, 4, 4, 5]


def test_table_of_a_gates_people_says_which_times_it_averages(report):
    def heads(minutes):
        last = day("10:00") + timedelta(minutes=minutes)
        figures = replace(
            report.figures,
            chart_first=day("10:00"),
            chart_last=last,
            rates=[GateRate("G1", [0.6, 0.0, 0.0, 0.2, 0.2, 0.2][: minutes // 5], 6)],
        )
        text = write_report(replace(report, figures=figures), read_report_words(), "en")["en.md"]
        return next(line for line in text.splitlines() if line.startswith("| 10:00-"))

    assert heads(30) == "| 10:00-10:15 | 10:15-10:30 |"
    assert heads(20) == "| 10:00-10:15 | 10:15-10:20 |"
    assert heads(300).startswith("| 10:00-11:00 |")


def test_chart_ends_no_later_than_the_report():
    rows = [GateQuarter(QUARTER, "G1", "admitted", 1, 1)]
    last = quarter_at(QUARTER) + timedelta(minutes=7)

    assert chart_bounds(rows, quarter_at(QUARTER), last) == (quarter_at(QUARTER), last)


def test_page_is_titled_with_the_venues_name_or_without_one(report):
    words = read_report_words()
    own = write_report(replace(report, venue_name="东部华侨城"), words, "zh")["zh.md"]
    unnamed = write_report(replace(report, venue_name=UNNAMED), words, "zh")

    assert own.startswith("# 东部华侨城 – 事件处置报告\n")
    assert unnamed["zh.md"].startswith("# 景区 – 事件处置报告\n")
    assert "<title>景区 – 事件处置报告 " in unnamed["zh.html"]
    assert f'name = "{UNNAMED}"' in files("gatehouse_config").joinpath("gate.toml").read_text()


def test_every_notice_that_was_said_is_told_once(tmp_path):
    story = IncidentDay(tmp_path / "var", gates=2, vouchers=3)
    with an_app(story.park) as (_, site):
        for notice in ({"zh": "一", "en": "one"}, {"zh": "一", "en": "one"}, None):
            story.park.now += timedelta(minutes=1)
            terms = {"reason": "x", "honour": None, "cost_bearer": "platform", "notice": notice}
            site.post("/deals/FLASH/void", story.boss, terms)
    made = make_report(story.park.ledger, story.park.settings, story.incident_id)
    story.park.close()

    assert made.said == [(day("09:06"), Said(zh="一", en="one"))]


def test_title_of_the_story_is_hostile():
    assert "<script>" in HOSTILE
