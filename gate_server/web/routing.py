"""Rules of the routing that are ready to be matched at once and to be written only when asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from werkzeug.routing import Rule


class MatchedRule(Rule):
    """A rule that prepares how its addresses are written at the first time that one is.

    Werkzeug compiles that for each rule as it is added. Most rules here are only ever matched, and
    it was half of the time that an application takes to be made. What a rule is matched by is
    compiled once a process: rules of one text share it, in one application and in the next.
    """

    def compile(self) -> None:
        """Take over what another rule of this text was compiled to, or compile it."""
        if self.defaults or self.map.host_matching:
            super().compile()
            return
        # Converters know the map that they were made for, but ours ask it nothing.
        kinds = tuple(self.map.converters.values())
        text = self.rule, self.subdomain, self.merge_slashes, kinds
        if text not in _compiled:
            super().compile()
            _compiled[text] = self._parts, self._trace, self._converters, self.arguments
        self._parts, self._trace, self._converters, self.arguments = _compiled[text]
        self._build = self._compile_builder(False).__get__(self, None)
        self._build_unknown = self._compile_builder(True).__get__(self, None)

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(Rule._compile_builder(rule, append_unknown))
            return compiled[0](rule, **values)

        return build


_compiled: Final[dict[tuple[object, ...], tuple[Any, ...]]] = {}
