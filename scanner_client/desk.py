"""Sign operators in and out here: by the server, or on the scanner's word, told later."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from admission import wire
from admission.calendar import Venue
from admission.codes import normalise
from admission.errors import AdmissionError, InvalidInput, RelayError
from admission.operators import badge_name, is_badge, read_badge
from admission.wire_people import ShiftsRequest, SignInRequest
from scanner_client.answers import Declined, NotAllowed, TooMany
from scanner_client.clock import SteadyClock
from scanner_client.contact import Contact
from scanner_client.duty import Duty, DutyFile, OnDuty
from scanner_client.legible import legible
from scanner_client.relay import Relay
from scanner_client.state import StateError

# A PIN costs the server a tenth of a second of a core, and two lanes may be before this one.
SIGN_IN_WITHIN_S = 3.0
HALF_READ = wire.Text(
    zh="工牌没有读全，请再刷一次，或输入工号。",
    en="The badge was not read whole: present it again, or type the number.",
)
NOT_RIGHT = wire.Text(
    zh="工牌无效，或工号与密码不符，请找主管。",
    en="The badge is not valid, or number and PIN do not match: ask a supervisor.",
)
LOCKED = wire.Text(
    zh="密码错误次数过多，请刷工牌，或 15 分钟后再试。",
    en="Too many wrong PINs: present a badge, or try again in 15 minutes.",
)
DECLINED = wire.Text(
    zh="检票服务器没有受理上岗，请找主管。",
    en="The gate server did not take this sign-in: ask a supervisor.",
)


class NotSignedIn(AdmissionError):
    """Nobody was signed in.

    Attributes:
        text: what to do.
    """

    def __init__(self, text: wire.Text) -> None:
        super().__init__(f"{text.zh} {text.en}")
        self.text = text


class Desk:
    """The sign-ins of one scanner. Safe for several threads and processes.

    Args:
        venue: gives the calendar, for nobody stands here when the venue day is over.
    """

    def __init__(
        self,
        file: DutyFile,
        relay: Relay,
        contact: Contact,
        clock: SteadyClock,
        *,
        venue: Callable[[], Venue],
    ) -> None:
        self._file = file
        self._relay = relay
        self._contact = contact
        self._clock = clock
        self._venue = venue

    def find_here(self) -> OnDuty | None:
        """Return who stands here now."""
        here = self._file.read().here
        if here is None or not self._venue().same_day(here.since, self._clock.now()):
            return None
        return here

    def operator(self) -> str | None:
        """Return the number that this scanner's records carry now."""
        here = self.find_here()
        return None if here is None else here.operator

    def present(self, code: str) -> wire.Text:
        """Sign in or out with a badge that was read; the next badge ends the shift before it.

        Raises:
            NotSignedIn: it is not valid, or cannot be read whole.
        """
        try:
            badge = read_badge(normalise(code))
        except InvalidInput as error:
            raise NotSignedIn(HALF_READ) from error
        here = self.find_here()
        if here is not None and self._file.read().badge == badge_name(badge):
            self.sign_out()
            return wire.Text(zh=f"已退出：{here.line}", en=f"Signed out: {here.line}")
        return _tell(self._sign_in(SignInRequest(badge=badge), badge_name(badge), badge))

    def sign_in(self, operator: str, pin: str) -> wire.Text:
        """Sign in by number and PIN; a number that turns out to be a badge is one.

        Raises:
            NotSignedIn: they do not belong together, or were tried too often.
        """
        if is_badge(normalise(operator)):
            return self.present(operator)
        return _tell(self._sign_in(SignInRequest(operator=operator, pin=pin), operator, None))

    def sign_out(self) -> OnDuty | None:
        """Note that nobody stands here any more; return who did."""
        here = self.find_here()
        if not self._contact.connectivity.offline:
            try:
                self.tell()
                self._relay.sign_out()
            except RelayError as error:
                self._note(error)
            else:
                self._file.change(lambda duty: Duty(None, duty.untold))
                return here
        now = self._clock.now()
        self._file.change(lambda duty: duty.left(now))
        return here

    def _sign_in(self, request: SignInRequest, called: str, badge: str | None) -> OnDuty:
        name = None if badge is None else badge_name(badge)
        if not self._contact.connectivity.offline:
            try:
                self.tell()
                signed = self._relay.sign_in(request, SIGN_IN_WITHIN_S)
            except TooMany as error:
                raise NotSignedIn(LOCKED) from error
            except RelayError as error:
                if isinstance(error, Declined):
                    self._note(error)
                    failed = error.slug == "sign-in-failed"
                    raise NotSignedIn(NOT_RIGHT if failed else DECLINED) from error
                self._note(error)
            else:
                here = OnDuty(signed.operator, signed.name, signed.since, told=True, verified=True)
                self._file.change(lambda duty: Duty(here, duty.untold, name))
                return here
        # A queue does not wait for our network: the server hears of it, marked as not verified.
        now = self._clock.now()
        here = OnDuty(called, "", now, told=False, verified=False)
        self._file.change(lambda duty: Duty(here, duty.left(now).untold, name))
        return here

    def _note(self, error: RelayError) -> None:
        """Hear what the end of a call says of the server; a no about people is not about us."""
        about_us = isinstance(error, NotAllowed) and error.slug.startswith("device-")
        if about_us or not isinstance(error, Declined):
            self._contact.failed(error)

    # --- beside the lane -------------------------------------------------------------------------

    def tell(self) -> None:
        """Tell the server who stood here while it was away; the same again is no harm.

        Raises RelayError: it does not answer; it is told another time.
        """
        shifts = self._file.read().to_tell
        if shifts:
            self._relay.tell_shifts(ShiftsRequest(shifts=list(shifts)))
            self._file.change(lambda duty: duty.heard(shifts))

    def hear(self, beat: wire.Heartbeat, asked_at: datetime) -> str:
        """Follow the server where it has ended the shift here; return a line for staff, or ""."""
        duty = self._file.read()
        here = duty.here
        if duty.to_tell:
            with suppress(RelayError, StateError):
                self.tell()
            return ""
        if here is None or beat.operator == here.operator or here.since >= asked_at:
            return ""
        if here.operator.startswith("badge-") and beat.operator is not None:
            named = OnDuty(beat.operator, "", here.since, told=True, verified=False)
            self._file.change(lambda duty: Duty(named, duty.untold, duty.badge))
            return ""
        self._file.change(lambda duty: Duty(None, duty.untold))
        return f"signed out by the gate server 已由服务器退出: {legible(here.line, 80)}"


def _tell(here: OnDuty) -> wire.Text:
    later = ("", "") if here.verified else ("（离线，稍后核实）", " (offline, to be verified)")
    return wire.Text(zh=f"已上岗：{here.line}{later[0]}", en=f"Signed in: {here.line}{later[1]}")
