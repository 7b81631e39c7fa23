"""Typed at the lane's terminal: `help` and a 1 call for help; no scan waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from admission.errors import AdmissionError
from scanner_client.capture import Typed
from scanner_client.screen_pictures import Both

WORDS: Final = frozenset({"help", "sos", "求助"})
YES: Final = "1"
CONFIRM_WITHIN_S: Final = 10.0


class HelpKeys:
    """Takes two texts of those that are typed; everything else goes on. Safe for several threads.

    Args:
        call: calls for help and says how that stands; it may take seconds.
        say: shows a line to staff.
    """

    def __init__(self, call: Callable[[], Both], say: Callable[[str], object]) -> None:
        self._call, self._say = call, say
        self._lock = threading.Lock()
        self._asked_s = float("-inf")

    def take(self, typed: Typed) -> bool:
        """Take a text if it calls for help or confirms that, and tell whether it did."""
        text = typed.text.strip().casefold()
        with self._lock:
            waits = typed.seen_s - self._asked_s < CONFIRM_WITHIN_S
            self._asked_s = typed.seen_s if text in WORDS else float("-inf")
        if text in WORDS:
            self._say("呼叫现场支援？输入 1 确认  Call for help? Type 1 to confirm")
            return True
        if not (waits and text == YES):
            return False
        threading.Thread(target=self.confirm, daemon=True, name="help call").start()
        return True

    def confirm(self) -> None:
        """Call, and say what came of it."""
        try:
            line = self._call()
        except AdmissionError as error:
            self._say(f"求助未能发送，请用电话或对讲机  not sent, use the phone: {error}")
            return
        self._say(f"{line.zh}  {line.en}")
