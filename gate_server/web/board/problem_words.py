"""Say in the reader's language why the ledger would not do something that people ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gate_server.web.board.languages import Lazy, lazy_gettext

CONFLICTS: Final[Mapping[str, Lazy]] = {
    "annulled": lazy_gettext("All people of this scan were taken back."),
    "closed-already": lazy_gettext("This was closed already."),
    "closure-restored": lazy_gettext("This closure has ended already."),
    "deal-voided": lazy_gettext("The deal is voided: restore it first."),
    "decided-already": lazy_gettext("Somebody has decided about this already."),
    "ended-already": lazy_gettext("This has ended already."),
    "finding-held": lazy_gettext("The deal is on hold for this: release or void it."),
    "incident-closed": lazy_gettext("This incident is closed."),
    "lifted-already": lazy_gettext("This block was lifted already."),
    "month-closed": lazy_gettext("This month is closed already."),
    "month-open": lazy_gettext("This month has not ended yet."),
    "months-in-order": lazy_gettext("A later month is closed already."),
    "not-appealed": lazy_gettext("No appeal waits for an answer."),
    "not-balanced": lazy_gettext("The rows contradict each other: run gate-server doctor."),
    "not-held": lazy_gettext("The deal is not on hold."),
    "not-voided": lazy_gettext("The deal is not voided."),
    "nothing-new": lazy_gettext("All that is due stands on a list already."),
    "resolved-already": lazy_gettext("Somebody has resolved this already."),
    "statement-closed": lazy_gettext("This statement is closed already."),
    "statement-differs": lazy_gettext("This is not what was read: load the page anew."),
    "statement-old": lazy_gettext("A newer statement stands: sign that one."),
}
"""By the problem's slug; of others the detail is told, in English."""
