"""Tell a code that is held before the lens from one that is presented again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Debounce:
    """The codes scanned lately, in memory only.

    Attributes:
        away_s: seconds that a code has to be out of sight before it is a new scan.
    """

    away_s: float
    _seen: dict[str, float] = field(default_factory=dict, repr=False)

    def is_new(self, code: str, now_s: float, in_sight: Iterable[str] = ()) -> bool:
        """Note a sighting; tell whether it begins a new scan.

        Args:
            now_s: time of the sighting on any clock that does not run backwards, in seconds.
            in_sight: all codes that the frame shows. One beside the code that counts is not scanned
                by being seen, but as long as it is seen it has not been away.
        """
        self._forget(now_s)
        for seen in in_sight:
            if seen in self._seen:
                self._seen[seen] = now_s
        new = code not in self._seen
        self._seen[code] = now_s
        return new

    def _forget(self, now_s: float) -> None:
        for code in [c for c, seen_s in self._seen.items() if now_s - seen_s > self.away_s]:
            del self._seen[code]
