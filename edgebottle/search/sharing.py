"""One study for several workers: where it is kept, whose turn it is, and who is still there."""

from __future__ import annotations

import os
import uuid
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from edgebottle.errors import BadInput, ToolMissing
from edgebottle.files import check_plain, reason
from edgebottle.search.locks import (
    POSTGRES,
    TURN,
    WORKER,
    FileLocks,
    PostgresLocks,
    WorkerLocks,
    take,
    unreachable,
)


class Workplace:
    """A storage of studies, as one of its workers has it.

    Attributes:
        storage: Optuna's.
        worker: What this worker is called.
    """

    def __init__(self, storage: Any, locks: WorkerLocks) -> None:
        """Enters.

        Args:
            storage: Optuna's.
            locks: Of all workers.
        """
        self.storage = storage
        self.worker = f"{WORKER}{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._locks = locks
        taken = locks.try_take(self.worker)
        assert taken, "nobody else has this name"

    @contextmanager
    def turn(self) -> Iterator[None]:
        """No other worker has its turn meanwhile."""
        take(self._locks, TURN)
        try:
            yield
        finally:
            self._locks.let_go(TURN)

    def is_there(self, worker: str) -> bool:
        """Whether a worker, this or another one, is still at work; to be asked in one's turn."""
        if worker == self.worker:
            return True
        if not self._locks.try_take(worker):
            return True
        self._locks.let_go(worker)
        return False


@contextmanager
def workplace(place: str, study: str) -> Iterator[Workplace]:
    """Opens the storage of a study.

    Args:
        place: A file, or the address of a PostgreSQL database.
        study: Its name.

    Raises:
        BadInput: the storage cannot be reached, or is none.
        ToolMissing: Optuna is not installed, or what speaks with PostgreSQL.
    """
    check_tools(place)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with ExitStack() as stack, warnings.catch_warnings():
        # That several parameters at once are experimental, and the like.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        locks: WorkerLocks
        if place.startswith(POSTGRES):
            locks = PostgresLocks(place, study)
            stack.callback(locks.close)
            storage = _database(place, locks)
            stack.callback(storage.engine.dispose)  # it keeps connections for the next time
            stack.callback(storage.remove_session)
        else:
            locks = FileLocks(Path(f"{place}.locks"))
            stack.callback(locks.close)
            storage = _journal(Path(place), locks)
        try:
            yield Workplace(storage, locks)
        except optuna.exceptions.StorageInternalError as error:
            raise BadInput(unreachable(place, error)) from error


def check_tools(place: str) -> None:
    """Raises ``ToolMissing`` where a package is not installed that a storage needs."""
    import importlib.util

    if importlib.util.find_spec("optuna") is None:
        raise ToolMissing("a search needs Optuna: pip install 'edgebottle[search]'")
    if place.startswith(POSTGRES):
        if importlib.util.find_spec("psycopg") is None:
            raise ToolMissing("storage in PostgreSQL needs: pip install 'edgebottle[postgres]'")
    elif "://" in place:
        kind = place.split("://", 1)[0]
        raise BadInput(f"storage is a file or a {POSTGRES} address, not one of {kind}")


def _database(address: str, locks: PostgresLocks) -> Any:
    """PostgreSQL; its tables are made by one worker alone."""
    import optuna
    import sqlalchemy

    take(locks, TURN)
    try:
        url = address.replace(POSTGRES, "postgresql+psycopg://", 1)
        return optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    except (sqlalchemy.exc.SQLAlchemyError, RuntimeError, ValueError) as error:
        raise BadInput(unreachable(address, error)) from error
    finally:
        locks.let_go(TURN)


def _journal(path: Path, locks: FileLocks) -> Any:
    """A file to which lines are added."""
    from optuna.storages import JournalStorage

    from edgebottle.search.journal import SearchJournal

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError as error:
        raise BadInput(f"cannot write {path}: {reason(error)}") from error
    check_plain(path)
    journal = SearchJournal(path, locks)
    try:
        journal.check()
        return JournalStorage(journal)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} is no journal of a study: {error}") from error
