"""What was found about objects, remembered by the very objects: passes and planner ask again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Remembered(Generic[Found]):
    """A number of answers; that which was found first goes first."""

    def __init__(self, most: int) -> None:
        """Remembers nothing yet, and ``most`` answers at most."""
        self._most = most
        self._found: OrderedDict[tuple[Hashable, ...], tuple[object, Found]] = OrderedDict()

    def of(self, objects: tuple[object, ...], about: Hashable, find: Callable[[], Found]) -> Found:
        """What ``find`` gives, which depends on nothing else.

        Args:
            objects: Compared by identity; they are held, that no others get their numbers.
            about: Compared by value.
            find: Called where it is not known yet.
        """
        key = (*map(id, objects), about)
        known = self._found.get(key)
        if known is None:
            known = self._found[key] = objects, find()
            if len(self._found) > self._most:
                self._found.popitem(last=False)
        return known[1]
