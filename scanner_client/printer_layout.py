"""What stands on a ticket and on slips, in both languages, whatever prints it. No device here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import qrcode
from qrcode.constants import ERROR_CORRECT_M

from admission.wire_refusals import RefusalSlipAnswer
from admission.wire_tickets import SlipAnswer, TicketAnswer
from scanner_client.legible import legible

CATEGORIES = {
    "adult": "成人 ADULT",
    "child": "儿童 CHILD",
    "student": "学生 STUDENT",
    "senior": "长者 SENIOR",
    "concession": "优惠 CONCESSION",
    "family": "家庭 FAMILY",
    "group": "团体 GROUP",
    "annual": "年卡 ANNUAL",
    "staff": "员工 STAFF",
}
MARGIN_MODULES = 4
# A longer notice would not fit beside a code on an eighth of a page; it ends in "…".
MOST_NOTICE_ZH, MOST_NOTICE_EN = 160, 280


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text; `large` is twice as high and wide."""

    text: str
    large: bool = False


@dataclass(frozen=True, slots=True)
class Paper:
    """One piece of paper: its name for the record, lines, a code, lines below it."""

    name: str
    code: str
    above: tuple[Line, ...]
    below: tuple[Line, ...]


def lay_out_ticket(ticket: TicketAnswer, *, again: bool = False) -> Paper:
    """Return a ticket's paper.

    Args:
        again: it may have been printed before, which the paper then says.
    """
    category = CATEGORIES.get(ticket.category, ticket.category)
    above = [
        Line(legible(ticket.venue, 40)),
        Line("门票 TICKET", large=True),
        Line(legible(ticket.title, 80)),
        Line(f"{category}   {ticket.person}", large=ticket.category != "adult"),
    ]
    below = [
        Line(f"{ticket.ticket}   ...{ticket.tail}", large=True),
        Line("有效期 valid"),
        Line(f"{ticket.first_day} - {ticket.last_day}"),
        Line("每票一人，凭码入园"),
        Line("one person: show this code"),
    ]
    if again:
        below.append(Line("补打 PRINTED AGAIN"))
    return Paper(ticket.ticket, ticket.code, tuple(above), tuple(below))


def lay_out_slip(slip: SlipAnswer) -> Paper:
    """Return an arrival slip's paper."""
    people = "" if slip.people is None else f"   {slip.people} 人 people"
    above = [
        Line(legible(slip.venue, 40)),
        Line("排队号 QUEUE NUMBER"),
        Line(legible(slip.number, 40), large=True),
        Line(f"到场 arrived {slip.local_time}{people}"),
    ]
    if slip.title:
        above.append(Line(legible(slip.title, 80)))
    below = [
        Line("请保留，到检票口出示"),
        Line("keep this, show it at the gate"),
        Line("到场凭证，以原票为准"),
        Line("proof of arrival, no ticket"),
    ]
    return Paper(slip.number, slip.code, tuple(above), tuple(below))


def lay_out_refusal(slip: RefusalSlipAnswer) -> Paper:
    """Return the paper of a refused visitor's slip."""
    people = "" if slip.people is None else f"   {slip.people} 人 people"
    tail = "" if slip.tail is None else f"   尾号 tail {legible(slip.tail, 8)}"
    above = [
        Line(legible(slip.venue, 40)),
        Line("到场凭条 PROOF OF COMING"),
        Line(legible(slip.number, 40), large=True),
        Line(f"{slip.local_time}   {legible(slip.gate_name, 40)}{people}{tail}"),
    ]
    if slip.title:
        above.append(Line(legible(slip.title, 80)))
    below = [
        Line(f"{slip.short.zh} {slip.short.en}"),
        Line(legible(slip.message.zh, MOST_NOTICE_ZH)),
        Line(legible(slip.message.en, MOST_NOTICE_EN)),
        Line(f"咨询 help: {legible(slip.help_desk.zh, 60)} {legible(slip.help_desk.en, 60)}"),
        Line("仅证明到场，不能入园"),
        Line("proves that you came; admits nobody"),
    ]
    if slip.copy > 1:
        below.append(Line(f"补打第 {slip.copy} 份 COPY {slip.copy}", large=True))
    return Paper(slip.number, slip.code, tuple(above), tuple(below))


def modules_of(code: str) -> list[list[bool]]:
    """Return a code's modules with their margin, row by row; True is dark."""
    drawing = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=MARGIN_MODULES)
    # Unsplit, so that a token stays in alphanumeric mode throughout (version 5).
    drawing.add_data(code, optimize=0)
    drawing.make(fit=True)
    return [[bool(module) for module in row] for row in drawing.get_matrix()]


def columns_of(text: str) -> int:
    """Return how many columns a text takes on a printer: a Chinese character two."""
    return sum(1 if ord(char) < 0x1100 else 2 for char in text)


def wrap(text: str, columns: int) -> Iterator[str]:
    """Cut a text into lines of at most so many columns, between words where there are any."""
    line = ""
    for word in _pieces(text):
        if line and columns_of(line + word) > columns:
            yield line.strip()
            line = ""
        line += word
    if line.strip():
        yield line.strip()


def _pieces(text: str) -> Iterator[str]:
    word = ""
    for char in text:
        if ord(char) >= 0x1100:
            yield from filter(None, (word, char))
            word = ""
        else:
            word += char
            if char == " ":
                yield word
                word = ""
    if word:
        yield word
