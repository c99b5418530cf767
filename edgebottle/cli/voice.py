"""What a command says beside its result, on standard error: notes, warnings and progress."""

from __future__ import annotations

import enum
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import click

from edgebottle import __version__

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and of how much (0: unknown)."""

FIRST_LINE_S = 5.0
"""A command that takes longer says so in a pipe; each further line waits half as long again."""

_KEY = "edgebottle.volume"

Command = TypeVar("Command", bound=click.Command)


class Volume(enum.Enum):
    """How much a command says beside its result."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


def common_options(command: Command) -> Command:
    """Adds --quiet, --verbose and --version, which stand before or after a command's name."""
    is_root = command.name == "cli"
    for decorate in (
        click.option(
            "-q",
            "--quiet",
            is_flag=True,
            expose_value=False,
            callback=_set(Volume.QUIET),
            help="Say nothing but the result and what is wrong.",
        ),
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            expose_value=False,
            callback=_set(Volume.VERBOSE),
            help="Say each step as it begins, with the seconds since the start.",
        ),
        click.version_option(__version__, prog_name="edgebottle", hidden=not is_root),
    ):
        decorate(command)
    return command


def _set(volume: Volume) -> Callable[[click.Context, click.Parameter, bool], None]:
    def remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            ctx.find_root().meta[_KEY] = volume

    return remember


def volume() -> Volume:
    """How much the running command shall say."""
    context = click.get_current_context(silent=True)
    found = context.find_root().meta.get(_KEY) if context else None
    return found if isinstance(found, Volume) else Volume.NORMAL


def note(text: str) -> None:
    """Says what is good to know; nothing with --quiet."""
    if volume() is not Volume.QUIET:
        _say(text)


def warn(text: str) -> None:
    """Says what may be wrong, always."""
    _say(f"Warning: {text}")


def _say(text: str) -> None:
    print("".join(c if c.isprintable() else "�" for c in text), file=sys.stderr, flush=True)


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Progress]:
    """Shows what is being done on standard error.

    On a terminal a line that moves; in a pipe a line now and then once it takes long; with
    --verbose a line for every step.

    Args:
        quiet: Say nothing, as --quiet does; --verbose is heard all the same.
    """
    if volume() is Volume.VERBOSE:
        yield _SpokenSteps()
    elif quiet or volume() is Volume.QUIET:
        yield lambda what, done, total: None
    elif sys.stderr.isatty():
        with ExitStack() as stack:
            yield _MovingLine(stack)
    else:
        lines = _Lines()
        try:
            yield lines
        finally:
            lines.end()


class _MovingLine:
    """A bar that begins with the first step: what is done at once shows nothing."""

    def __init__(self, stack: ExitStack) -> None:
        """The bar ends with ``stack``."""
        self._stack = stack
        self._update: Callable[..., None] | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Shows the step."""
        if self._update is None:
            bar = self._stack.enter_context(_bar())
            self._update = partial(bar.update, bar.add_task("", total=None, count=""))
        count = f"{done}/{total}" if total else ""
        self._update(description=what, completed=done, total=total or None, count=count)


def _bar() -> Bar:
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    from edgebottle.report.terminal import console

    return Bar(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
        console=console(sys.stderr),
        transient=True,
    )


class _SpokenSteps:
    """Says every step as it begins."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._last = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self._last:
            self._last = what
            _say(f"[{time.monotonic() - self._start:6.1f} s] {what}")


class _Lines:
    """Says now and then, from a thread, what takes so long."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._text = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __call__(self, what: str, done: int, total: int) -> None:
        self._text = what + (f", {done} of {total}" if total else "")

    def end(self) -> None:
        """Says no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        wait = FIRST_LINE_S
        while not self._stop.wait(wait):
            seconds = time.monotonic() - self._start
            wait = max(FIRST_LINE_S, seconds / 2)
            if self._text:
                _say(f"... {self._text}, {seconds:.0f} s")
