"""The page of conflicts: what does not fit, by kind, both scans side by side, and what to do."""

from __future__ import annotations

from collections import Counter
from typing import Final

from admission.reconcile import ConflictKind
from admission.verdicts import Reason
from gate_server.ledger.conflicts import list_conflicts
from gate_server.web.board.languages import Lazy, lazy_gettext
from gate_server.web.board.pages import LEADERS, READERS, Section, Shown, Visit, show

conflicts: Final = Section("conflicts")

MOST_SHOWN: Final = 100
KINDS: Final[dict[str, tuple[Lazy, Lazy]]] = {
    ConflictKind.DOUBLE_USE.value: (
        lazy_gettext("Used twice"),
        lazy_gettext("Usually a copied code. The same family twice: annul the first scan."),
    ),
    ConflictKind.USED_AFTER_VOID.value: (
        lazy_gettext("Let in after a void"),
        lazy_gettext("The scanner had not heard of the void. The settlement lists it as disputed."),
    ),
    ConflictKind.USED_AFTER_CANCEL.value: (
        lazy_gettext("Let in after a cancellation"),
        lazy_gettext("Tell the platform scan, gate and time; nothing at the gate was wrong."),
    ),
    ConflictKind.CANCELLED_AFTER_USE.value: (
        lazy_gettext("Cancelled after use"),
        lazy_gettext("The platform cancelled what was used: send it scan, gate and time."),
    ),
    ConflictKind.USED_AFTER_REFUND.value: (
        lazy_gettext("Let in after a refund"),
        lazy_gettext("Send the platform scan, gate and time: it takes the refund back."),
    ),
    ConflictKind.UNKNOWN_AT_UPLOAD.value: (
        lazy_gettext("Let in on a code that nobody knows"),
        lazy_gettext("It ends by itself once the platform sends the voucher."),
    ),
    ConflictKind.OVER_PARTY.value: (
        lazy_gettext("More people than the voucher had left"),
        lazy_gettext("Usually a mistyped number: ask who stood there."),
    ),
    ConflictKind.ANSWER_DIFFERS.value: (
        lazy_gettext("The lane showed another answer than the server's"),
        lazy_gettext("What was shown counts. Look whether somebody was let in."),
    ),
    ConflictKind.CLOCK_SKEW.value: (
        lazy_gettext("A scanner's clock was wrong"),
        lazy_gettext("Set its clock."),
    ),
    ConflictKind.DEVICE_CLONED.value: (
        lazy_gettext("Two scanners act as one"),
        lazy_gettext("Look at the device at once: revoke it and enrol it anew."),
    ),
    ConflictKind.ANNULLED_AFTER_MOVE.value: (
        lazy_gettext("Taken back although they were in"),
        lazy_gettext("Ask the lane who passed."),
    ),
    ConflictKind.COPIED_CODE.value: (
        lazy_gettext("One code at two gates"),
        lazy_gettext("Ask for the end of the phone that bought it."),
    ),
    ConflictKind.NOT_ATTESTED.value: (
        lazy_gettext("An earlier arrival that nothing bears out"),
        lazy_gettext("Ask the marshal who stood there."),
    ),
}
"""What each kind is called, and what to do about it."""


@conflicts.page("/conflicts", who=READERS, title=lazy_gettext("Conflicts"))
def show_conflict_list(visit: Visit) -> Shown:
    """List what is open by kind, and below what has ended."""
    services, wanted = visit.services, visit.query.get("kind", "")
    found = services.ledger.read(list_conflicts)
    opened = [each for each in found if each.status == "open"]
    chosen = [each for each in opened if wanted in {"", each.kind}]
    catalogue, messages = services.ledger.catalogue, services.answers.messages
    return show(
        "conflicts.html",
        counts=Counter(each.kind for each in opened),
        kinds=KINDS,
        wanted=wanted,
        opened=chosen[:MOST_SHOWN],
        more=max(0, len(chosen) - MOST_SHOWN),
        ended=[each for each in found if each.status != "open"][:MOST_SHOWN],
        gates=catalogue.gates,
        devices=catalogue.devices,
        reason_name=lambda reason: messages.short(Reason(reason)),
        may=visit.may(LEADERS),
    )
