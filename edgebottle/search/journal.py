"""The file of a study on one computer: a line for each thing that happened."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend

from edgebottle.search.locks import FileLocks, take

LOCK = "journal"
"""Held while lines are added."""

RESULT_OPERATION = 6
"""What Optuna's journal calls the end of a trial, behind which the file is to outlive the computer;
all before it outlives the process, which takes no time."""


class SearchJournal(JournalFileBackend):  # type: ignore[misc]
    """Optuna's, but its lock does not outlive a killed process, nor does each line wait for a disk.

    A candidate is some thirty lines, and waiting for the disk behind each takes longer than costing
    one.
    """

    def __init__(self, path: Path, locks: FileLocks) -> None:
        """Opens the file.

        Args:
            path: Of it.
            locks: Of all workers.
        """
        super().__init__(str(path))
        self._path, self._locks = path, locks

    def check(self) -> None:
        """Raises ``ValueError`` where the file is something else.

        A last line whose end was never written is forgotten: the computer went down with it.
        """
        take(self._locks, LOCK)
        try:
            content = self._path.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            first = whole.partition(b"\n")[0]
            if content and "op_code" not in (json.loads(first) if first else ()):
                raise ValueError("its first line is of something else")
            if whole != content:
                os.truncate(self._path, len(whole))
        finally:
            self._locks.let_go(LOCK)

    def append_logs(self, logs: Sequence[dict[str, Any]]) -> None:
        """Adds lines."""
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        take(self._locks, LOCK)
        try:
            with self._path.open("ab") as file:
                file.write(lines.encode())
                file.flush()
                if any(log.get("op_code") == RESULT_OPERATION for log in logs):
                    os.fsync(file.fileno())
        finally:
            self._locks.let_go(LOCK)
