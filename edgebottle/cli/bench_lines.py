"""What each board of a bench does, a line a board, on standard error."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edgebottle.cli.voice import Volume, note, volume

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    from edgebottle.bench.running import BenchView
    from hil.bench.results import JobResult


@contextmanager
def board_lines(*, quiet: bool) -> Iterator[BenchView]:
    """On a terminal a line a board that changes; in a pipe a line for each job that is done.

    Args:
        quiet: Say nothing, as --quiet does.
    """
    if quiet or volume() is Volume.QUIET:
        yield _SilentView()
    elif sys.stderr.isatty() and volume() is not Volume.VERBOSE:
        from rich.live import Live

        from edgebottle.report.terminal import console

        screen = console(sys.stderr)
        view = _LiveView(screen)
        with Live(console=screen, get_renderable=view.table, transient=True) as live:
            view.live = live
            yield view
    else:
        yield _SpokenView(volume() is Volume.VERBOSE)


@contextmanager
def state_lines(*, as_json: bool) -> Iterator[Callable[[str, str], None]]:
    """Shows how boards are: yields what is told of each, again and again.

    On a terminal a line a board, else a line on standard output for each that has changed.
    """
    known: dict[str, str] = {}
    if as_json or not sys.stdout.isatty():

        def say(name: str, state: str) -> None:
            if known.get(name) != state:
                known[name] = state
                line = (
                    json.dumps({"board": name, "state": state}) if as_json else f"{name}: {state}"
                )
                print(line, flush=True)

        yield say
        return
    from rich.live import Live

    from edgebottle.report.terminal import console

    with Live(console=console(sys.stdout), refresh_per_second=2) as live:

        def draw(name: str, state: str) -> None:
            known[name] = state
            live.update(_state_table(known))

        yield draw


def _state_table(states: dict[str, str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for name, state in states.items():
        table.add_row(Text(name), Text(state))
    return table


class _SilentView:
    """Says nothing."""

    def doing(self, name: str, words: str) -> None:
        """See ``BenchView``."""

    def done(self, result: JobResult, left: int) -> None:
        """See ``BenchView``."""


class _SpokenView:
    """A line for each job that is done; with --verbose for each step as well."""

    def __init__(self, is_verbose: bool) -> None:
        self._is_verbose = is_verbose

    def doing(self, name: str, words: str) -> None:
        """See ``BenchView``."""
        if self._is_verbose:
            note(f"{name}: {words}")

    def done(self, result: JobResult, left: int) -> None:
        """See ``BenchView``."""
        note(f"{_line(result)} ({left} left)")


class _LiveView:
    """A line a board, drawn again a few times a second."""

    live: Live

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._turn = threading.Lock()
        self._doing: dict[str, str] = {}
        self._done: dict[str, int] = {}
        self._left = 0

    def doing(self, name: str, words: str) -> None:
        """See ``BenchView``."""
        with self._turn:
            self._doing[name] = words

    def done(self, result: JobResult, left: int) -> None:
        """See ``BenchView``."""
        from rich.text import Text

        with self._turn:
            self._done[result.entry] = self._done.get(result.entry, 0) + 1
            self._left = left
        if result.outcome != "passed":
            self._screen.print(Text(_line(result)), soft_wrap=True)

    def table(self) -> Table:
        """The lines of now."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False)
        for _ in range(2):
            table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        with self._turn:
            for name, words in self._doing.items():
                table.add_row(Text(name), Text(f"{self._done.get(name, 0)} done"), Text(words))
            table.add_row("", Text(f"{self._left} left"), "")
        return table


def _line(result: JobResult) -> str:
    from edgebottle.report.bench import cause_words, milliseconds_of

    words = cause_words(result) or f"{result.outcome}, milliseconds: {milliseconds_of(result)}"
    return f"{result.entry or result.board}: {result.title}: {words}"
