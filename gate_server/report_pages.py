"""Put an after-action report into words and drawings: one content, in either language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from admission.incident_words import money
from admission.incidents import EntryKind
from admission.report_words import ReportWords
from admission.wire_incidents import EntryAnswer
from admission.wire_notices import Said
from gate_server.incident_report import MOST, IncidentReport
from gate_server.report_blocks import (
    Block,
    Bullets,
    Chart,
    Heading,
    Table,
    Words,
    write_html,
    write_markdown,
)
from gate_server.report_charts import bars, course, sparkline, stacked
from gate_server.report_figures import STEP_MINUTES, Queue, lasted, local_hours

OUTCOMES: Final = ("admit", "refuse", "refer", "wait")
CLASSES: Final = (
    *("sold", "used", "used_before_void", "honoured", "overridden", "used_after_void"),
    *("cancelled", "refunded", "outstanding", "honour_open", "refund_due"),
)
AMOUNTS: Final = ("owed_to_venue", "disputed", "refunds", "compensation", "refunds_to_reverse")
MOST_GATES: Final = 40
_SPOKEN: Final = frozenset({"state", "on", "kind"})
UNNAMED: Final = "Venue"
"""What gate.toml calls a venue that nobody has named."""
MOST_ROWS: Final = 400
QUARTER: Final = timedelta(minutes=15)


def write_report(report: IncidentReport, words: ReportWords, language: str) -> dict[str, str]:
    """Return the report in one language: the text of each file by the end of its name."""
    page = _Page(report, words, language)
    blocks = page.blocks()
    title = f"{page.title()} {report.incident.incident_id}"
    html = write_html(blocks, language=language, title=title, foot=page.say("labels.page"))
    return {f"{language}.md": write_markdown(blocks), f"{language}.html": html}


def joined(entries: Sequence[EntryAnswer]) -> list[EntryAnswer]:
    """Return a timeline with what was found again and again as one entry, at its first time."""
    told: list[EntryAnswer] = []
    for _, group in groupby(entries, key=lambda each: (each.kind, each.by, each.text)):
        first, *more = group
        if first.kind is EntryKind.RAISED and more:
            told.append(replace(first, refs=first.refs | {"times": len(more) + 1}))
        else:
            told += [first, *more]
    return told


def tell_refs(
    words: ReportWords, language: str, refs: Mapping[str, str | int], gates: Mapping[str, str]
) -> str:
    """Return what an entry points to; states and switches in words, gates by id and name."""
    told = []
    for name, value in refs.items():
        shown: str | int = value
        if name in _SPOKEN:
            shown = words.find(language, "values", str(value)) or value
        elif name == "gate_id":
            shown = f"{value} {gates.get(str(value), '')}".strip()
        text = words.find(language, "refs", name, value=shown)
        told.append(f"{name} {value}" if text is None else text)
    return ", ".join(each for each in told if each != "-")


class _Page:
    """One report in one language."""

    def __init__(self, report: IncidentReport, words: ReportWords, language: str) -> None:
        self.report, self._words, self._language = report, words, language
        self.figures, self.incident = report.figures, report.incident

    def say(self, name: str, **values: object) -> str:
        """Return one text of the report."""
        return self._words.say(self._language, name, **values)

    def title(self) -> str:
        """Return the venue's name and what this is."""
        name = self.report.venue_name
        venue = self.say("labels.unnamed") if name == UNNAMED else name
        return f"{venue} – {self.say('labels.title')}"

    def blocks(self) -> list[Block]:
        """Return the whole report."""
        parts: tuple[Callable[[], list[Block]], ...] = (
            self._head,
            self._facts,
            self._timeline,
            self._rates,
            self._verdicts,
            self._calls,
            self._queue,
            self._settlement,
            self._told,
            self._questions,
        )
        return [block for part in parts for block in part()]

    # --- what it was -----------------------------------------------------------------------------

    def _head(self) -> list[Block]:
        incident, figures = self.incident, self.figures
        window = {"first": self._whole(figures.first), "last": self._whole(figures.last)}
        made = self.say("labels.made", at=self._whole(self.report.made_at))
        note = f"{made}　{self.say('labels.window', **window)}"
        if self.report.cut:
            note += " " + self.say("labels.cut", days=MOST.days)
        summary = incident.summary or self.say("labels.unsummed")
        return [
            Heading(self.title(), 1),
            Words(f"{incident.incident_id}　{self._told_as(incident.title)}"),
            Words(note, note=True),
            Heading(self.say("labels.summary")),
            Words(summary),
        ]

    def _facts(self) -> list[Block]:
        rows = [[self.say(f"facts.{name}"), text] for name, text in self._fact_rows() if text]
        note = Words(self.say("labels.scans_note"), note=True)
        return [Heading(self.say("labels.facts")), Table((), rows), note]

    def _fact_rows(self) -> list[tuple[str, str]]:
        incident, figures = self.incident, self.figures
        state = self.say(f"states.{incident.state}")
        end = incident.closed_at or self.report.made_at
        rows = [
            ("kind", self._told_as(incident.name)),
            ("state", state),
            ("deal", self._deal()),
            ("where", self._gate(incident.gate_id)),
            ("opened", self._by(incident.opened_at, incident.opened_by)),
            ("acknowledged", self._first_answer()),
            ("closed", self._by(incident.closed_at, incident.closed_by)),
            ("lasted", lasted(incident.called_at or incident.opened_at, end)),
            ("scans", f"{figures.scans:,}"),
            ("people", f"{figures.people:,}"),
            ("honoured", f"{figures.honoured:,}" if figures.honoured else ""),
        ]
        for name, outcome in (("refused", "refuse"), ("referred", "refer")):
            count = sum(n for each, n in figures.outcomes.items() if each == outcome)
            rows.append((name, f"{count:,}"))
        return rows + self._fact_rows_of_lanes()

    def _fact_rows_of_lanes(self) -> list[tuple[str, str]]:
        figures, rows = self.figures, []
        if figures.deal:
            each = [one for _, one in figures.deal]
            sums = [sum(x.scans for x in each), sum(x.refused for x in each)]
            sums.append(sum(x.called for x in each))
            rows.append(("deal_scans", " / ".join(f"{n:,}" for n in sums)))
        rows.append(("overrides", f"{figures.overrides:,}"))
        if self.incident.deal_id is not None:
            rows.append(("conflicts", f"{figures.conflicts:,}"))
        if figures.most_calls is not None:
            gate, hour, calls = figures.most_calls
            rows.append(("calls_lane", f"{calls:,}　{self._gate(gate)} {self._clock(hour)}"))
        if figures.rates:
            fastest = max(figures.rates, key=lambda rate: rate.peak)
            rows.append(("busiest", f"{self._gate(fastest.gate_id)}　{self._rate(fastest.peak)}"))
        return rows

    def _timeline(self) -> list[Block]:
        heads = [self.say(f"labels.{name}") for name in ("when", "what", "who", "said")]
        entries = joined(self.incident.timeline)
        rows = [self._entry(each) for each in entries[:MOST_ROWS]]
        return [Heading(self.say("labels.timeline")), Table(heads, rows)]

    def _entry(self, entry: EntryAnswer) -> list[str]:
        refs = self._refs(entry.refs)
        text = "　".join(part for part in (entry.text, f"({refs})" if refs else "") if part)
        return [self._at(entry.at), self._told_as(entry.says), self._actor(entry.by), text]

    def _refs(self, refs: Mapping[str, str | int]) -> str:
        return tell_refs(self._words, self._language, refs, self.report.gates)

    # --- what was counted ------------------------------------------------------------------------

    def _rates(self) -> list[Block]:
        figures = self.figures
        if not figures.rates:
            return []
        day = self._whole(figures.chart_first)[:10]
        drawn = {"first": self._clock(figures.chart_first), "last": self._clock(figures.chart_last)}
        top = max(rate.peak for rate in figures.rates)
        blocks: list[Block] = [
            Heading(self.say("labels.rates")),
            Words(self.say("labels.rates_note"), note=True),
            Words(self.say("labels.charted", day=day, **drawn), note=True),
        ]
        for rate in figures.rates[:MOST_GATES]:
            peak = f"{self.say('labels.peak')} {self._rate(rate.peak)}"
            people = f"{self.say('labels.people')} {rate.people:,}"
            label = f"{self._gate(rate.gate_id)}　{peak}　{people}"
            spans = self._spans(rate.per_minute)
            blocks.append(Chart(sparkline(rate.per_minute, top), spans, label, half=True))
        return blocks

    def _spans(self, per_minute: list[float]) -> Table:
        """Return a gate's averages by the hour: a course of 5 minutes is too much for a table.

        Of at most two hours by the quarter.
        """
        first, last = self.figures.chart_first, self.figures.chart_last
        span = QUARTER if last - first <= 8 * QUARTER else 4 * QUARTER
        step = span // timedelta(minutes=STEP_MINUTES)
        means = [per_minute[at : at + step] for at in range(0, len(per_minute), step)]
        begins = [first + place * span for place in range(len(means))]
        heads = [f"{self._clock(at)}-{self._clock(min(at + span, last))}" for at in begins]
        return Table(heads, [[f"{sum(each) / len(each):.1f}" for each in means]])

    def _verdicts(self) -> list[Block]:
        figures = self.figures
        names = [self.say(f"labels.{outcome}") for outcome in OUTCOMES]
        counts = [
            (self._clock(each.at), [getattr(each, outcome) for outcome in OUTCOMES])
            for each in figures.quarters
        ]
        blocks: list[Block] = [
            Heading(self.say("labels.quarters")),
            self._stack(counts, names),
        ]
        if figures.deal:
            columns = [
                (self._clock(at), [one.scans - one.refused - one.called, one.refused, one.called])
                for at, one in figures.deal
                if figures.chart_first <= at < figures.chart_last
            ]
            blocks += [Heading(self.say("labels.quarters_deal")), self._stack(columns, names[:3])]
        if figures.reasons:
            rows = [(self.say(f"reasons.{reason}"), n) for reason, n in figures.reasons]
            table = Table(["", self.say("labels.scans")], [list(row) for row in rows], bar=1)
            blocks += [Heading(self.say("labels.reasons")), Chart(bars(rows), table)]
        return blocks

    def _stack(self, columns: list[tuple[str, list[int]]], names: list[str]) -> Chart:
        heads = [self.say("labels.when"), *names]
        busy: list[list[str | int]] = [[label, *counts] for label, counts in columns if any(counts)]
        return Chart(stacked(columns, names), Table(heads, busy))

    def _calls(self) -> list[Block]:
        calls = self.figures.calls
        hours = local_hours(calls)
        if not hours:
            return []
        heads = [self.say("labels.gate"), *(self._clock(hour) for hour in hours)]
        rows: list[list[str | int]] = [
            [self._gate(gate), *(each.get(hour, 0) for hour in hours)]
            for gate, each in sorted(calls.items(), key=lambda item: -sum(item[1].values()))
        ]
        return [Heading(self.say("labels.calls")), Table(heads, rows[:MOST_GATES])]

    def _queue(self) -> list[Block]:
        queue = self.figures.queue
        heading = Heading(self.say("labels.queue"))
        if queue is None:
            return [heading, Words(self.say("labels.queue_unknown"))]
        columns = [(self._clock(at), n) for at, n in queue.waiting]
        heads = [self.say("labels.when"), self.say("labels.vouchers")]
        waiting: list[list[str | int]] = [[at, n] for at, n in columns if n]
        table = Table(heads, waiting, bar=1)
        return [
            heading,
            Words(self._longest(queue)),
            Chart(course(columns), table),
            Words(self.say("labels.queue_note"), note=True),
        ]

    def _longest(self, queue: Queue) -> str:
        if not queue.longest:
            return self.say("labels.queue_none")
        values = {"at": self._clock(queue.longest_at), "waiting": f"{queue.longest:,}"}
        if queue.minutes is None:
            return self.say("labels.queue_still", **values)
        return self.say("labels.queue_longest", minutes=queue.minutes, **values)

    # --- what came of it -------------------------------------------------------------------------

    def _settlement(self) -> list[Block]:
        settlement = self.report.settlement
        if settlement is None:
            return []
        rows: list[list[str | int]] = []
        for name in CLASSES:
            vouchers = getattr(settlement.counts, name)
            if isinstance(vouchers, int) and (vouchers or name == "sold"):
                people = getattr(settlement.people, name, "")
                rows.append([self.say(f"classes.{name}"), vouchers, people])
        amounts = [
            [self.say(f"classes.{name}"), money(minor, settlement.currency)]
            for name in AMOUNTS
            if (minor := getattr(settlement.amounts_minor, name))
        ]
        heads = [self.say(f"labels.{name}") for name in ("class", "vouchers", "people")]
        note = self.say("labels.settlement_note", at=self._at(settlement.as_of))
        blocks: list[Block] = [Heading(self.say("labels.settlement")), Table(heads, rows)]
        if amounts:
            blocks.append(Table(["", self.say("labels.money")], amounts))
        return [*blocks, Words(note, note=True)]

    def _told(self) -> list[Block]:
        heading = Heading(self.say("labels.told"))
        said = [f"{self._at(at)}　{each.zh}　{each.en}" for at, each in self.report.said]
        return [heading, Bullets(said) if said else Words(self.say("labels.told_none"))]

    def _questions(self) -> list[Block]:
        open_ones = self.report.questions
        asked = [self.say(f"questions.{each.name}", **each.values) for each in open_ones]
        return [Heading(self.say("labels.questions")), Bullets(asked or [self.say("labels.none")])]

    # --- small words -----------------------------------------------------------------------------

    def _told_as(self, said: Said) -> str:
        return said.zh if self._language == "zh" else said.en

    def _deal(self) -> str:
        if self.incident.deal_id is None:
            return ""
        return f"{self.report.deal_title}　{self.incident.deal_id}　{self.incident.platform}"

    def _gate(self, gate_id: str | None) -> str:
        if gate_id is None:
            return ""
        return f"{gate_id} {self.report.gates.get(gate_id, '')}".strip()

    def _by(self, at: datetime | None, who: str | None) -> str:
        return "" if at is None else f"{self._at(at)}　{self._actor(who or '')}"

    def _actor(self, who: str) -> str:
        """Return who did it; what is no person in words."""
        name, opened, rest = who.partition(" (")
        word = self._words.find(self._language, "actors", name) or name
        return f"{word}{opened}{rest}"

    def _rate(self, per_minute: float) -> str:
        return self.say("labels.rate", n=f"{per_minute:.1f}")

    def _first_answer(self) -> str:
        found = (each for each in self.incident.timeline if each.kind == "acknowledged")
        first = next(found, None)
        return "" if first is None else self._by(first.at, first.by)

    def _at(self, at: datetime) -> str:
        return at.astimezone(self.report.calendar.zone).strftime("%m-%d %H:%M")

    def _whole(self, at: datetime) -> str:
        return at.astimezone(self.report.calendar.zone).strftime("%Y-%m-%d %H:%M")

    def _clock(self, at: datetime) -> str:
        return at.astimezone(self.report.calendar.zone).strftime("%H:%M")
