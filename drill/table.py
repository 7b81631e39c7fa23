"""Show the drill's figures to people: a table in Chinese and English, and the invariants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from rich.console import Console
from rich.table import Table

from drill.words import INVARIANTS, MODEL, PEOPLE, PLAYED, REAL, ROWS, TIMES
from gate_server.cli.settlements import money

Line: TypeAlias = tuple[str, str, tuple[str, str]]
"""A row's name, its value, and what kind of figure it is."""

WIDTH: Final = 110
"""Columns where the table goes into a file."""


def show_table(found: dict[str, Any]) -> None:
    """Print the table, then whether each invariant holds."""
    out = Console(highlight=False)
    if not out.is_terminal:
        out = Console(highlight=False, width=WIDTH)
    title = f"演练结果 The drill, scale {found['scale']:g}"
    table = Table(title=title, title_justify="left")
    for head in ("项目 what", "数值 figure", "性质 kind"):
        table.add_column(head, overflow="fold")
    for name, value, kind in lines(found):
        table.add_row(" ".join(ROWS[name]), value, " ".join(kind))
    out.print(table)
    out.print(_told(found), soft_wrap=True)
    for each in found["invariants"]:
        zh, en = INVARIANTS[each["name"]]
        mark, problem = ("✓", "") if each["holds"] else ("✗", f": {each['problem']}")
        style = "green" if each["holds"] else "bold red"
        out.print(f"{mark} {zh} {en}{problem}", style=style, soft_wrap=True, markup=False)


def lines(found: dict[str, Any]) -> Iterator[Line]:
    """Give the rows of the table."""
    yield from _times(found["seconds"])
    yield from _people(found)
    yield from _queues(found["queue"])
    yield from _accounts(found)
    yield "took", f"{found['seconds']['drill']:.0f} s", REAL


def _times(seconds: dict[str, Any]) -> Iterator[Line]:
    yield "hold", f"{seconds['first_absurd_sale_to_hold']:.2f} s", REAL
    yield "void", f"{seconds['void_to_last_scanner']:.2f} s", REAL
    yield "verdicts", _pair(seconds, "verdict_p50", "verdict_p99"), REAL
    yield "offline", _pair(seconds, "offline_verdict_p50", "offline_verdict_p99"), REAL


def _pair(seconds: dict[str, Any], *names: str) -> str:
    told = ["-" if seconds[name] is None else f"{seconds[name] * 1000:.0f} ms" for name in names]
    return " / ".join(told)


def _people(found: dict[str, Any]) -> Iterator[Line]:
    people, scans = found["people"], found["scans"]
    for name in ("honoured", "admitted", "overridden"):
        yield name, _many(people[name], PEOPLE), PLAYED
    yield "saved", _many(people["after_cut_off"], PEOPLE), PLAYED
    yield "stamps", _many(scans["stamps"], TIMES), PLAYED
    yield "refused", _many(scans["refused"], TIMES), PLAYED
    calls = f"{_many(scans['referred'], TIMES)} ({scans['calls_a_lane_and_hour']:.2f})"
    yield "referred", calls, PLAYED
    yield "doubles", f"{found['double_uses']['vouchers']:,}", PLAYED


def _queues(queue: dict[str, Any]) -> Iterator[Line]:
    sides = queue["with_marshals"], queue["without_marshals"]
    longest = [f"{side['longest_people']:,}" for side in sides]
    yield "queue", f"{' / '.join(longest)} {' '.join(PEOPLE)}", MODEL
    waits = [f"{side['longest_wait_minutes']}" for side in sides]
    yield "wait", f"{' / '.join(waits)} min", MODEL
    turned = [f"{side['turned_away_in_time']:,}" for side in sides]
    yield "turned", f"{' / '.join(turned)} {' '.join(PEOPLE)}", MODEL


def _accounts(found: dict[str, Any]) -> Iterator[Line]:
    settlement, lists = found["settlement"], found["lists"]
    counts, amounts = settlement["counts"], settlement["amounts_minor"]
    currency = settlement["currency"]
    told = (
        f"{counts['sold']:,} = {counts['honoured']:,} honoured + {counts['overridden']:,}"
        f" overridden + {counts['refunded']:,} refunded + {counts['refund_due']:,} refund due"
    )
    yield "statement", told, PLAYED
    yield "owed", money(amounts["owed_to_venue"], currency), PLAYED
    for name, kind in (("refunds", "refunds"), ("reverse", "reverse"), ("compensation",) * 2):
        entries = lists[kind]
        amount = money(entries["amount_minor"], currency)
        yield name, f"{entries['entries']:,}: {amount}", PLAYED


def _many(count: int, unit: tuple[str, str]) -> str:
    return f"{count:,} {unit[0]}"


def _told(found: dict[str, Any]) -> str:
    faster, latest = found["seconds"]["faster_than_life"], found["seconds"]["latest"]
    return (
        f"实测与实际验票由真实服务器和真实闸机程序完成，当日按 {faster:.0f} 倍速进行，"
        f"最迟 {latest:.1f} 秒；模拟为全规模客流。\n"
        f"Real and played: a real server and real scanners, the day {faster:.0f} times as fast as"
        f" life, {latest:.1f} s late at most. Model: the whole crowd in the time of the story."
    )
