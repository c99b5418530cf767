"""Waiting for other processes and threads: the limits here only end a test that hangs.

Nothing else in the tests looks at the clock (``test_architecture.py`` holds it).
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

HANG_SECONDS = 120.0


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Waits until ``condition`` holds; fails with ``what`` when it never does."""
    end = time.monotonic() + HANG_SECONDS
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {HANG_SECONDS:g} s")
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    """No process has this number, but perhaps one that its parent has not asked for yet."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1]
    except ProcessLookupError:
        return True
    except FileNotFoundError:
        return Path("/proc").is_dir()
    return state.split()[0] == "Z"


def deadline(seconds: float) -> float:
    """The moment in so many seconds, for functions that take one."""
    return time.monotonic() + seconds


def calls_of(work: Callable[[], Any]) -> tuple[Any, int]:
    """What ``work`` returns, and how many functions it called: its cost on any computer."""
    count = 0

    def on_event(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(on_event)
    try:
        result = work()
    finally:
        sys.setprofile(before)
    return result, count
