"""Mutations of real models, through the whole compiler.

``python -m tests.fuzz.mutations --count 50000 --jobs 2`` runs it for long; ``--seed S --only K``
repeats mutation K. Each mutated file goes through the importer, the passes, the plan and the code
generator; where it is small, NumPy runs it before and after the passes, and LiteRT in a process of
its own, and all must agree to the last bit. (LiteRT may refuse it, or end its process, as where it
asserts what a SOFTMAX of very many equal numbers does not keep.) A failure is anything raised but
an EdgebottleError, a message of more than one line, more than 10 s of CPU time or 1 GB of memory,
a crash of LiteRT, and a difference.
"""

import argparse
import os
import pickle
import resource
import signal
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from edgebottle.boards import load_board
from edgebottle.codegen.project import write_project
from edgebottle.compare import is_exact
from edgebottle.errors import EdgebottleError
from edgebottle.fit import Wish, fit, ram_allowed
from edgebottle.importers.flatbuffer_check import TABLES, _target, _Walk
from edgebottle.ir.graph import Array, Graph
from edgebottle.ir.interpreter import Interpreter
from edgebottle.pipeline import load
from tests.conftest import SHARED, shared_models
from tests.fuzz.schema_mutations import mutate_schema
from tests.importers.uint8 import random_convolution
from tests.importers.weights import RUNS, model_of
from tests.samples import samples

CPU_SECONDS = 10
MEMORY = 1 << 30
BOARDS = ("nucleo_l4r5zi", "nucleo_g0b1re", "stm32f746")
SCHEMA_SHARE = 0.6
"""Of the mutations that keep the file well-formed."""

