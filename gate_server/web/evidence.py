"""Evidence over HTTP: old scans decided again, signed heads, who overrode and annulled."""

from __future__ import annotations

from admission.errors import NotFound
from admission.wire_evidence import ConductAnswer, HeadsAnswer, ReplayAnswer
from gate_server.conduct import make_conduct, read_day
from gate_server.evidence_words import read_evidence_words
from gate_server.heads import list_heads
from gate_server.replay import replay_scan
from gate_server.web.callers import ADMINS, PARTNERS, SUPERVISORS
from gate_server.web.operations import MOST_WHOLE, Call, Noun, text, whole

evidence = Noun("evidence")


@evidence.operation("GET", "/scans/<scan_id>/replay", who=SUPERVISORS, answer=ReplayAnswer)
def show_replay(call: Call) -> ReplayAnswer:
    """Decide an old scan again on what was known then, and say whether the answer is the same."""
    number = call.args["scan_id"]
    if not (number.isascii() and number.isdecimal()) or int(number[:17]) > MOST_WHOLE:
        raise NotFound("a scan_id is the number that its answer had")
    return replay_scan(call.services.ledger, int(number), read_evidence_words())


@evidence.operation(
    "GET",
    "/audit/heads",
    who=SUPERVISORS | PARTNERS,
    answer=HeadsAnswer,
    query=(whole("since"),),
)
def show_heads(call: Call) -> HeadsAnswer:
    """List the signed heads of the audit chain after a revision, oldest first; keep them."""
    services = call.services
    return list_heads(services.ledger, services.keys, call.whole("since"))


@evidence.operation("GET", "/conduct", who=ADMINS, answer=ConductAnswer, query=(text("day"),))
def show_conduct(call: Call) -> ConductAnswer:
    """Tell who overrode, annulled and struck on a venue day, by hour, and which hours stand out."""
    day = read_day(call.query.get("day"))
    return make_conduct(call.services.ledger, day, read_evidence_words())
