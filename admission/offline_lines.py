"""What a line of a batch may say: anything that a scanner of ours can have shown, nothing else."""

from __future__ import annotations

from admission.errors import InvalidInput, LedgerConflict
from admission.history import Record
from admission.scans import MODES, Mode, Profile
from admission.verdicts import OUTCOMES, Outcome
from admission.wire_outage import OfflineScan

_NOBODY_PASSES = frozenset({Mode.ARRIVE, Mode.EXCHANGE})
_LEAVES_NO_RECORD = frozenset({Mode.CHECK, Mode.EXCHANGE})


def check_offline_scan(line: OfflineScan, profile: Profile) -> None:
    """Refuse what no scanner of a profile can have shown. No rule of admission is applied again.

    Raises:
        InvalidInput: names the field.
    """
    shown = line.verdict
    if OUTCOMES[shown.reason] is not shown.outcome:
        raise InvalidInput("verdict.outcome", f"is not that of {shown.reason}")
    # An exchange is the server's own; a scanner only tells a restored one that it was there.
    recorded = line.mode is Mode.EXCHANGE and line.online
    if line.mode not in MODES[profile] or (line.mode in _LEAVES_NO_RECORD and not recorded):
        raise InvalidInput("mode", f"{line.mode} leaves no record of a {profile} device")
    if shown.admitted and (shown.outcome is not Outcome.ADMIT or line.mode in _NOBODY_PASSES):
        raise InvalidInput("verdict.admitted", "nobody passes by such a verdict")
    # Neither: what is no code, a payment code, or a voucher picked from the server's own list.
    if line.code is not None and line.code_key is not None:
        raise InvalidInput("code", "send either code or code_key")


def check_known(line: OfflineScan, record: Record) -> None:
    """Refuse a line under the nonce of a scan that was another one.

    Raises:
        LedgerConflict: `nonce-reused`.
    """
    if (line.mode, line.direction) != (record.mode, record.direction):
        raise LedgerConflict("nonce-reused", "this nonce belongs to another scan of this device")


def check_count(profile: Profile) -> None:
    """Refuse a count of a device that counts nobody.

    Raises:
        InvalidInput: names the field.
    """
    if profile is not Profile.GATE:
        raise InvalidInput("kind", f"a device of profile {profile} counts nobody")


def check_stamp(profile: Profile) -> None:
    """Refuse a stamp of a device that registers no arrivals.

    Raises:
        InvalidInput: names the field.
    """
    if Mode.ARRIVE not in MODES[profile]:
        raise InvalidInput("stamp", f"a device of profile {profile} registers no arrivals")