SLOW_CASES = ("chain1000", "dag100", "wide24")
"""Cases that take seconds each; tests of their own hold them."""
ODD = (0, 1, 2, 3, 4, 5, 7, 8, 127, 255, 256, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass(frozen=True)
class Seed:
    """A model to mutate, and where its tables and vectors stand."""

    name: str
    data: bytes
    places: tuple[int, ...]


@dataclass
class Outcome:
    """What happened to all mutations."""

    tried: int = 0
    slowest: float = 0.0
    results: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Adds what happened elsewhere."""
        self.tried += other.tried
        self.slowest = max(self.slowest, other.slowest)
        self.results += other.results
        self.failures += other.failures


def seeds(paths: Sequence[Path]) -> list[Seed]:
    return [seed_of(path.name, path.read_bytes()) for path in paths]


def seed_of(name: str, data: bytes) -> Seed:
    return Seed(name, data, _places(data))


def _places(data: bytes) -> tuple[int, ...]:
    """Positions of tables and vectors, where mutations hurt more than in the weights."""
    from edgebottle.importers.tflite_file import _names

    walk = _Walk(data, {code: name for code, name in _names("BuiltinOptions").items()})
    walk.table(_target(data, 0, "model"), "Model", "model")
    places = {position for position, _ in walk.seen}
    for position, kind in walk.seen:
        if kind in TABLES:
            places.add(position - struct.unpack_from("<i", data, position)[0])
    return tuple(sorted(places))


def mutate(rng: np.random.Generator, pool: Sequence[Seed]) -> bytes:
    """One to four mutations of one of the seeds."""
    seed = pool[int(rng.integers(len(pool)))]
    if rng.random() < SCHEMA_SHARE:
        with suppress(OverflowError, struct.error, TypeError):  # a number that no file can hold
            return mutate_schema(rng, seed.data)
    data = bytearray(seed.data)
    for _ in range(int(rng.integers(1, 5))):
        kind = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
        kind(rng, data, seed, pool)
        if len(data) < 8:
            break
    return bytes(data)


def _position(rng: np.random.Generator, data: bytearray, seed: Seed) -> int:
    """Mostly in or near a table, sometimes anywhere."""
    if rng.random() < 0.85:
        place = seed.places[int(rng.integers(len(seed.places)))] + int(rng.integers(0, 40))
    else:
        place = int(rng.integers(len(data)))
    return min(max(place, 0), len(data) - 1)


def _flip_bits(rng: np.random.Generator, data: bytearray, seed: Seed, _: Sequence[Seed]) -> None:
    for _i in range(int(rng.integers(1, 9))):
        data[_position(rng, data, seed)] ^= 1 << int(rng.integers(8))


def _set_byte(rng: np.random.Generator, data: bytearray, seed: Seed, _: Sequence[Seed]) -> None:
    data[_position(rng, data, seed)] = int(rng.integers(256))


def _set_word(rng: np.random.Generator, data: bytearray, seed: Seed, _: Sequence[Seed]) -> None:
    place = _position(rng, data, seed) & ~3
    odd = int(rng.choice(ODD))
    near = int(rng.integers(0, len(data) + 64))
    value = (odd, near, (len(data) - place) & 0xFFFFFFFF)[int(rng.integers(3))]
    data[place : place + 4] = struct.pack("<I", value)


def _set_half(rng: np.random.Generator, data: bytearray, seed: Seed, _: Sequence[Seed]) -> None:
    place = _position(rng, data, seed) & ~1
    data[place : place + 2] = struct.pack("<H", int(rng.integers(0, 64)))


def _retarget(rng: np.random.Generator, data: bytearray, seed: Seed, _: Sequence[Seed]) -> None:
    """Lets an offset lead to another table or vector."""
    place = _position(rng, data, seed) & ~3
    target = seed.places[int(rng.integers(len(seed.places)))]
    data[place : place + 4] = struct.pack("<I", (target - place) & 0xFFFFFFFF)


def _truncate(rng: np.random.Generator, data: bytearray, seed: Seed, _: Sequence[Seed]) -> None:
    del data[int(rng.integers(len(data))) :]


def _splice(rng: np.random.Generator, data: bytearray, seed: Seed, pool: Sequence[Seed]) -> None:
    other = pool[int(rng.integers(len(pool)))].data
    size = int(rng.integers(1, 200))
    source = int(rng.integers(len(other))) & ~3
    place = _position(rng, data, seed) & ~3
    data[place : place + size] = other[source : source + size]


def _shift(rng: np.random.Generator, data: bytearray, seed: Seed, _: Sequence[Seed]) -> None:
    place = _position(rng, data, seed)
    if rng.random() < 0.5:
        del data[place : place + int(rng.integers(1, 16))]
    else:
        data[place:place] = bytes(int(rng.integers(1, 16)))


def _swap(rng: np.random.Generator, data: bytearray, seed: Seed, _: Sequence[Seed]) -> None:
    a, b = _position(rng, data, seed) & ~3, _position(rng, data, seed) & ~3
    data[a : a + 4], data[b : b + 4] = data[b : b + 4], data[a : a + 4]


Mutation = Callable[[np.random.Generator, bytearray, Seed, Sequence[Seed]], None]
MUTATIONS: tuple[Mutation, ...] = (
    _flip_bits,
    _set_byte,
    _set_byte,
    _set_word,
    _set_word,
    _set_half,
    _retarget,
    _retarget,
    _truncate,
    _splice,
    _shift,
    _swap,
)


class Hang(BaseException):
    """Raised by the alarm, past every ``except Exception``."""


def _ring(*_: object) -> None:
    raise Hang


def attempt(data: bytes, label: str, outcome: Outcome) -> None:
    """Takes a mutated file as far as it goes."""
    outcome.tried += 1
    started = time.process_time()
    signal.signal(signal.SIGVTALRM, _ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    graphs = None
    try:
        graphs = _compile(data, outcome.tried)
        result = "accepted"
    except EdgebottleError as error:
        result = type(error).__name__
        if "\n" in str(error) or not str(error).isprintable() or len(str(error)) > 2000:
            outcome.failures.append(f"{label}: unreadable message {str(error)[:200]!r}")
    except Hang as error:
        result = "hang"
        outcome.failures.append(f"{label}: over {CPU_SECONDS} s, {_origin(error)}")
    except MemoryError as error:
        result = "memory"
        outcome.failures.append(f"{label}: over 1 GB, {_origin(error)}")
    except Exception as error:
        result = f"crash {type(error).__name__}"
        outcome.failures.append(f"{label}: {_origin(error)}")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    outcome.results[result] += 1
    outcome.slowest = max(outcome.slowest, time.process_time() - started)
    if graphs is not None and _is_small(graphs[0]):
        _compare(*graphs, data, label, outcome)


def _compile(data: bytes, number: int) -> tuple[Graph, Graph]:
    """As far as the C text of one of the boards; the graph before and after the passes."""
    board = load_board(BOARDS[number % len(BOARDS)])
    with NamedTemporaryFile(suffix=".tflite") as file:
        Path(file.name).write_bytes(data)
        model = load(file.name, name="fuzz")
    chosen = fit(model.graph, board, Wish())
    write_project(chosen.graph, chosen.plan, board, ram_allowed(board, Wish()))
    return model.imported, model.graph


def _is_small(graph: Graph) -> bool:
    elements = sum(tensor.size for tensor in graph.tensors.values())
    return elements < 200_000 and graph.macs() < 500_000


def _compare(imported: Graph, better: Graph, data: bytes, label: str, outcome: Outcome) -> None:
    """NumPy before and after the passes, and LiteRT, on three inputs."""
    inputs = [values for _, values in samples(imported, 3)]
    try:
        with np.errstate(all="ignore"):
            before, after = Interpreter(imported), Interpreter(better)
            plain = [before.run(values) for values in inputs]
            changed = [after.run(values) for values in inputs]
        litert = _in_litert(data, inputs)
    except EdgebottleError:
        outcome.results["refused when run"] += 1
        return
    except Exception as error:
        outcome.failures.append(f"{label}: accepted, but then {_origin(error)}")
        return
    if not is_exact(imported):
        outcome.results["float"] += 1
        return
    if not _same(plain, changed):
        outcome.failures.append(f"{label}: the passes change the result")
    outcome.results["refused by LiteRT" if litert is None else "compared with LiteRT"] += 1
    if litert is not None and not _same(plain, litert):
        outcome.failures.append(f"{label}: LiteRT gives another result")


Runs = Sequence[Sequence[Array]]


def _same(some: Runs, others: Runs) -> bool:
    """Whether all outputs are the same; floats, which a constant may be, are not looked at."""
    pairs = [pair for a, b in zip(some, others, strict=True) for pair in zip(a, b, strict=True)]
    return all(one.dtype.kind == "f" or np.array_equal(one, other) for one, other in pairs)


def _in_litert(data: bytes, inputs: Sequence[Sequence[Array]]) -> Runs | None:
    """LiteRT's outputs, None where it refuses the model; in a child process, as it may end it."""
    from edgebottle.litert import LiteRTModel

    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)  # ours, not LiteRT's
        with os.fdopen(writer, "wb") as stream:
            try:
                model = LiteRTModel(data)
                pickle.dump([model.run(values) for values in inputs], stream)
            except EdgebottleError:
                pickle.dump(None, stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        content = stream.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT:
        return None
    if status or not content:
        raise RuntimeError(f"LiteRT ends its process with status {status}")
    found: Runs | None = pickle.loads(content)
    return found


def _origin(error: BaseException) -> str:
    """Where an error arose: in the project, and at the very end."""
    trace = error.__traceback__
    lines = []
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        lines.append(f"{path.parent.name}/{path.name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__}: {error} at {' < '.join(lines[:-4:-1])}"


@cache
def pool() -> tuple[Seed, ...]:
    """All models, cases, ways to store weights, uint8; small ones more often, to get far."""
    cases = [p for p in sorted((SHARED / "cases").glob("*.tflite")) if p.stem not in SLOW_CASES]
    found = seeds([*shared_models(), *cases])
    found += [seed_of(name, model_of(edit)) for name, edit in RUNS.items()]
    rng = np.random.default_rng(3)
    found += [seed_of(f"uint8 {i}", random_convolution(rng, bool(i % 2))) for i in range(4)]
    return tuple(seed for seed in found for _ in range(1 if len(seed.data) > 100_000 else 8))


def run(seed: int, numbers: Sequence[int]) -> Outcome:
    """Some mutations, one after the other."""
    outcome = Outcome()
    for number in numbers:
        rng = np.random.default_rng([seed, number])
        attempt(mutate(rng, pool()), f"mutation {number}", outcome)
    return outcome


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY + _size(), resource.RLIM_INFINITY))


