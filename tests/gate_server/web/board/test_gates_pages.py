"""Pages about gates, figures over days and the audit: one day's course, and who did what."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.desk import a_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with a_desk(tmp_path_factory.mktemp("gates"), "admin") as desk:
        park = desk.park
        park.sell("GATE-0001", admits="4")
        lane = park.enrol(gate_id="G1")
        desk.site.scan(lane, "GATE-0001")
        desk.site.scan(lane, "GATE-0001")
        yield desk


def today(desk, days=0):
    venue = desk.park.ledger.venue
    return venue.day_of(desk.park.ledger.clock()) + timedelta(days=days)


def test_gates_are_listed_with_their_state_and_people(desk):
    page = desk.see("/gates")

    row = page.partition('id="gate-G1"')[2].partition("</tr>")[0]
    assert "South gate" in row
    assert ">open<" in row
    assert 'class="number">4</td>' in row


def test_gates_day_shows_its_course_below_ceiling_and_record(desk):
    page = desk.see("/gates/G1")

    assert '<polyline class="course"' in page or "<title>People a minute</title>" in page
    assert "ceiling a minute (Green Guide): 11" in page
    assert "best minute ever: 4" in page
    assert "4 people came in, at most 4 in one minute." in page
    assert f'href="?day={today(desk, -1)}"' in page


def test_gates_day_tells_who_changed_its_state_and_why(desk):
    desk.do("gate-state", gate_id="G2", state="paused", reason="turnstile is stuck")

    page = desk.see("/gates/G2")

    assert "turnstile is stuck" in page
    assert page.count("<b>paused</b>") == 1
    assert "Nobody came in here on this day." in page
    assert "turnstile is stuck" not in desk.see("/gates/G1")
    assert "turnstile is stuck" not in desk.see(f"/gates/G2?day={today(desk, -1)}")


@pytest.mark.parametrize(
    ("address", "status"), [("/gates/G9", 404), ("/gates/G1?day=someday", 400)]
)
def test_there_is_no_page_of_another_gate_or_day(desk, address, status):
    assert desk.open(address).status_code == status


def test_gate_is_added_by_an_admin(desk):
    desk.do("gate-add", gate_id="G3", name="New north gate", area="park")

    assert "New north gate" in desk.see("/gates")
    again = desk.try_to("gate-add", gate_id="G3", name="Twice", area="park")
    assert again.status_code == 409
    assert desk.try_to("gate-add", gate_id="G 4", name="x", area="park").status_code == 400


# --- figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "name"), [("gates", "South gate"), ("deals", "票 DAY")])
def test_figures_show_a_chart_a_table_and_files(desk, what, name):
    page = desk.see(f"/figures?what={what}&by=day")

    assert "<desc>4 people let in.</desc>" in page
    row = page.partition("<tbody>")[2]
    assert name in row
    for kind in ("csv", "xlsx"):
        link = page.partition(f"/api/v1/figures/{what}?")[2].partition('"')[0]
        file = desk.open(f"/api/v1/figures/{what}?{link.replace('csv', kind)}")
        assert file.status_code == 200
        assert f".{kind}" in file.headers["content-disposition"]


@pytest.mark.parametrize("asked", ["what=people", "by=minute", "from=2015-13-01"])
def test_figures_refuse_what_there_is_not(desk, asked):
    assert desk.open(f"/figures?{asked}").status_code == 400


def test_day_without_a_scan_says_so(desk):
    page = desk.see("/figures?from=2015-02-12&until=2015-02-13")

    assert "Nothing was scanned on these days." in page


# --- audit ---------------------------------------------------------------------------------------


def test_audit_is_searched_by_event_and_subject(desk):
    desk.do("gate-state", gate_id="G1", state="exit_only", reason="evening")

    page = desk.see("/audit?event=gate_state&subject=G1")

    assert "evening" in page
    assert "gate state" in page
    assert "turnstile is stuck" not in page


def test_audit_goes_on_page_by_page(desk):
    for number in range(201):
        desk.park.change(lambda tx, n=number: tx.record_event("gate_state", {"n": n, "by": "x"}))

    first = desk.see("/audit?by=x")

    older = first.partition('href="/audit?before=')[2].partition('"')[0]
    assert older
    assert "<small>n</small> 0" in desk.see(f"/audit?before={older}")
    assert "<small>n</small> 200" in first


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        ("steward", {"/gates", "/figures"}),
        ("supervisor", {"/gates", "/figures"}),
        ("auditor", {"/gates", "/figures", "/audit"}),
        ("partner", set()),
    ],
)
def test_who_sees_which_page(desk, role, sees):
    other = desk.beside(role)

    for address in ("/gates", "/figures", "/audit"):
        assert other.open(address).status_code == (200 if address in sees else 403)
    assert other.try_to("gate-add", gate_id="G8", name="x", area="park").status_code == 403
