"""From where on what was sold is odd, and what a venue does about it: `[anomalies]`."""

from __future__ import annotations

from dataclasses import dataclass, fields

from admission.errors import InvalidInput
from admission.findings import HOLDABLE, FindingKind, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What a venue may set; every default stands in config/gate.toml, with what it means.

    Shares and times are of what they are compared with; `_people` and `_vouchers` are the least
    that is looked at.
    """

    policy_price_low: str
    policy_over_quota: str
    policy_rate_surge: str
    policy_buyer_hoard: str
    policy_day_over_capacity: str
    policy_guessable_codes: str
    policy_deal_changed: str
    policy_code_twice: str
    policy_bulk_arrivals: str
    rehold_factor: float
    price_vouchers: int
    price_face_share: float
    price_declared_share: float
    price_others_share: float
    price_others_vouchers: int
    price_admits_share: float
    quota_times: float
    quota_vouchers: int
    rate_people: int
    rate_own_times: float
    rate_own_hours: int
    rate_others_times: float
    hoard_people: int
    day_capacity: int
    day_longest: int
    code_space_times: int
    code_running_share: float
    code_vouchers: int
    changed_price_times: float
    changed_days: int
    arrivals_a_minute: int

    def __post_init__(self) -> None:
        for kind in FindingKind:
            name = f"policy_{kind.value}"
            allowed = [Policy.HOLD, Policy.WARN, Policy.OFF]
            if kind not in HOLDABLE:
                allowed.remove(Policy.HOLD)
            if getattr(self, name) not in allowed:
                raise InvalidInput(f"anomalies.{name}", f"give one of {', '.join(allowed)}")
        for each in fields(self):
            value = getattr(self, each.name)
            if not isinstance(value, str) and value < 0:
                raise InvalidInput(f"anomalies.{each.name}", "must not be negative")
        if self.rehold_factor <= 1:
            raise InvalidInput("anomalies.rehold_factor", "must be more than 1")

    @property
    def most_arrivals(self) -> int:
        """The new arrivals a minute at one device that are not odd; 0: nobody looks."""
        off = self.policy(FindingKind.BULK_ARRIVALS) is Policy.OFF
        return 0 if off else self.arrivals_a_minute

    def policy(self, kind: FindingKind) -> Policy:
        """Return what the venue does about a kind."""
        return Policy(getattr(self, f"policy_{kind.value}"))