def _size() -> int:
    """Bytes of address space that the process has before the first mutation."""
    pool()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", type=int, help="repeat this one")
    parser.add_argument("--save", type=Path, help="write the one of --only to this file")
    arguments = parser.parse_args()
    if arguments.save is not None:
        rng = np.random.default_rng([arguments.seed, arguments.only])
        arguments.save.write_bytes(mutate(rng, pool()))
        return 0
    numbers = range(arguments.count) if arguments.only is None else [arguments.only]
    chunks = [numbers[i : i + 100] for i in range(0, len(numbers), 100)]
    outcome = Outcome()
    context = get_context("spawn")
    with ProcessPoolExecutor(arguments.jobs, context, initializer=_limit) as workers:
        for done in workers.map(run, [arguments.seed] * len(chunks), chunks):
            outcome.add(done)
            print(f"{outcome.tried} mutations, {len(outcome.failures)} failures", file=sys.stderr)
            for failure in done.failures:
                print(" ", failure[:400], file=sys.stderr)
    distinct = {failure.split(": ", 1)[1]: failure for failure in reversed(outcome.failures)}
    print(f"{outcome.tried} mutations, slowest {outcome.slowest:.2f} s, {dict(outcome.results)}")
    print(f"{len(outcome.failures)} failures, {len(distinct)} distinct")
    for failure in list(distinct.values())[:40]:
        print(" ", failure)
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
