"""Instructions of LiteRT with XNNPACK beside ours, on CPUs of boards that run Linux.

``python -m tests.bench.xnnpack_counts MODEL... --root ROOT --site SITE`` runs LiteRT's Python
package for 64-bit Arm under ``qemu-aarch64``, with each CPU in turn, and has a plugin count a run
of a model with one thread. Ours are counted on the virtual boards. ROOT is a Linux for that
architecture that has Python (Debian's packages of ``python3.11-minimal``, ``libpython3.11-stdlib``,
``libc6``, ``libstdc++6`` and what they need, unpacked), SITE a folder of the unpacked wheels of
``ai-edge-litert`` and ``numpy`` for it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebottle.errors import ToolMissing
from edgebottle.pipeline import load
from hil.virtual.native import compiled
from hil.virtual.qemu_counter import SOURCE
from tests.bench.linux_counts import layer_counts

CPUS = {
    "raspberry_pi_3": "cortex-a53",
    "raspberry_pi_4": "cortex-a72",
    "raspberry_pi_5": "neoverse-n1",
}
"""What QEMU calls the CPU of each board: Neoverse N1 has the instructions of Cortex-A76."""

GUEST = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
one = Interpreter(sys.argv[1], num_threads=1)
one.allocate_tensors()
for tensor in one.get_input_details():
    low = np.iinfo(tensor["dtype"]).min if tensor["dtype"] != np.float32 else 0
    one.set_tensor(tensor["index"], np.full(tensor["shape"], low, tensor["dtype"]))
one.invoke()
print("ready", flush=True)
for line in sys.stdin:
    if line == "run\\n":
        one.invoke()
    print("done", flush=True)
"""
"""Runs the model whenever it is told to, and else does the same without."""

EVERYTHING = f"range=0:{2**64 - 1}:-1"
"""For the plugin: all code counts."""


@dataclass(frozen=True)
class GuestPython:
    """A Python for 64-bit Arm, with LiteRT.

    Attributes:
        root: Of its Linux.
        site: The folder of its packages.
    """

    root: Path
    site: Path

    def instructions(self, model: Path, cpu: str) -> int:
        """Of a run of a model, its first apart."""
        with self._started(model, cpu) as (line, process):
            runs = [_counted(line, process, word) for word in ("nothing", "run", "nothing", "run")]
        return runs[3] - runs[2]

    @contextmanager
    def _started(self, model: Path, cpu: str) -> Iterator[tuple[Any, Any]]:
        emulator = shutil.which("qemu-aarch64")
        if emulator is None:
            raise ToolMissing("qemu-aarch64 is not installed: install qemu-user")
        flags = ("-DEB_QEMU_PLUGIN_VERSION=1", "-lpthread")
        plugin = compiled("qemu", [SOURCE], flags)
        ours, theirs = socket.socketpair()
        python = self.root / "usr" / "bin" / "python3.11"
        arguments = ("-plugin", f"file={plugin},fd={theirs.fileno()},{EVERYTHING}")
        command = [emulator, "-cpu", cpu, "-L", str(self.root), *arguments, str(python)]
        environment = {**os.environ, "PYTHONHOME": str(self.root / "usr")}
        with (
            ours,
            subprocess.Popen(
                [*command, "-c", GUEST, str(model.absolute())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                pass_fds=[theirs.fileno()],
                env={**environment, "PYTHONPATH": str(self.site.absolute())},
            ) as process,
        ):
            theirs.close()
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise ToolMissing(f"LiteRT does not run {model.name} on {cpu}")
            yield ours.makefile("rw"), process
            assert process.stdin is not None
            process.stdin.close()


def _counted(line: Any, process: Any, word: str) -> int:
    """Instructions from a word to its answer."""
    counts = []
    for told in ("reset", word, "counts"):
        if told == word:
            process.stdin.write(f"{word}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "done\n"
            continue
        line.write(f"{told}\n")
        line.flush()
        counts.append(int(line.readline()))
    return counts[-1]


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.xnnpack_counts")
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--root", type=Path, required=True, help="a Linux for 64-bit Arm")
    parser.add_argument("--site", type=Path, required=True, help="its Python packages")
    parser.add_argument("--board", action="append", choices=list(CPUS), help="may be repeated")
    chosen = parser.parse_args(arguments)
    python = GuestPython(chosen.root, chosen.site)
    for path in chosen.models:
        model = load(str(path), io="int8")
        for board in chosen.board or CPUS:
            ours = sum(layer_counts(model, board).values())
            theirs = python.instructions(path, CPUS[board])
            ratio = f"{ours / theirs:.2f}"
            print(f"{path.stem:24} {board:16} {ours:>13,} {theirs:>13,} {ratio:>6}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
