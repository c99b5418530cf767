"""Feeds the importer with mutations of real models.

``python -m tests.importers.fuzz --minutes 10`` runs it for long; ``--seed N --only K`` repeats
mutation K. Anything but an EdgebottleError, more than 2 s, or 500 MB of growth is a failure.
What the importer accepted is also run in NumPy when it is small, and with ``--compile`` it goes
through the passes, the plan and the code generator, with ``--litert`` through LiteRT in a process
of its own.
"""

import argparse
import os
import resource
import signal
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgebottle.errors import EdgebottleError
from edgebottle.importers import import_model
from edgebottle.importers.flatbuffer_check import TABLES, _target, _Walk
from edgebottle.ir.graph import Graph
from edgebottle.ir.interpreter import Interpreter
from tests.conftest import shared_models
from tests.samples import samples

SECONDS = 2.0
GROWTH = 500 << 20
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


def seeds(paths: Sequence[Path]) -> list[Seed]:
    return [Seed(path.name, path.read_bytes(), _places(path.read_bytes())) for path in paths]


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


Use = Callable[[Graph, bytes], None]
"""What is done with a small model that the importer accepted."""


def attempt(data: bytes, outcome: Outcome, label: str, uses: Sequence[Use] = ()) -> None:
    """Imports ``data``, and runs what the importer accepted when it is small."""
    memory = _peak()
    started = time.process_time()
    signal.signal(signal.SIGALRM, _ring)
    signal.alarm(30)
    outcome.tried += 1
    graph: Graph | None = None
    try:
        graph = import_model(data, "fuzz", ".tflite")
        result = "accepted"
    except EdgebottleError as error:
        result = type(error).__name__
        if "\n" in str(error) or not str(error).isprintable() or len(str(error)) > 4000:
            outcome.failures.append(f"{label}: unreadable message {str(error)[:200]!r}")
    except Hang:
        result = "hang"
    except Exception as error:
        result = f"crash {type(error).__name__}"
        outcome.failures.append(f"{label}: {_origin(error)}")
    finally:
        signal.alarm(0)
    seconds = time.process_time() - started
    outcome.results[result] += 1
    outcome.slowest = max(outcome.slowest, seconds)
    if seconds > SECONDS:
        outcome.failures.append(f"{label}: took {seconds:.1f} s ({result})")
    if _peak() - memory > GROWTH:
        outcome.failures.append(f"{label}: took {(_peak() - memory) >> 20} MB ({result})")
    if graph is not None:
        _use(graph, data, outcome, label, (_interpret, *uses))


def _use(graph: Graph, data: bytes, outcome: Outcome, label: str, uses: Sequence[Use]) -> None:
    if sum(tensor.size for tensor in graph.tensors.values()) > 200_000 or graph.macs() > 500_000:
        return
    for use in uses:
        try:
            with np.errstate(all="ignore"):
                use(graph, data)
        except EdgebottleError:
            pass
        except Exception as error:
            outcome.failures.append(f"{label}: accepted, but then {_origin(error)}")


def _interpret(graph: Graph, data: bytes) -> None:
    Interpreter(graph).run(samples(graph, 1)[-1][1])


def _compile(graph: Graph, data: bytes) -> None:
    """As far as the C text; several orders and placements are tried, so this is the slow one."""
    from edgebottle.codegen.model import write_model
    from edgebottle.ops.base import Isa
    from edgebottle.passes import optimise
    from edgebottle.plan.planner import make_plan

    better = optimise(graph)
    write_model(better, make_plan(better, Isa.DSP))


def _litert(graph: Graph, data: bytes) -> None:
    """In a child process, as LiteRT may end it."""
    from edgebottle.litert import LiteRTModel

    child = os.fork()
    if child == 0:
        code = 0
        try:
            LiteRTModel(data).run(samples(graph, 1)[-1][1])
        except EdgebottleError:
            pass
        except BaseException:
            code = 1
        os._exit(code)
    status = os.waitpid(child, 0)[1]
    if status:
        raise RuntimeError(f"LiteRT ends its process with status {status}")


def _origin(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"{type(error).__name__}: {error} at {where}"


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def numbers(only: int | None, until: float) -> Iterator[int]:
    if only is not None:
        yield only
        return
    number = 0
    while time.monotonic() < until:
        yield number
        number += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--litert", action="store_true")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    uses = [
        use
        for use, wanted in ((_litert, arguments.litert), (_compile, arguments.compile))
        if wanted
    ]
    pool = seeds(shared_models())
    outcome = Outcome()
    until = time.monotonic() + 60 * arguments.minutes
    for number in numbers(arguments.only, until):
        rng = np.random.default_rng([arguments.seed, number])
        attempt(mutate(rng, pool), outcome, f"mutation {number}", uses)
    distinct = {failure.split(": ", 1)[1]: failure for failure in reversed(outcome.failures)}
    print(f"{outcome.tried} mutations, slowest {outcome.slowest:.2f} s, {dict(outcome.results)}")
    print(f"{len(outcome.failures)} failures, {len(distinct)} distinct")
    for failure in list(distinct.values())[:40]:
        print(" ", failure)
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
