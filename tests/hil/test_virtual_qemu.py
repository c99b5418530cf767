"""The Cortex-M55: its firmware has the vector instructions, and runs exactly where QEMU is."""

import itertools
import shutil
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.build.elf import read_elf
from edgebottle.drivers import _ProcessDriver, open_session, to_bytes
from edgebottle.errors import BoardError, ToolMissing
from edgebottle.measure import measure
from edgebottle.pipeline import Built, build, load
from edgebottle.program_counter import MachineCounter, frame_functions
from edgebottle.samples import edge_cases
from edgebottle.verify import verify_model
from hil.session import Session
from hil.virtual.qemu import QemuBoard, counting_plugin
from hil.virtual.qemu_counter import CountingPlugin
from tests.conftest import needs_qemu
from tests.waiting import wait_until

BOARD = "mps3_an547"


def built(toolchain: str) -> Built:
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    return build(load("digits"), load_board(BOARD), toolchain=toolchain)


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_the_hot_loop_multiplies_vectors(toolchain: str) -> None:
    elf = read_elf(built(toolchain).elf)
    function = next(item for item in elf.functions if item.name == "eb_mve_pixel")
    start = function.address - elf.address_of("__eb_image_start")
    code = elf.image[start : start + function.size]
    words = [int.from_bytes(code[i : i + 2], "little") for i in range(0, len(code) - 1, 2)]
    # VMLADAVA.S8 (Armv8-M ARM, C2.4): four in the loop, four for what is left.
    found = sum(
        first & 0xFFF1 == 0xEEF0 and second & 0x0F21 == 0x0F20
        for first, second in itertools.pairwise(words)
    )
    assert found == 8


@needs_qemu
def test_the_virtual_board_is_exact() -> None:
    result = verify_model(load("digits"), load_board(BOARD), samples=4)
    assert result.exact and result.match, str(result.difference)
    assert result.implementations[-1] == f"virtual {BOARD}"


@needs_qemu
def test_firmware_that_qemu_refuses(tmp_path) -> None:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(b"no ELF")
    with QemuBoard(elf, load_board(BOARD)) as board:
        wait_until(lambda: board.fault() is not None, "QEMU refuses the file")
        assert "qemu-system-arm ended" in str(board.fault())


def test_without_qemu_the_remedy_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="apt install qemu-system-arm"):
        QemuBoard(tmp_path / "firmware.elf", load_board(BOARD))


@needs_qemu
@pytest.mark.parametrize("runs", [1, 3])
def test_qemu_counts_what_the_virtual_board_counts(runs: int) -> None:
    """To the last instruction, of every layer: two emulators of one image for one core."""
    found = build(load("digits"), load_board("microbit"))
    (sample,) = edge_cases(found.model.graph, 1).inputs
    image = read_elf(found.elf)
    with open_session(found) as session:
        expected = session.run(to_bytes(sample), runs, count=True).counts
    plugin = counting_plugin(found.board, image, frame_functions(found))
    if plugin is None:
        pytest.skip("this QEMU takes no plugins")
    with (
        QemuBoard(found.elf, found.board, plugin) as board,
        Session(_ProcessDriver(board, image.crc32, MachineCounter(found, plugin))) as session,
    ):
        assert session.run(to_bytes(sample), runs, count=True).counts == expected


@needs_qemu
def test_the_record_has_instructions_of_each_layer() -> None:
    found = build(load("digits"), load_board(BOARD))
    record = measure(found, edge_cases(found.model.graph, 2))
    counted = [layer.instructions for layer in record.layers]
    assert record.instructions is not None and all(counted)
    assert sum(counted) < record.instructions < 1.01 * sum(counted)  # what calls them


def test_a_machine_that_has_gone_says_so() -> None:
    plugin = CountingPlugin(Path("none"), read_elf(built("zig").elf), ())
    plugin.started()
    with pytest.raises(BoardError, match="QEMU does not say what it has counted"):
        plugin.counts()
    plugin.close()
