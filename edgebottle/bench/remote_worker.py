"""Does one job of another computer, whether that is connected or not.

Started by ``remote_folder`` as ``python -m edgebottle.bench.remote_worker JOB``.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

from edgebottle.bench.board_work import AttemptLimits, BoardWork
from edgebottle.bench.jobs_file import Job
from edgebottle.bench.remote_folder import RemoteJob
from edgebottle.bench.worker_process import POLL_SECONDS, Stopped
from edgebottle.errors import BoardError, EdgebottleError
from hil.bench.entries import BenchEntry, read_bench


def serve(job: RemoteJob, entry: BenchEntry, limits: AttemptLimits, what: Job) -> dict[str, Any]:
    """Does a job on a board; what came of it, as JSON.

    Raises:
        Stopped: it was asked to stop.
        EdgebottleError: it cannot be done at all: no process can be started.
    """
    stop, ended = threading.Event(), threading.Event()

    def listen() -> None:
        while not ended.wait(POLL_SECONDS):
            if job.shall_stop:
                stop.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    work = BoardWork(entry, limits, stop, job.tell)
    try:
        result, record = work.do(what)
    finally:
        ended.set()
        work.close()
    return {"result": result.to_json(), "record": None if record is None else dict(record)}


def main(identity: str) -> int:
    """Does the job of a name, unless another process does, or has done it."""
    job = RemoteJob(identity)
    if not job.take() or job.result() is not None or job.shall_stop:
        return 0
    said = job.request()
    try:
        entry = read_bench(Path(said["bench"])).entry(said["board"])
        limits = AttemptLimits(said["retries"], said["deadlines"])
        found = serve(job, entry, limits, Job.from_json(said["job"]))
    except Stopped:
        return 0
    except EdgebottleError as error:
        found = {"error": {"kind": type(error).__name__, "message": str(error)}}
    except Exception as error:
        message = f"a bug of edgebottle: {type(error).__name__}: {error}"
        found = {"error": {"kind": BoardError.__name__, "message": message}}
    job.write_result(found)
    job.let_go()  # who has the result may remove the job, however long this process takes to end
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
