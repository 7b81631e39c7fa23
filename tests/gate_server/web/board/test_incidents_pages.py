"""Pages about incidents and broadcasts: what is open comes first, and who has not seen it."""

from __future__ import annotations

import pytest

from gate_server.ledger.incidents import open_incident
from tests.builders import new_incident
from tests.desk import a_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with a_desk(tmp_path_factory.mktemp("incidents")) as desk:
        desk.park.enrol(gate_id="G1")
        desk.park.enrol("marshal", gate_id="G2")
        yield desk


def an_incident(desk, title, **fields):
    desk.do("incident-open", kind="crowd", title=title, gate_id="G1", **fields)
    page = desk.see("/incidents")
    return page[: page.index(title)].rpartition('href="/incidents/')[2].partition('"')[0]


def test_open_incident_stands_first_until_somebody_sees_to_it(desk):
    incident_id = an_incident(desk, "Crowd before G1")
    assert "nobody sees to it yet" in desk.see("/incidents")

    desk.do("incident-acknowledge", incident_id=incident_id)

    assert "anne sees to it" in desk.see("/incidents")


def test_incident_shows_its_timeline_and_is_closed_with_a_summary(desk):
    incident_id = an_incident(desk, "Rope has fallen", note="between G1 and G2")
    desk.do("incident-note", incident_id=incident_id, note="a marshal holds it")

    desk.do("incident-close", incident_id=incident_id, summary="tied anew")

    page = desk.see(f"/incidents/{incident_id}")
    assert page.index("between G1 and G2") < page.index("a marshal holds it")
    assert "tied anew" in page
    assert "/act/incident-close" not in page
    assert desk.try_to("incident-close", incident_id=incident_id, summary="x").status_code == 409


def test_timeline_names_the_gate_and_its_state_and_that_nobody_would_be_called(desk):
    incident_id = an_incident(desk, "Too many inside")
    desk.do("gate-state", gate_id="G1", state="paused", reason="too full inside")
    page = desk.see(f"/incidents/{incident_id}")
    desk.do("gate-state", gate_id="G1", state="open", reason="room again")

    assert "gate G1 South gate, paused" in page
    assert "nobody is on the duty list" in page


def test_sale_on_hold_shows_what_was_found_and_that_it_awaits_a_decision(desk):
    park, hostile = desk.park, '<b onclick="x">票</b>'
    park.offer("FLASH", title=hostile)
    deal_no = park.ledger.catalogue.deal_nos["FLASH"]
    incident = new_incident(title_zh=hostile, title_en=hostile, deal_no=deal_no, platform="lvtu")
    now = park.ledger.clock()
    incident_id = park.change(lambda tx: open_incident(tx, incident, by="finding", now=now))
    desk.site.post("/deals/FLASH/hold", park.hire(), {"reason": "odd price"})

    page = desk.open(f"/incidents/{incident_id}").text

    assert "<b onclick" not in page
    assert "&lt;b onclick" in page
    assert "vouchers for" in page
    assert "a deal on hold awaits a decision" in page
    assert 'href="/deals/FLASH"' in page


@pytest.mark.parametrize(
    ("name", "kind", "begins"),
    [("zh.html", "text/html", "<!doctype html>"), ("en.md", "text/markdown", "# ")],
)
def test_report_is_taken_away_as_a_file(desk, name, kind, begins):
    incident_id = an_incident(desk, f"Reported {name}")

    report = desk.open(f"/incidents/{incident_id}/report/{name}")

    assert report.headers["content-type"].startswith(kind)
    attached = f'attachment; filename="incident-{incident_id}.{name}"'
    assert report.headers["content-disposition"] == attached
    assert report.text.lower().startswith(begins)


@pytest.mark.parametrize("name", ["zh.exe", "fr.html", "../../keys"])
def test_there_is_no_other_report(desk, name):
    incident_id = an_incident(desk, f"No report {len(name)}")

    assert desk.open(f"/incidents/{incident_id}/report/{name}").status_code == 404


def test_worded_broadcast_is_told_before_it_is_sent(desk):
    fields = {"template": "gate_paused", "values.gate": "G2", "values.minutes": "20"}

    told = desk.try_to("broadcast-worded", profiles="marshal", **fields)

    assert "South gate" not in told.text.split('class="fields"')[0]
    assert "Valley lane lets nobody in for about 20 minutes" in told.text
    assert "1 device shows it." in told.text
    assert not desk.park.ledger.catalogue.broadcasts
    desk.do("broadcast-worded", profiles="marshal", step="do", **fields)
    (sent,) = desk.park.ledger.catalogue.broadcasts.values()
    assert (sent.template, sent.profiles) == ("gate_paused", {"marshal"})
    page = desk.see("/broadcasts")
    assert "1 device has not shown it" in page
    one = desk.see(f"/broadcasts/{sent.broadcast_id}")
    assert "Valley lane" in one
    desk.do("broadcast-end", broadcast_id=sent.broadcast_id, reason="it goes on")
    assert "Taken back" in desk.see(f"/broadcasts/{sent.broadcast_id}")


def test_template_asks_for_what_it_needs(desk):
    asked = desk.ask("broadcast-worded", template="deal_withdrawn")
    assert 'name="values.deal"' in asked
    assert 'name="values.arrived_by"' in asked

    missing = desk.try_to("broadcast-worded", template="deal_withdrawn", step="do")

    assert missing.status_code == 400
    assert desk.try_to("broadcast-worded", template="no-such").status_code == 404


def test_venues_own_template_is_offered(desk):
    own = '[fog]\nfields = { ferry = "text" }\nzh = "{ferry}停航。"\nen = "{ferry} stops."\n'
    loud = 'loud_zh = "{ferry}停航。"\nloud_en = "{ferry} stops."\n'
    (desk.park.directory / "broadcasts.toml").write_text(own + loud, "utf-8")

    page = desk.see("/broadcasts/new")
    assert "the venue's own" in page
    assert "[ferry] stops." in page
    assert ">ferry" in desk.ask("broadcast-worded", template="fog")
    (desk.park.directory / "broadcasts.toml").unlink()


@pytest.mark.parametrize(("role", "status"), [("auditor", 200), ("steward", 403), ("partner", 403)])
def test_readers_see_and_change_nothing(desk, role, status):
    other = desk.beside(role)

    for address in ("/incidents", "/broadcasts", "/conflicts"):
        shown = other.open(address)
        assert shown.status_code == status
        assert "/act/" not in shown.text
    assert other.try_to("incident-open", kind="crowd", title="x").status_code == 403
