"""Decide an old scan again from what the ledger had before it, and say whether it agrees."""

from __future__ import annotations

from admission.calendar import from_ms
from admission.replay import Answered, Replay, replay
from admission.verdicts import OUTCOMES
from admission.wire_evidence import LaterChange, ReplayAnswer, ReplayDoubt, ReplayedVerdict
from gate_server.evidence_words import EvidenceWords
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.old_scans import changes_since, get_old_scan, uploaded_later
from gate_server.ledger.past import rebuild_past


def replay_recorded(ledger: Ledger, scan_id: int) -> Replay:
    """Decide a recorded scan again.

    Raises:
        NotFound: there is no such scan.
    """
    venue = ledger.venue
    return ledger.read(lambda db: replay(rebuild_past(db, venue, get_old_scan(db, scan_id))))


def replay_scan(ledger: Ledger, scan_id: int, words: EvidenceWords) -> ReplayAnswer:
    """Decide a recorded scan again, and tell what became of it since.

    Raises:
        NotFound: there is no such scan.
    """
    again = replay_recorded(ledger, scan_id)
    scan = ledger.read(lambda db: get_old_scan(db, scan_id))
    since = ledger.read(lambda db: changes_since(db, scan_id))
    return ReplayAnswer(
        scan_id=str(scan_id),
        device_id=scan.device_id,
        gate_id=scan.gate_id,
        decided_at=from_ms(scan.received_at),
        rules_version=scan.rules_version,
        agreement=again.agreement,
        message=words.text(again.agreement),
        answered=_verdict(again.answered),
        again=_verdict(again.again),
        doubts=[ReplayDoubt(doubt=each, message=words.text(each)) for each in again.doubts],
        changed_since=[
            LaterChange(revision=each.revision, kind=each.kind, at=each.at, people=each.people)
            for each in since
        ],
        uploaded_later=ledger.read(lambda db: uploaded_later(db, scan)),
    )


def _verdict(answered: Answered) -> ReplayedVerdict:
    return ReplayedVerdict(
        outcome=OUTCOMES[answered.reason],
        reason=answered.reason,
        admitted=answered.people,
        remaining=answered.remaining,
        void_version=answered.void_version,
        tickets=answered.tickets,
        arrived_at=answered.arrived_at,
    )
