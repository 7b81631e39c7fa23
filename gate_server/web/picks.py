"""Make and read the handle of a voucher that staff picked from a list; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from admission import base64url
from admission.calendar import from_ms, to_ms
from gate_server.keyring import Keyring

USABLE_FOR = timedelta(minutes=2)

_ANY_DEVICE = b"\x01"
_ONE_DEVICE = b"\x02"
_VOUCHER_BYTES = 8
_EXPIRY_BYTES = 6
_BODY_BYTES = 1 + _VOUCHER_BYTES + _EXPIRY_BYTES


@dataclass(frozen=True, slots=True)
class Pick:
    """What a handle says. Either `voucher_id` is set, or `problem` says why it is no good."""

    voucher_id: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Picks:
    """Handles under the venue's own key; they hold for one life of the ledger.

    Attributes:
        epoch: the ledger's; its voucher numbers mean something else in another.
    """

    keys: Keyring
    epoch: str

    def write(self, voucher_id: int, *, device_id: str | None, now: datetime) -> str:
        """Make a handle.

        Args:
            device_id: the only device that may scan it; None: any, for a list that a user got.
        """
        body = (
            (_ANY_DEVICE if device_id is None else _ONE_DEVICE)
            + voucher_id.to_bytes(_VOUCHER_BYTES, "big")
            + to_ms(now + USABLE_FOR).to_bytes(_EXPIRY_BYTES, "big")
        )
        mark = self.keys.sign_pick(self._signed(body, device_id or ""), now=now)
        return base64url.write(body + mark)

    def read(self, text: str, *, device_id: str, now: datetime) -> Pick:
        """Read a handle that a device sent; never raises."""
        try:
            data = base64url.read(text)
        except ValueError:
            return Pick(problem="is not a handle of this server; look the voucher up again")
        body, mark = data[:_BODY_BYTES], data[_BODY_BYTES:]
        bound_to = device_id if body[:1] == _ONE_DEVICE else ""
        if not self.keys.verify_pick(self._signed(body, bound_to), mark):
            return Pick(problem="is not a handle for this device; look the voucher up again")
        expires_at = from_ms(int.from_bytes(body[1 + _VOUCHER_BYTES :], "big"))
        if now > expires_at:
            return Pick(problem="is older than 2 minutes; look the voucher up again")
        return Pick(int.from_bytes(body[1 : 1 + _VOUCHER_BYTES], "big"))

    def _signed(self, body: bytes, device_id: str) -> bytes:
        return b"\x00".join((body, device_id.encode(), self.epoch.encode()))
