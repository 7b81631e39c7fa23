"""All nouns of the API."""

from __future__ import annotations

from gate_server.web.alarms import alarms
from gate_server.web.attested import attested
from gate_server.web.audit_search import audit_search
from gate_server.web.batches import batches
from gate_server.web.blocks import blocks
from gate_server.web.broadcasts import broadcasts
from gate_server.web.closures import closures
from gate_server.web.conflicts import conflicts
from gate_server.web.counts import counts
from gate_server.web.crowd import crowd
from gate_server.web.deals import deals
from gate_server.web.devices import devices
from gate_server.web.events import events
from gate_server.web.evidence import evidence
from gate_server.web.feeds import feeds
from gate_server.web.figures import figures
from gate_server.web.findings import findings
from gate_server.web.gates import gates
from gate_server.web.handover import handover
from gate_server.web.incidents import incidents
from gate_server.web.lanes import lanes
from gate_server.web.months import months
from gate_server.web.openapi import openapi
from gate_server.web.operators import operators
from gate_server.web.refunds import refunds
from gate_server.web.refusals import refusals
from gate_server.web.replica import replica
from gate_server.web.scans import scans
from gate_server.web.settlement_lists import lists
from gate_server.web.settlements import settlements
from gate_server.web.statements import statements
from gate_server.web.stats import stats
from gate_server.web.tickets import tickets
from gate_server.web.turnstiles import turnstiles
from gate_server.web.vouchers import vouchers
from gate_server.web.why import why

NOUNS = (
    devices,
    scans,
    turnstiles,
    batches,
    conflicts,
    counts,
    crowd,
    deals,
    closures,
    settlements,
    lists,
    statements,
    months,
    blocks,
    findings,
    vouchers,
    tickets,
    refusals,
    attested,
    gates,
    lanes,
    broadcasts,
    why,
    incidents,
    alarms,
    feeds,
    refunds,
    operators,
    handover,
    evidence,
    audit_search,
    stats,
    figures,
    replica,
    events,
    openapi,
)
