"""The use case of blocks: list, add, lift, appeal, propose, decide; for calls and commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from admission.blocks import BlockOrigin, BlockState, state_of
from admission.broadcasts import checked_text
from admission.calendar import Venue
from admission.errors import Fault, InvalidInput, NotFound
from admission.finding_words import FindingWords
from admission.keys import buyer_hash
from admission.wire_base import Text
from admission.wire_buyers import (
    AcceptRequest,
    AppealAnswer,
    BlockAnswer,
    BlockRequest,
    BlocksAnswer,
    BuyerFacts,
)
from gate_server.keyring import Keyring
from gate_server.ledger import actions, appeals, block_proposals
from gate_server.ledger.appeals import Appeal
from gate_server.ledger.block_proposals import Decided, Declined, Proposal
from gate_server.ledger.blocks import Block, Bought, list_blocks, read_bought
from gate_server.ledger.findings import WATCH
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.session import Session
from gate_server.settings import Settings, read_finding_words

MOST_PROPOSED: Final = 200
APPEALED: Final = "appealed"
"""Not a state: blocks whose appeal waits for an answer, whatever their state."""
STATES: Final = (*(each.value for each in BlockState), APPEALED)


class BlockDesk:
    """Where blocks are handled."""

    def __init__(self, ledger: Ledger, keys: Keyring, settings: Settings) -> None:
        self._ledger, self._keys = ledger, keys
        self._factor = settings.anomalies.rehold_factor

    # --- reading ---------------------------------------------------------------------------------

    def page(self, state: str | None) -> BlocksAnswer:
        """Return blocks, the newest first; or proposals, or what was declined.

        Args:
            state: one of STATES; None: every block that there is or was.

        Raises:
            InvalidInput: there is no such state.
        """
        if state is not None and state not in STATES:
            raise InvalidInput("state", f"is one of {', '.join(STATES)}", Fault.CHOICE)
        if state == BlockState.PROPOSED:
            return BlocksAnswer(blocks=self._proposals())
        if state == BlockState.DECLINED:
            return BlocksAnswer(blocks=self._declined())
        found = self._blocks(lambda _block: True)
        return BlocksAnswer(blocks=[each for each in found if _is_in(each, state)])

    def show(self, block_id: str) -> BlockAnswer:
        """Return a block, or what is proposed or was declined under a number.

        Raises:
            NotFound: there is none.
        """
        number = read_number(block_id)
        for answers in (
            self._blocks(lambda block: block.block_id == number),
            [each for each in self._proposals() if each.block_id == str(number)],
            [each for each in self._declined() if each.block_id == str(number)],
        ):
            if answers:
                return answers[0]
        raise NotFound(f"no block {block_id[:20]}")

    def _blocks(self, wanted: Callable[[Block], bool]) -> list[BlockAnswer]:
        found, now = [each for each in list_blocks(self._ledger) if wanted(each)], self._now()
        bought = read_bought(self._ledger, {each.buyer_no for each in found})
        return [self._block(each, bought.get(each.buyer_no), now) for each in found]

    def _block(self, block: Block, bought: Bought | None, now: datetime) -> BlockAnswer:
        return BlockAnswer(
            block_id=str(block.block_id),
            state=state_of(block.expires_at, block.lifted_at, now),
            origin=block.origin,
            origin_id=block.origin_id,
            platform=block.platform,
            reason=block.reason,
            created_at=block.created_at,
            created_by=block.created_by,
            expires_at=block.expires_at,
            lifted_at=block.lifted_at,
            lifted_by=block.lifted_by,
            lift_reason=block.lift_reason,
            vouchers=0 if bought is None else bought.vouchers,
            facts=self._facts(bought),
            appeals=[_appeal(each) for each in block.appeals],
        )

    def _proposals(self) -> list[BlockAnswer]:
        factor, now = self._factor, self._now()
        found = self._ledger.read(
            lambda db: block_proposals.list_proposals(db, factor=factor, now=now)
        )[:MOST_PROPOSED]
        bought = read_bought(self._ledger, {each.buyer_no for each in found})
        return [self._proposal(each, bought.get(each.buyer_no)) for each in found]

    def _proposal(self, proposal: Proposal, bought: Bought | None) -> BlockAnswer:
        first, words = proposal.findings[0], _words(self._ledger.venue)
        deal_no = first.deal_no
        deal = None if deal_no is None else self._ledger.catalogue.deals[deal_no]
        said = words.sentence(first.finding, deal)
        return self._undecided(
            proposal.proposal_id,
            BlockState.PROPOSED,
            (proposal.platform, f"{said.zh} {said.en}", first.found_at, WATCH),
            bought,
            say=Text(zh=said.zh, en=said.en),
        )

    def _declined(self) -> list[BlockAnswer]:
        found = self._ledger.read(block_proposals.list_declined)
        bought = read_bought(self._ledger, {each.buyer_no for each in found})
        return [self._one_declined(each, bought.get(each.buyer_no)) for each in found]

    def _one_declined(self, declined: Declined, bought: Bought | None) -> BlockAnswer:
        told = declined.platform, declined.reason, declined.decided_at, declined.decided_by
        return self._undecided(declined.proposal_id, BlockState.DECLINED, told, bought)

    def _undecided(
        self,
        number: int,
        state: BlockState,
        told: tuple[str, str, datetime, str],
        bought: Bought | None,
        *,
        say: Text | None = None,
    ) -> BlockAnswer:
        platform, reason, at, by = told
        return BlockAnswer(
            block_id=str(number),
            state=state,
            origin=BlockOrigin.FINDING,
            origin_id=str(number),
            platform=platform,
            reason=reason,
            created_at=at,
            created_by=by,
            expires_at=None,
            lifted_at=None,
            lifted_by=None,
            lift_reason=None,
            vouchers=0 if bought is None else bought.vouchers,
            facts=self._facts(bought),
            appeals=[],
            say=say,
        )

    def _facts(self, bought: Bought | None) -> BuyerFacts | None:
        if bought is None:
            return None
        deals = self._ledger.catalogue.deals
        return BuyerFacts(
            vouchers=bought.vouchers,
            people=bought.people,
            deals=sorted(deals[number].deal_id for number in bought.deals),
            first_sold_at=bought.first_sold_at,
            last_sold_at=bought.last_sold_at,
            scanned=bought.scanned,
        )

    # --- deciding --------------------------------------------------------------------------------

    def add(self, request: BlockRequest, *, by: str) -> BlockAnswer:
        """Have a buyer's vouchers referred to a supervisor, those too that come later.

        Raises:
            InvalidInput: it would have ended already, or a text cannot be shown.
        """
        reason, now = checked_text("reason", request.reason), self._now()
        buyer = buyer_hash(request.platform, request.buyer_ref, self._keys.buyer_key())
        block_id = self._change(
            lambda tx: actions.block_buyer(
                tx,
                request.platform,
                buyer,
                reason=reason,
                expires_at=request.expires_at,
                by=by,
                now=now,
                origin=BlockOrigin(request.origin),
                origin_id=request.origin_id,
            )
        )
        return self.show(str(block_id))

    def lift(self, block_id: str, reason: str, *, by: str) -> BlockAnswer:
        """End a block, and the appeals against it.

        Raises:
            NotFound, LedgerConflict: `lifted-already`.
        """
        number, told, now = read_number(block_id), checked_text("reason", reason), self._now()
        self._change(lambda tx: actions.lift_block(tx, number, reason=told, by=by, now=now))
        return self.show(block_id)

    def appeal(self, block_id: str, note: str, *, by: str) -> BlockAnswer:
        """Note what a blocked buyer says; it waits for a supervisor's decision.

        Raises:
            NotFound, LedgerConflict: `lifted-already`.
        """
        number, told, now = read_number(block_id), checked_text("note", note), self._now()
        self._change(lambda tx: appeals.appeal_block(tx, number, note=told, by=by, now=now))
        return self.show(block_id)

    def uphold(self, block_id: str, reason: str, *, by: str) -> BlockAnswer:
        """Decide that a block stands in spite of what was said to it.

        Raises:
            NotFound, LedgerConflict: `lifted-already`, `not-appealed`.
        """
        number, told, now = read_number(block_id), checked_text("reason", reason), self._now()
        self._change(lambda tx: appeals.uphold_block(tx, number, reason=told, by=by, now=now))
        return self.show(block_id)

    def accept(self, proposal_id: str, request: AcceptRequest, *, by: str) -> BlockAnswer:
        """Block an account that was proposed.

        Raises:
            NotFound, LedgerConflict: `decided-already`; InvalidInput: it would have ended already.
        """
        number, factor = read_number(proposal_id), self._factor
        decided = Decided(checked_text("reason", request.reason), by, self._now())
        block_id = self._change(
            lambda tx: block_proposals.accept_proposal(
                tx, number, decided, factor=factor, expires_at=request.expires_at
            )
        )
        return self.show(str(block_id))

    def decline(self, proposal_id: str, reason: str, *, by: str) -> BlockAnswer:
        """Decide that an account is not blocked.

        Raises:
            NotFound, LedgerConflict: `decided-already`.
        """
        number, factor = read_number(proposal_id), self._factor
        decided = Decided(checked_text("reason", reason), by, self._now())
        declined = self._change(
            lambda tx: block_proposals.decline_proposal(tx, number, decided, factor=factor)
        )
        return next(each for each in self._declined() if each.block_id == str(declined))

    def _change(self, work: Callable[[Session], Any]) -> Any:
        return self._ledger.write(work, alone=True, urgent=True)

    def _now(self) -> datetime:
        return self._ledger.clock()


def read_number(text: str) -> int:
    """Read a block's number as a path or a command has it.

    Raises:
        NotFound: it is none.
    """
    # 18 digits fit SQLite's integers.
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise NotFound(f"no block {text[:20]}")
    return int(text)


def _is_in(block: BlockAnswer, state: str | None) -> bool:
    if state == APPEALED:
        return _waits(block.appeals)
    return state in (None, block.state)


def _waits(appeals: Iterable[AppealAnswer]) -> bool:
    return any(each.outcome is None for each in appeals)


def _appeal(appeal: Appeal) -> AppealAnswer:
    return AppealAnswer(
        made_at=appeal.made_at,
        made_by=appeal.made_by,
        note=appeal.note,
        outcome=appeal.outcome,
        ended_at=appeal.ended_at,
        ended_by=appeal.ended_by,
        answer=appeal.answer,
    )


@lru_cache(maxsize=4)
def _words(venue: Venue) -> FindingWords:
    return read_finding_words(venue)
