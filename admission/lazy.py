"""Work a property out once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - read as `property` is
    """A property that is worked out at its first use and kept with the object.

    functools.cached_property takes a lock for it until Python 3.12, 4 microseconds each time; a
    situation belongs to one thread, and every scan asks for some twenty of these.
    """

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    def __get__(self, owner: Any, _: object = None) -> T:
        if owner is None:
            return self  # type: ignore[return-value]
        value = owner.__dict__[self._name] = self._work(owner)
        return value
