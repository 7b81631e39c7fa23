"""A day at the gates with an incident about it: counters, stamps, a void, a hostile title."""

from __future__ import annotations

import random
from datetime import timedelta

from admission.incidents import IncidentKind
from gate_server.incidents import IncidentDesk
from gate_server.ledger.incidents import open_incident
from gate_server.ledger.lanes import LaneDelta
from gate_server.ledger.tallies import Delta
from tests.builders import at, new_incident
from tests.server import Park, an_app

HOSTILE = "东园<script>alert(1)</script>|*联票*=SUM(1)"
REASONS = {"honoured": "admit", "deal_voided": "refuse", "used_up": "refuse", "deal_held": "refer"}
STAMPS = 8
"""Of six vouchers; four of them are let in."""
NOTICE = {
    "zh": "平台已取消本活动，退款自动到账。",
    "en": "The platform cancelled this; refunds are automatic.",
}


def day(clock):
    return at(clock).replace(year=2099)


class IncidentDay:
    """A park with gates, a marshal, and one long incident.

    Attributes:
        incident_id: of the incident; it is open until `close`.
    """

    def __init__(self, directory, *, gates: int = 12, vouchers: int = 40, seed: int = 1):
        self.park = Park(directory)
        self.park.now = day("08:40")
        self.chance = random.Random(seed)
        for number in range(3, gates + 1):
            self.park.add_gate(f"G{number}", f"北门 {number} 号道 North {number}", "park")
        self.gates = list(self.park.ledger.catalogue.gates)
        self.park.offer("FLASH", title=HOSTILE)
        self.park.sell(*(f"FLASH-{n:06}" for n in range(vouchers)), deal_id="FLASH",
                       price_paid_minor="1", admits="2")  # fmt: skip
        self.boss, self.lane = self.park.hire(name="chen"), self.park.enrol()
        self.marshal = self.park.enrol("marshal")
        self.desk = IncidentDesk(self.park.ledger, self.park.settings)
        self._begin()

    def _begin(self):
        park = self.park
        deal = park.ledger.catalogue.deal("FLASH")
        park.now = day("09:05")
        incident = new_incident(
            kind=IncidentKind.CROWD,
            subject="crowd",
            title_zh=f"“{HOSTILE}”游客集中",
            title_en=f"Many come with {HOSTILE}",
            deal_no=deal.deal_no,
            platform="lvtu",
            figures=None,
            note="\x1b[2J看现场",
        )
        now = park.ledger.clock()
        self.incident_id = park.change(
            lambda tx: open_incident(tx, incident, by="finding", now=now)
        )
        self.desk.acknowledge(self.incident_id, by="chen")

    def run(self, until_minutes: int = 570):
        """Let a day of scans be counted, as the writer counts them."""
        park, deal_no = self.park, self.park.ledger.catalogue.deal_nos["FLASH"]
        start = day("09:00")
        deltas, lanes = [], []
        for minute in range(0, until_minutes, 5):
            ms = int((start + timedelta(minutes=minute)).timestamp() * 1000)
            crowd = max(0.1, 1 - abs(minute - 200) / 420)
            for place, gate_id in enumerate(self.gates):
                for reason, outcome in REASONS.items():
                    scans = self.chance.randrange(1 + int(30 * crowd / (1 + place % 4)))
                    entered = 2 * scans if outcome == "admit" else 0
                    deltas.append(
                        Delta(ms, gate_id, reason, scans=scans, entered=entered, people=entered,
                              persons=entered, deal_no=deal_no, outcome=outcome)
                    )  # fmt: skip
                    lanes.append(LaneDelta(ms, gate_id, self.lane.name, "", reason, scans=scans,
                                           entered=entered))  # fmt: skip

        def write(tx):
            for delta in deltas:
                tx.count(delta)
            for lane in lanes:
                tx.count_lane(lane)

        park.ledger.write(write)

    def handle(self):
        """Void the deal, let some in, broadcast, pause a gate, and end the incident."""
        terms = {
            "reason": "flash-sale limit failed",
            "honour": {"arrived_by": day("17:00").isoformat()},
            "cost_bearer": "platform",
            "notice": NOTICE,
        }
        with an_app(self.park) as (_, site):
            assert site.post("/deals/FLASH/void", self.boss, terms).status_code == 200
            self.park.now = day("09:20")
            for number in (0, 1, 2, 3, 0, 0, 38, 39):
                site.scan(self.marshal, f"FLASH-{number:06}", mode="arrive")
            self.park.now = day("10:00")
            for number in range(8):
                site.scan(self.lane, f"FLASH-{number:06}")
            message = {"zh": "北门较快，请前往北门。", "en": "The north gate is faster."}
            body = {"message": message, "incident_id": self.incident_id}
            sent = site.post("/broadcasts", self.boss, body).json()
            site.post(f"/broadcasts/{sent['broadcast_id']}/seen", self.lane)
            state = {"state": "paused", "reason": "turnstile jammed"}
            site.post("/gates/G2/state", self.boss, state)
            self.park.now = day("18:40")

    def close(self):
        self.desk.close(
            self.incident_id, "17:00 前到场者全部接待。All who came before 17:00 were received.",
            by="chen",
        )  # fmt: skip
