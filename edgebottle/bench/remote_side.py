"""Answers another computer: what ``edgebottle bench remote`` does with a request.

One line says what is wanted; ``hil.bench.ssh`` sends it, and reads the answers.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from edgebottle import __version__
from edgebottle.bench.checking import check_entry
from edgebottle.bench.jobs_file import Job
from edgebottle.bench.remote_folder import FileStore, RemoteJob, remove_old
from edgebottle.errors import BadInput, BoardError, EdgebottleError
from hil.bench.entries import Bench, bench_path, read_bench
from hil.bench.sealed import Unsealed, sealed, unsealed
from hil.bench.ssh import PROTOCOL
from hil.bench.state import state_of
from hil.ssh_command import ALIVE_SECONDS

LOOK_SECONDS = 0.2
WATCH_SECONDS = 1.0
"""Between two looks at a job; between two at all boards."""

MAX_STARTS = 3
"""Of the process of a job for one who waits for it: one that dies so often has a reason."""

MAX_REQUEST_BYTES = 1 << 20

Answers = Iterator[Mapping[str, Any]]


class RemoteSide:
    """One request, and its answers."""

    def __init__(self, requests: BinaryIO, out: TextIO) -> None:
        """Takes where requests and files come from, and where answers go."""
        self._requests, self._out = requests, out
        self._turn = threading.Lock()

    def serve(self) -> None:
        """Answers the request; what fails is an answer too."""
        self._say({"edgebottle": __version__, "protocol": PROTOCOL})
        threading.Thread(target=self._live, daemon=True).start()
        try:
            request = self._request()
            for answer in self._answers(request):
                self._say(answer)
        except EdgebottleError as error:
            self._say({"error": {"kind": type(error).__name__, "message": str(error)}})

    def _request(self) -> dict[str, Any]:
        line = self._requests.readline(MAX_REQUEST_BYTES).decode(errors="replace")
        with contextlib.suppress(Unsealed):
            request = unsealed(line)
            if request is not None:
                return request
        raise BadInput("what came is no request of edgebottle: this command is for other computers")

    def _answers(self, request: Mapping[str, Any]) -> Answers:
        what = request.get("do")
        if what == "job":
            return self._job(request)
        if what in ("stop", "forget"):
            return _dismissed(what, request["ids"])
        if what == "list":
            return _listed(_bench(request))
        if what == "check":
            return _checked(_bench(request), request["names"], request["power"])
        if what == "watch":
            return _watched(_bench(request))
        raise BadInput(f"nothing here does '{what}'")

    def _job(self, request: Mapping[str, Any]) -> Answers:
        """Takes the files that are not here yet; then says how the job gets on."""
        bench = _bench(request)
        entry = bench.entry(request["board"])  # raises
        if request["job"].get("energy") and entry.meter is None:
            raise BadInput(f"nothing measures the energy of {entry.name}: it has no meter there")
        store, files = FileStore(), request["files"]
        lacking = [kind for kind, one in files.items() if not store.has(one["sha256"], one["name"])]
        yield {"lacks": lacking}
        for kind in lacking:
            one = files[kind]
            packed = {"is_packed": one["packed"]}
            store.take(one["sha256"], one["name"], one["size"], self._requests, **packed)
        said = dict(request["job"])
        for kind, one in files.items():
            said[kind] = str(store.path(one["sha256"], one["name"]))
        job = RemoteJob(request["id"])
        if job.result() is None:
            kept = {key: request[key] for key in ("board", "retries", "deadlines")}
            job.write_request(
                {**kept, "bench": str(bench.path.absolute()), "job": asdict(Job.from_json(said))}
            )
        yield from _followed(job)

    def _say(self, message: Mapping[str, Any]) -> None:
        """Prints an answer; where nobody reads it any more, nothing is left to do here."""
        with self._turn:
            try:
                self._out.write(sealed(message))
                self._out.flush()
            except (OSError, ValueError):
                os._exit(0)

    def _live(self) -> None:
        while True:
            time.sleep(ALIVE_SECONDS)
            self._say({"alive": True})


def _bench(request: Mapping[str, Any]) -> Bench:
    given = request.get("bench")
    path = bench_path(None if given is None else Path(given).expanduser())
    if path is None:
        raise BadInput(
            "there is no bench.toml in the home folder, and EDGEBOTTLE_BENCH names none: say with "
            "`bench` of the host which it is"
        )
    return read_bench(path)


def _listed(bench: Bench) -> Answers:
    remove_old()
    boards = [
        {"name": one.name, "board": one.board, "place": one.place, "state": state_of(one)}
        for one in bench.entries
    ]
    yield {"boards": boards}


def _checked(bench: Bench, names: list[str], power: bool) -> Answers:
    for entry in [bench.entry(name) for name in names] or bench.entries:
        yield {
            "name": entry.name,
            "found": [asdict(one) for one in check_entry(entry, power=power)],
        }
    yield {"done": True}


def _watched(bench: Bench) -> Answers:
    known: dict[str, str] = {}
    while True:
        for entry in bench.entries:
            state = state_of(entry)
            if known.get(entry.name) != state:
                known[entry.name] = state
                yield {"name": entry.name, "state": state}
        time.sleep(WATCH_SECONDS)


def _dismissed(what: str, identities: list[str]) -> Answers:
    for identity in identities:
        job = RemoteJob(identity)
        if what == "stop":
            job.stop()
        else:
            job.forget()
    yield {"done": True}


def _followed(job: RemoteJob) -> Answers:
    """What is being done until it is done; the process is started where there is none."""
    process: subprocess.Popen[bytes] | None = None
    starts, said = 0, ""
    while not job.shall_stop:
        is_taken = job.is_taken()
        result = job.result()
        if result is not None:
            yield {"ended": result}
            return
        if not is_taken and (process is None or process.poll() is not None):
            if starts == MAX_STARTS:
                last = job.last_words()
                raise BoardError(
                    f"the process that does the job ended {starts} times"
                    + (f": {last}" if last else "")
                )
            process, starts = job.start(), starts + 1
        words = job.told()
        if words != said:
            said = words
            yield {"doing": words}
        time.sleep(LOOK_SECONDS)
