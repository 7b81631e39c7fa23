"""The notice on a refusal of a void: as it was written, else composed of what its terms say."""

import tomllib
from pathlib import Path

import pytest

from admission.messages import Messages, Sentence
from admission.notices import NoticeWords, notice_to_say
from admission.remedies import Refund, Remedy
from admission.rules import decide
from admission.verdicts import Reason
from admission.voids import Honour
from admission.vouchers import Status
from tests.builders import VENUE, a_case, a_deal, a_found, a_void, a_voucher, at

FOLDER = Path(__file__).parents[2] / "config/messages"
TEMPLATES = tomllib.loads((FOLDER / "notices.toml").read_text("utf-8"))
VERDICTS = tomllib.loads((FOLDER / "verdicts.toml").read_text("utf-8"))
DESK = Sentence("东门游客中心", "the help desk at the east gate")


def words(desk=DESK):
    return NoticeWords(TEMPLATES, VENUE, desk)


def refusal(void, clock="18:00", desk=DESK, **voucher):
    """Return the verdict on a voucher of a voided deal, and its sentence."""
    case = a_case(a_found(void=void, voucher=a_voucher(**voucher)))
    verdict = decide(case, at(clock))
    return verdict, Messages(VERDICTS, VENUE, words(desk)).sentence(verdict)


def test_it_says_what_happened_what_the_visitor_gets_and_where_to_go():
    remedy = Remedy(Refund.PRICE_PAID, 1000)
    verdict, said = refusal(a_void("17:00", remedy=remedy))

    assert verdict.reason is Reason.DEAL_VOIDED
    assert said.zh == (
        "平台已取消此活动。票款由平台自动原路退回，无需现场办理。平台另向每个下单账号补偿 10 元。"
        "2月12日 17:00 前到场的游客照常接待，以到场登记为准。如需帮助，请到东门游客中心。"
    )
    assert said.en == (
        "The platform has withdrawn this offer. It refunds you automatically; there is nothing to"
        " do here. It adds 10 yuan for each buyer's account. Whoever had arrived by 12 February,"
        " 17:00 is received, as recorded. For help: the help desk at the east gate."
    )


def test_what_a_supervisor_wrote_stands_word_for_word():
    _, said = refusal(a_void("17:00", notice=("活动取消。", "Withdrawn."), remedy=Remedy()))

    assert said == Sentence("活动取消。", "Withdrawn.")


@pytest.mark.parametrize("remedy", [None, Remedy(Refund.NONE)])
def test_no_refund_is_promised_that_the_terms_do_not_say(remedy):
    _, said = refusal(a_void(None, remedy=remedy))

    assert "自动" not in said.zh
    assert "退款以平台公告为准" in said.zh
    assert "follow the platform's notice" in said.en


@pytest.mark.parametrize(
    "honour",
    [
        None,
        Honour.of(at("17:00"), VENUE, max_people=100),
        Honour.of(at("17:00"), VENUE, admit_until=at("17:30")),
    ],
)
def test_nobody_is_said_to_be_received_who_may_not_be(honour):
    _, said = refusal(a_void("17:00", honour=honour))

    assert "照常接待" not in said.zh
    assert "received" not in said.en


@pytest.mark.parametrize(
    ("minor", "currency", "zh", "en"),
    [
        (1000, "CNY", "10 元", "10 yuan"),
        (1250, "CNY", "12.50 元", "12.50 yuan"),
        (500000, "CNY", "5,000 元", "5,000 yuan"),
        (1250, "EUR", "12.50 EUR", "12.50 EUR"),
    ],
)
def test_amounts_are_said_as_people_say_them(minor, currency, zh, en):
    void = a_void(remedy=Remedy(compensation_per_buyer_minor=minor))
    said = words().find_notice(notice_to_say(void, a_deal(currency=currency), at("18:00")))

    assert zh in said.zh
    assert en in said.en


def test_a_scanner_that_was_told_no_desk_sends_nobody_anywhere():
    _, said = refusal(a_void(), desk=None)

    assert "请到" not in said.zh
    assert "For help" not in said.en


def test_after_the_refund_list_the_refund_comes_first_and_the_notice_follows():
    verdict, said = refusal(a_void(), refund_listed=True)

    assert verdict.reason is Reason.REFUNDED
    assert said.zh.startswith("此票已退款")
    assert "平台已取消此活动。" in said.zh


def test_a_notice_that_leaves_no_room_never_makes_an_answer_too_long():
    _, said = refusal(a_void(notice=("长" * 500, "x" * 500)), refund_listed=True)

    assert max(len(said.zh), len(said.en)) <= 500
    assert said.zh.startswith("此票已退款")


def test_a_refusal_that_the_void_did_not_make_has_no_notice():
    verdict, said = refusal(a_void(), status=Status.REFUNDED, status_at=at("08:00"))

    assert verdict.reason is Reason.REFUNDED
    assert "取消此活动" not in said.zh


def test_without_a_void_there_is_nothing_to_say():
    assert notice_to_say(None, a_deal(), at("18:00")) == {}
    assert words().find_notice({"available": 2}) is None


def test_whatever_withdraws_vouchers_may_bring_its_own_notice():
    assert words().find_notice({"notice": ("闭园", "Closed")}) == Sentence("闭园", "Closed")


@pytest.mark.parametrize("change", [{"refund": {"zh": "x"}}, {"where": {"zh": "{who}", "en": "x"}}])
def test_a_sentence_that_cannot_be_filled_in_is_named_at_start(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        NoticeWords(TEMPLATES | change, VENUE, DESK)
