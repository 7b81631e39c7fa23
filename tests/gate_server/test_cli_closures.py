"""`gate-server closure`, and previews of `gate-server deal`, without a server."""

import pytest

from tests.gate_server.test_cli import answer, run
from tests.server import Park

DAY = ("--day", "2099-05-01", "--extend-until", "2099-05-31", "--deal", "DAY")
RAIN = ("closure", "declare", "--reason", "rain", *DAY, "--used-too")


@pytest.fixture
def venue(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("VOUCHER-1", "VOUCHER-2", valid_from="2099-05-01", valid_until="2099-05-01",
              price_paid_minor="26000", buyer_ref="b1")  # fmt: skip
    park.close()
    return tmp_path / "var"


def test_closure_is_previewed_declared_amended_listed_shown_and_restored(venue):
    before = run(venue, *RAIN, "--preview").stdout
    number = answer(venue, *RAIN)["closure_id"]
    later = [*RAIN[2:], "--refunds-open", "--extend-until", "2099-06-30"]
    compared = run(venue, "closure", "amend", number, *later, "--preview").stdout
    run(venue, "closure", "amend", number, *later)
    listed = run(venue, "closure", "list").stdout
    shown = run(venue, "closure", "show", number).stdout
    deal = run(venue, "deal", "show", "DAY").stdout
    run(venue, "closure", "restore", number, "--reason", "sunshine")

    assert "nothing was changed" in before
    assert "vouchers: 2\npeople: 2\nbuyers: 1\nextended: 2" in before
    assert "paid for them: 520.00 CNY" in before
    assert "extended: 2 (now 2)" in compared
    assert "2099-06-30 23:59:59" in listed
    assert "refunds: open to who asks" in shown
    assert [line.split()[0] for line in shown.splitlines() if "command line" in line] == ["1", "2"]
    assert f"closure {number}: vouchers good until 2099-06-30" in deal
    assert answer(venue, "closure", "list")[0]["status"] == "restored"


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("closure", "declare", "--reason", "x", "--day", "2099-05-01", "--deal", "DAY"), 2, ""),
        ((*RAIN, "--notice-zh", "闭园"), 2, "both languages"),
        ((*RAIN, "--extend-until", "2099-04-01"), 1, "extend_until"),
        ((*RAIN, "--day", "tomorrow"), 1, "is a date"),
        ((*RAIN, "--deal", "NONE"), 1, "there is none called NONE"),
        (("closure", "restore", "12", "--reason", "x"), 1, "no closure 12"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_why(venue, words, status, told):
    assert told in run(venue, *words, status=status).stderr
    assert answer(venue, "closure", "list") == []


def test_previews_of_deals_show_the_money_beside_what_is_so_now(venue):
    void = ("deal", "void", "DAY", "--reason", "limit failed", "--cost-bearer", "platform")
    first = run(venue, *void, "--nobody", "--compensation", 1000, "--preview").stdout
    run(venue, *void, "--nobody", "--compensation", 1000)
    other = run(venue, *void, "--nobody", "--compensation", 500, "--preview").stdout
    ended = run(venue, "deal", "restore", "DAY", "--reason", "x", "--preview").stdout
    far = run(venue, *void, "--arrived-by", "2099-05-01 17:00", "--preview").stdout

    assert "paid: 520.00\n" in first
    assert "refunds: 520.00\n" in first
    assert "compensation: 10.00\n" in first
    assert "compensation: 5.00 (now 10.00)" in other
    assert "refund vouchers: 0 (now 2)" in ended
    assert "newly covered: 2" in ended
    assert "look again: arrived_by is more than 36 hours from now" in far
    assert answer(venue, "deal", "show", "DAY")["status"] == "voided"


def test_terms_are_told_with_refund_compensation_and_notice(venue):
    void = ("deal", "void", "DAY", "--reason", "limit failed", "--cost-bearer", "platform")
    notice = ("--notice-zh", "活动取消", "--notice-en", "called off")
    preview = run(venue, *void, "--nobody", *notice, "--compensation", 1000, "--preview").stdout
    first = run(venue, *void, "--nobody", *notice, "--compensation", 1000).stdout
    shown = run(venue, "deal", "show", "DAY").stdout
    second = run(venue, *void, "--nobody").stdout
    third = run(venue, *void, "--nobody", "--refund", "none").stdout

    for text in (preview, first, shown):
        assert "others get back: the price paid, and 10.00 CNY a buyer" in text
        assert "notice: 活动取消 / called off" in text
    assert "look again" not in first
    assert "others get back: not said; the settlement counts the price paid" in second
    assert "look again: the terms do not say what all others get back" in second
    assert "look again: the notice of version 1 no longer applies" in second
    assert "others get back: nothing" in third
    assert "look again" not in third
