"""Runs samples through the network on a board and brings the outputs back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgebottle.errors import BoardError
from hil.link import BAUD
from hil.protocol import RUN_SECONDS, BoardClient, Memory


@dataclass(frozen=True)
class BenchRun:
    """What a board made of the samples.

    Attributes:
        outputs: For each sample the bytes of each output.
        micros: For each sample the microseconds of its run, on the board's own clock.
        memory: After the last sample; the stack's high-water mark only grows.
        load_attempts: How often an input had to be sent, at best once per sample and input.
    """

    outputs: list[list[bytes]]
    micros: tuple[int, ...]
    memory: Memory
    load_attempts: int


def check_build(client: BoardClient, expected: int) -> None:
    """Makes sure that the board runs the image that was just built.

    Raises:
        BoardError: It runs another one.
    """
    found = client.build()
    if found != expected:
        raise BoardError(
            f"the board runs another image (CRC {found:08x}) than the one built "
            f"(CRC {expected:08x}): flash it again"
        )


def check_memory(memory: Memory) -> None:
    """Makes sure that nothing wrote past the arena or the stack.

    Raises:
        BoardError: Something did.
    """
    if not memory.canary_ok:
        raise BoardError(
            f"a canary of the arena ({memory.arena} bytes) was overwritten: the network wrote "
            "outside of its memory"
        )
    if memory.stack_size and memory.stack >= memory.stack_size:
        raise BoardError(
            f"the stack overflowed: all of its {memory.stack_size} bytes have been used; make it "
            "larger in the board file"
        )


def run_samples(
    url: str,
    samples: Sequence[Sequence[bytes]],
    *,
    expected_build: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    baud: int = BAUD,
    run_seconds: float = RUN_SECONDS,
) -> BenchRun:
    """Runs each sample once.

    Args:
        url: The board, any pyserial URL.
        samples: For each sample the bytes of each input.
        expected_build: CRC-32 of the image that should run on the board; None: not checked.
        progress: Called after each sample with the samples done and their number.
        baud: Symbols per second of the line.
        run_seconds: The longest that one run may take.

    Raises:
        BoardError: The board is silent, faults, answers garbage, resets, runs another image, or
            its canaries or its stack show that memory was overrun.
    """
    outputs: list[list[bytes]] = []
    micros: list[int] = []
    with BoardClient.connect(url, baud=baud, run_seconds=run_seconds) as client:
        if expected_build is not None:
            check_build(client, expected_build)
        memory = client.mem()
        for number, sample in enumerate(samples):
            for index, data in enumerate(sample):
                client.load_input(index, data)
            micros.append(client.infer(1, 0).us)
            outputs.append(client.outputs())
            memory = client.mem()
            check_memory(memory)
            if progress is not None:
                progress(number + 1, len(samples))
        return BenchRun(outputs, tuple(micros), memory, client.load_attempts)
