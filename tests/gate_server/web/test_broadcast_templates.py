"""Broadcasts by template, over HTTP: what is shown, what is said aloud, whom it reaches."""

import pytest

from tests.boards import part_of, sit_down
from tests.builders import at
from tests.server import slug_of


@pytest.fixture
def boss(park):
    return park.hire()


def send(site, boss, template="go_to_gate", values=None, **fields):
    values = {"gate": "G2"} if values is None else values
    body = {"template": template, "values": values, **fields}
    answer = site.post("/broadcasts", boss, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def told(site, device):
    return site.get("/devices/self/broadcasts", device).json()["broadcasts"]


def test_what_it_says_is_shown_and_said_aloud(site, park, boss):
    sent = send(site, boss)

    [shown] = told(site, park.enrol())
    assert "Valley lane" in sent["message"]["zh"]
    assert shown["message"] == sent["message"]
    assert "Valley lane" in sent["loudspeaker"]["en"]
    assert sent["template"] == "go_to_gate"
    assert site.get(f"/broadcasts/{sent['broadcast_id']}", boss).json()["loudspeaker"]


def test_devices_are_told_nothing_that_is_for_the_loudspeaker(site, park, boss):
    send(site, boss)

    assert "loudspeaker" not in told(site, park.enrol())[0]


def test_priority_is_the_templates_unless_it_is_given(site, boss):
    values = {"deal": "DAY", "arrived_by": "17:00"}

    assert send(site, boss, "deal_withdrawn", values)["priority"] == "high"
    assert send(site, boss, "deal_withdrawn", values, priority="normal")["priority"] == "normal"


def test_a_deal_is_said_by_its_title_and_an_instant_by_the_venues_clock(site, park, boss):
    values = {"deal": "DAY", "arrived_by": "2015-02-12T09:00:00Z"}

    sent = send(site, boss, "deal_withdrawn", values)

    assert "“票 DAY”" in sent["message"]["zh"]
    assert "02-12 17:00 前到场" in sent["message"]["zh"]


@pytest.mark.parametrize(
    ("honour", "arrived_by", "warned"),
    [
        ("10:15", "17:00", "arrivals by 17:00 are received, the terms in force say 10:15"),
        ("10:15", "10:15", None),
        ("10:15", "2099-02-12T10:15:30+08:00", None),
        ("10:15", "2099-02-13T10:15:00+08:00", "arrivals by 02-13 10:15 are received"),
        (None, "10:15", "the terms in force receive nobody"),
        ("", "10:15", "this deal is not withdrawn"),
    ],
)
def test_another_cut_off_than_the_terms_say_is_asked_about(
    site, park, boss, honour, arrived_by, warned
):
    park.now = at("09:00").replace(year=2099)
    void = {"reason": "limit failed", "cost_bearer": "platform", "honour": None}
    if honour:
        void["honour"] = {"arrived_by": at(honour).replace(year=2099).isoformat()}
    if honour != "":
        assert site.post("/deals/DAY/void", boss, void).status_code == 200
    sent = send(site, boss, "deal_withdrawn", {"deal": "DAY", "arrived_by": arrived_by})

    said = " ".join(each["en"] for each in sent["warnings"])
    assert (warned or "") in said
    assert bool(said) is (warned is not None)
    # It was sent all the same, and who looks later is asked nothing.
    assert site.get(f"/broadcasts/{sent['broadcast_id']}", boss).json()["warnings"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"template": "nothing"}, "template"),
        ({"template": "go_to_gate"}, "values.gate"),
        ({"template": "go_to_gate", "values": {"gate": "G9"}}, "values.gate"),
        ({"template": "go_to_gate", "values": {"gate": "G1", "x": "1"}}, "values.x"),
        ({"template": "deal_withdrawn_all", "values": {"deal": "NONE"}}, "values.deal"),
        ({"template": "weather", "values": {"until": "2015-02-12T09:00"}}, "values.until"),
        ({}, "message"),
        ({"template": "help_desk", "message": {"zh": "一", "en": "one"}}, "message"),
        ({"message": {"zh": "一", "en": "one"}, "values": {"gate": "G1"}}, "values"),
        ({"message": {"zh": "一", "en": "one"}, "profiles": []}, "profiles"),
        ({"message": {"zh": "一", "en": "one"}, "loudspeaker": {"zh": "\x1b", "en": "x"}}, None),
    ],
)
def test_what_cannot_be_meant_is_refused_by_field(site, park, boss, body, field):
    answer = site.post("/broadcasts", boss, body)

    assert answer.status_code == 400
    assert slug_of(answer) == "invalid"
    assert answer.json()["errors"][0]["field"] == (field or "loudspeaker.zh")
    assert told(site, park.enrol()) == []


