"""What a venue may set about redemptions; every default stands in config/gate.toml."""

from __future__ import annotations

from dataclasses import dataclass

from admission.errors import InvalidInput
from admission.redemptions import Ladder


@dataclass(frozen=True, slots=True)
class RedemptionSettings:
    """The table `[redemptions]`.

    Attributes:
        every_s: how often the record is looked at for people to report.
        batch: the most deeds in one call to a platform.
        quick_s, slow_s: the first five waits after a try, and the others; after `tries` of them
            a human must look.
        late_after_s: age of a deed that waits from which the server is degraded.
    """

    every_s: float
    batch: int
    quick_s: float
    slow_s: float
    tries: int
    late_after_s: float

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= 1000:
            raise InvalidInput("redemptions.batch", "1 to 1000 deeds in one call")
        if self.every_s <= 0 or self.quick_s <= 0 or self.slow_s <= 0:
            raise InvalidInput("redemptions", "every_s, quick_s and slow_s are above 0 seconds")
        if self.tries < 1:
            raise InvalidInput("redemptions.tries", "at least 1")

    @property
    def ladder(self) -> Ladder:
        """How often and how far apart a deed is tried."""
        return Ladder(quick_s=self.quick_s, slow_s=self.slow_s, most=self.tries)
