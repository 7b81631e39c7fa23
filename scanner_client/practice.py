"""Practice: staff learn the verdicts at a lane; nothing of it is recorded, nobody is let in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from admission import wire
from admission.codes import normalise
from admission.operators import is_badge
from admission.practice import GATES, find_practice, practice_verdict
from admission.verdicts import Outcome, Reason
from scanner_client.checkin import CheckIn, Shown, new_nonce
from scanner_client.clock import SteadyClock
from scanner_client.offline_answers import Answers, Decision
from scanner_client.replica import Replica

MINUTE_S = 60.0
BADGE_LATER = wire.Text(
    zh="练习中不能上岗，请先结束练习。",
    en="Nobody signs in during practice: end it first.",
)


class Practice:
    """Answers codes for learning, until its time is over. Safe for several threads.

    Args:
        look: a use case in mode `check`, which records nothing, for real codes.
        minutes: how long it lasts.
        report: says a line to staff.
    """

    def __init__(
        self,
        look: CheckIn,
        replica: Replica,
        clock: SteadyClock,
        *,
        minutes: float,
        report: Callable[[str], None],
    ) -> None:
        self._look = look
        self._replica = replica
        self._clock = clock
        self._answers = Answers()
        self._until_s = time.monotonic() + minutes * MINUTE_S
        self._report = report
        self._told = False
        report(
            f"PRACTICE 练习 for {minutes:g} minutes: nobody is let in, nothing is recorded"
            " 不放行、不记录"
        )

    @property
    def on(self) -> bool:
        """Whether it lasts still; its end is said once."""
        if time.monotonic() < self._until_s:
            return True
        if not self._told:
            self._told = True
            self._report("PRACTICE is over, this lane is live 练习结束，本通道开始正式验票")
        return False

    def check_in(self, code: str) -> Shown:
        """Return what staff would see of a code, marked on all that they see."""
        text = normalise(code)
        reason = find_practice(text)
        if reason is not None:
            return marked(self._made_up(reason))
        if is_badge(text):
            nonce = new_nonce(self._clock.wall())
            return marked(Shown(nonce, Outcome.WAIT, BADGE_LATER, staff=True))
        return marked(self._look.check_in(code))

    def _made_up(self, reason: Reason) -> Shown:
        now, few = self._clock.now(), self._replica.standing
        decision = Decision(
            verdict=practice_verdict(reason, now),
            nonce=new_nonce(self._clock.wall()),
            decided_at=now,
            epoch=few.epoch,
            revision=few.revision,
            area="practice",
        )
        answer = self._answers.write(decision, few.venue, GATES)
        return Shown(answer.nonce, answer.outcome, answer.message, answer)


def marked(shown: Shown) -> Shown:
    """Return what is shown with the mark of practice, in its sentences too."""
    message = wire.Text(zh=f"【练习】{shown.message.zh}", en=f"PRACTICE: {shown.message.en}")
    return replace(shown, practice=True, message=message)