def test_own_words_may_bring_their_own_for_the_loudspeaker(site, boss):
    text, loud = {"zh": "一", "en": "one"}, {"zh": "各位游客", "en": "Attention"}

    answer = site.post("/broadcasts", boss, {"message": text, "loudspeaker": loud}).json()

    assert answer["loudspeaker"] == loud


def test_a_venues_own_takes_the_place_of_a_packaged_one_at_once(site, park, boss):
    own = park.directory / "broadcasts.toml"
    own.write_text(
        '[help_desk]\nzh = "请到{desk}。"\nen = "To {desk}."\nloud_zh = "请到{desk}。"\n'
        'loud_en = "To {desk}."\npriority = "high"\n'
        '[lost]\nzh = "一"\nen = "one"\nloud_zh = "一"\nloud_en = "one"\n',
        "utf-8",
    )

    found = site.get("/broadcasts/templates", boss).json()["templates"]

    own_ones = {each["template"]: each["own"] for each in found}
    assert own_ones["help_desk"]
    assert own_ones["lost"]
    assert not own_ones["closing"]
    assert send(site, boss, "help_desk", {})["message"]["zh"] == "请到游客中心。"


@pytest.mark.parametrize("text", [b"[one", b"\xff\xfe", b'[one]\nzh = "x"\n'])
def test_a_mistake_in_the_venues_file_is_told_and_own_words_still_go_out(site, park, boss, text):
    (park.directory / "broadcasts.toml").write_bytes(text)

    answer = site.get("/broadcasts/templates", boss)

    assert answer.status_code == 400
    assert "broadcasts.toml" in answer.json()["errors"][0]["field"]
    plain = site.post("/broadcasts", boss, {"message": {"zh": "一", "en": "one"}})
    assert plain.status_code == 201


# --- whom it reaches -----------------------------------------------------------------------------


def test_kiosks_alone_are_told_what_is_for_kiosks(site, park, boss):
    lane, kiosk = park.enrol(), park.enrol("kiosk")

    sent = send(site, boss, profiles=["kiosk"])

    assert told(site, lane) == []
    assert [each["broadcast_id"] for each in told(site, kiosk)] == [sent["broadcast_id"]]
    assert sent["profiles"] == ["kiosk"]
    assert sent["unseen"] == 1


def test_board_names_the_profiles(site, park, boss):
    send(site, boss, profiles=["kiosk"])

    assert "自助机" in part_of(sit_down(site, park, language="zh").see(), "desk")


def test_gate_and_profile_hold_together(site, park, boss):
    here, there = park.enrol("kiosk", "G1"), park.enrol("kiosk", "G2")

    send(site, boss, profiles=["kiosk", "marshal"], gates=["G1"])

    assert len(told(site, here)) == 1
    assert told(site, there) == []


def test_who_has_not_seen_it_follows_who_is_there(site, park, boss):
    """Acknowledged, revoked, enrolled later: the list is of those it still waits for."""
    first, second, third = (park.enrol() for _ in range(3))
    park.enrol("kiosk")
    sent = send(site, boss, profiles=["gate"])["broadcast_id"]

    def missing():
        found = site.get(f"/broadcasts/{sent}", boss).json()
        assert found["unseen"] == len(found["not_seen_by"])
        return {each["device_id"] for each in found["not_seen_by"]}

    assert missing() == {first.name, second.name, third.name}
    site.post(f"/broadcasts/{sent}/seen", first)
    assert missing() == {second.name, third.name}
    park.revoke(second.name)
    assert missing() == {third.name}
    late = park.enrol()
    assert missing() == {third.name, late.name}
    site.post(f"/broadcasts/{sent}/seen", late)
    assert missing() == {third.name}
    found = site.get(f"/broadcasts/{sent}", boss).json()
    assert {each["device_id"] for each in found["seen_by"]} == {first.name, late.name}


def test_nonce_means_the_same_words_for_the_same_devices(site, boss):
    first = send(site, boss, nonce="nonce-of-anne-1")

    assert send(site, boss, nonce="nonce-of-anne-1")["broadcast_id"] == first["broadcast_id"]
    body = {"template": "go_to_gate", "values": {"gate": "G2"}, "nonce": "nonce-of-anne-1"}
    other = site.post("/broadcasts", boss, body | {"profiles": ["kiosk"]})
    assert slug_of(other) == "nonce-reused"
