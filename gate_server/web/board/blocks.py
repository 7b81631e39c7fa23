"""The page of blocks: what is proposed and appealed first, and the acts on it."""

from __future__ import annotations

from typing import Final

from admission.messages import Sentence
from admission.wire_buyers import BlockAnswer
from gate_server.web.blocks import blocks as calls
from gate_server.web.board import counted
from gate_server.web.board.acts import REASON, Act, Body, Subject, by_call, declare, why
from gate_server.web.board.fields import Choice, Field, Kind
from gate_server.web.board.languages import gettext, lazy_gettext, ngettext, say
from gate_server.web.board.pages import LEADERS, READERS, Section, Shown, Visit, show
from gate_server.web.board.reading import answer_of

MOST_ENDED: Final = 50
ORIGINS: Final = (
    ("supervisor", lazy_gettext("a supervisor of the venue")),
    ("feed", lazy_gettext("the platform, in a letter or list")),
)
STATES: Final = {
    "proposed": Sentence("待决定", "proposed"),
    "in_force": Sentence("生效中", "in force"),
    "expired": Sentence("已到期", "expired"),
    "lifted": Sentence("已解除", "lifted"),
    "declined": Sentence("未采纳", "declined"),
}
WORD_OF: Final = {
    "supervisor": Sentence("值班主管", "a supervisor"),
    "feed": Sentence("平台", "the platform"),
    "finding": Sentence("销售异常提示", "a finding"),
}

blocks = Section("blocks")


@blocks.page("/blocks", who=READERS, title=lazy_gettext("Blocks"), seldom=True)
def show_blocks(visit: Visit) -> Shown:
    """Show which accounts must see a supervisor, first those that somebody must decide about."""
    found = answer_of(visit, calls, "show_blocks").blocks
    declined = answer_of(visit, calls, "show_blocks", query={"state": "declined"}).blocks
    ended = [each for each in found if each.state != "in_force"] + list(declined)
    return show(
        "blocks.html",
        proposed=answer_of(visit, calls, "show_blocks", query={"state": "proposed"}).blocks,
        appealed=[each for each in found if _waits(each)],
        in_force=[each for each in found if each.state == "in_force" and not _waits(each)],
        ended=ended[:MOST_ENDED],
        ended_count=len(ended),
        block_states=STATES,
        word_of=WORD_OF,
        leads=visit.may(LEADERS),
    )


def _waits(block: BlockAnswer) -> bool:
    return any(each.outcome is None for each in block.appeals)


# --- acts ----------------------------------------------------------------------------------------


def _platforms(visit: Visit) -> list[Choice]:
    deals = visit.services.ledger.catalogue.deals.values()
    return [(each, each) for each in sorted({deal.platform for deal in deals})]


def _tell_block(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    """Say what is known of the account, and what a block does; nobody is accused of anything."""
    told = [
        gettext("At the gates a supervisor is called to each of its vouchers; none is refused."),
        gettext("Compensation of a voided deal is withheld while the block stands."),
    ]
    return [*_tell_account(visit, subject), *told] if subject else told


def _tell_account(visit: Visit, subject: Subject) -> list[str]:
    block = answer_of(visit, calls, "show_block", {"block_id": subject["block_id"]})
    facts = block.facts
    told = [say(block.say)] if block.say is not None else []
    if facts is None:
        return [*told, gettext("No voucher of this account is known.")]
    return [
        *told,
        gettext(
            "%(vouchers)s for %(people)s in %(deals)s; presented already: %(scanned)s.",
            vouchers=counted.vouchers(facts.vouchers),
            people=counted.people(facts.people),
            deals=counted.deals(len(facts.deals)),
            scanned=f"{facts.scanned:,}",
        ),
    ]


def _tell_lift(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    block = answer_of(visit, calls, "show_block", {"block_id": subject["block_id"]})
    waiting = sum(each.outcome is None for each in block.appeals)
    return [
        *_tell_account(visit, subject),
        gettext("They are let in again without a supervisor."),
        *([_appeals_end(waiting)] if waiting else []),
    ]


def _appeals_end(waiting: int) -> str:
    return ngettext(
        "%(num)d appeal is answered by it.", "%(num)d appeals are answered by it.", waiting
    )


def _tell_stands(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    return [*_tell_account(visit, subject), gettext("The block stands as it is.")]


def _tell_declined(visit: Visit, subject: Subject, _body: Body) -> list[str]:
    return [
        *_tell_account(visit, subject),
        gettext("Nothing changes at the gates. It is proposed again only when it has grown."),
    ]


def _about(visit: Visit, subject: Subject) -> list[str]:
    block = answer_of(visit, calls, "show_block", {"block_id": subject["block_id"]})
    return [f"{block.platform} {block.block_id}"]


def _said(_visit: Visit, _subject: Subject, result: BlockAnswer) -> str:
    state = say(STATES[result.state])
    return gettext("Block %(number)s: %(state)s", number=result.block_id, state=state)


_UNTIL = Field(
    "expires_at",
    lazy_gettext("Until"),
    Kind.TIME,
    needed=False,
    hint=lazy_gettext("Empty: until somebody lifts it."),
)

_WHY_BLOCK = why(
    lazy_gettext("many vouchers of one account"),
    lazy_gettext("to be looked at by a supervisor"),
    lazy_gettext("asked for by the platform"),
)
_WHY_NOT = why(
    lazy_gettext("a travel agency or a group"),
    lazy_gettext("explained by the buyer"),
    lazy_gettext("confirmed by the platform"),
)

_who, _run = by_call(calls, "block")
declare(
    Act(
        "block",
        lazy_gettext("Block an account"),
        _who,
        _run,
        fields=(
            Field("platform", lazy_gettext("Platform"), Kind.CHOICE, choices=_platforms),
            Field(
                "buyer_ref",
                lazy_gettext("Account, as the platform names it"),
                hint=lazy_gettext("It is not kept as it is, and never shown again."),
            ),
            _WHY_BLOCK,
            Field("origin", lazy_gettext("On whose word"), Kind.CHOICE, choices=ORIGINS),
            Field(
                "origin_id", lazy_gettext("Number of the letter or list"), longest=64, needed=False
            ),
            _UNTIL,
        ),
        tells=_tell_block,
        said=_said,
    )
)
for _name, _title, _view, _fields, _tells in (
    ("block-accept", lazy_gettext("Block this account"), "accept_block", (_WHY_BLOCK, _UNTIL),
     _tell_block),
    ("block-decline", lazy_gettext("Do not block"), "decline_block", (_WHY_NOT,), _tell_declined),
    ("block-lift", lazy_gettext("Lift the block"), "lift", (_WHY_NOT,), _tell_lift),
    ("block-uphold", lazy_gettext("The block stands"), "uphold", (REASON,), _tell_stands),
    ("block-appeal", lazy_gettext("Note an appeal"), "appeal",
     (Field("note", lazy_gettext("What the buyer says"), Kind.TEXT, longest=500),), _tell_stands),
):  # fmt: skip
    _who, _run = by_call(calls, _view)
    declare(
        Act(
            _name,
            _title,
            _who,
            _run,
            fields=_fields,
            subject=("block_id",),
            tells=_tells,
            about=_about,
            said=_said,
        )
    )
