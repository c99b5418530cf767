"""An event loop whose time passes only while nothing happens: a minute of waiting takes none.

Sockets are real: what was written to one on this computer can be read from the other at once. The
loop looks for that first; only where there is nothing does it set its clock forward to what is due.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")

SETTLE_SECONDS = 0.002
"""Real ones, in which what is on its way between two sockets arrives."""


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        found = super().select(SETTLE_SECONDS)
        if not found and timeout is not None:
            self.passed += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its ``time`` begins at 0."""

    def __init__(self) -> None:
        self._own = _Selector()
        super().__init__(self._own)

    def time(self) -> float:
        return self._own.passed


def run_virtually(work: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Runs it to its end."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(work(loop))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()


class TimedExecutor(Executor):
    """Does the work where it is handed over, and has the result once its virtual time is over."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: dict[str, float]) -> None:
        """``seconds`` of functions by their names; others take no time."""
        self._loop, self._seconds = loop, seconds

    def submit(self, function: Callable[..., T], /, *words: Any, **named: Any) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*words, **named))
                except Exception as error:
                    future.set_exception(error)

        self._loop.call_later(self._seconds.get(function.__name__, 0.0), work)
        return future
