"""The case that `decide` judges: all that one verdict depends on, gathered by the caller."""

from __future__ import annotations

from dataclasses import dataclass

from admission.attested import Claim
from admission.calendar import Venue
from admission.codes import CodeForm, TokenState
from admission.deals import Deal, Hold
from admission.history import History, Record
from admission.refusal_slips import Proof
from admission.scans import Gate, Scan
from admission.voids import Void
from admission.vouchers import Voucher


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verdict depends on beside the vouchers; stored with it, so that it can be replayed.

    Attributes:
        inside: people inside the venue now.
        limit: most people inside at once; None: no limit is set.
        stale: an enabled feed, the replica or its key list is older than `stale_after_s`.
        key_list_stale: the list of token keys is older than that (never so on the server).
        arrivals: new ones at this device within the minute before; 0 where this is no new one.
        most_arrivals: so many are not odd; 0: nobody looks.
    """

    emergency: bool = False
    inside: int = 0
    limit: int | None = None
    stale: bool = False
    key_list_stale: bool = False
    arrivals: int = 0
    most_arrivals: int = 0


@dataclass(frozen=True, slots=True)
class Family:
    """What a voucher and the tickets that it was exchanged for have in common.

    Attributes:
        sold: the voucher as its platform sold it.
        parent: history of that voucher alone; who arrived on it arrived for its tickets.
        together: history of it and all its tickets, by what it admits in all; `records` folded.
    """

    sold: Voucher
    parent: History
    together: History
    records: tuple[Record, ...] = ()


@dataclass(slots=True)
class Found:
    """A voucher that the code finds, with all that stands around it.

    Not frozen only because the hot path makes one a scan; never changed.

    Attributes:
        void: the newest version of the deal's void if it is in force.
        family: where it was exchanged for tickets, or is one of them.
        honoured_people: persons honoured so far on the whole deal.
    """

    voucher: Voucher
    deal: Deal
    history: History
    void: Void | None = None
    hold: Hold | None = None
    buyer_blocked: bool = False
    family: Family | None = None
    honoured_people: int = 0

    @property
    def sold(self) -> Voucher:
        """The voucher as its platform sold it: of a ticket, the one that it was exchanged from."""
        return self.voucher if self.family is None else self.family.sold


@dataclass(slots=True)
class Case:
    """One scan and everything that its verdict depends on, except the time.

    Attributes:
        provisional: what a good token that the replica does not hold says of itself; offline only.
        proof: what is shown is the slip of a visitor who was refused.
        claim: an earlier arrival that staff attest; None: nobody says so.
    """

    venue: Venue
    gate: Gate
    scan: Scan
    found: tuple[Found, ...] = ()
    facts: Facts = Facts()
    form: CodeForm = CodeForm.OPAQUE
    token: TokenState = TokenState.NONE
    provisional: Found | None = None
    proof: Proof | None = None
    claim: Claim | None = None
