"""A node of IoT-LAB: what its client is called with, and what becomes of each of its failures."""

import json
import re
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.build.cache import cache_dir
from edgebottle.errors import BadInput
from hil.iotlab import NodeWish, node_wish
from tests.cli.command_line import Result, edgebottle
from tests.lab.fake_iotlab import ADDRESS, FAULTS, FakeIotLab

URL = "iotlab://saclay/nrf52840dk-3?minutes=20"
MEASURE = ("measure", "digits", "--samples", "1", "--records", "r.jsonl", "--json")


def measured(folder: Path, lab: FakeIotLab, *words: str) -> Result:
    line = (*MEASURE, "-b", "nrf52840dk", "--port", URL, *words)
    return edgebottle(*line, cwd=folder, env=lab.environment())


def test_the_whole_way(tmp_path: Path) -> None:
    with FakeIotLab(tmp_path) as lab:
        done = measured(tmp_path, lab)
        assert done.json()["latency_kind"] == "emulated"
        heard = [[*words] for words in lab.heard]
    node = ["-i", "4711", "-l", "saclay,nrf52840dk,3"]
    elf, tunnel = heard[3].pop(), heard[4]
    wish = ["-n", "edgebottle", "-d", "20", "-l", "saclay,nrf52840dk,3"]
    wait = ["--state", "Running", "--step", "2", "--timeout", "600"]
    assert heard[:4] == [
        ["iotlab-experiment", "submit", *wish],
        ["iotlab-experiment", "wait", "-i", "4711", *wait],
        ["iotlab-experiment", "get", "-i", "4711", "-n"],
        ["iotlab-node", *node, "--flash"],
    ]
    assert elf.endswith(".elf")
    assert re.fullmatch(rf"127\.0\.0\.1:\d+:{re.escape(ADDRESS)}:20000", tunnel[-3])
    assert tunnel[-2:] == ["turing@saclay.iot-lab.info", "echo ready; cat"]
    assert heard[5:] == [["iotlab-experiment", "stop", "-i", "4711"]] and lab.running == []


# what goes wrong, exit code, what is said
ROWS = [
    ("unauthorized", "IoT-LAB does not know this account: `iotlab-auth -u LOGIN` asks anew"),
    ("refused", "nodes does not exist: nrf52840dk:multi"),
    ("no-node", "gives no node for saclay,nrf52840dk,3 in experiment 4711: Timeout reached"),
    ("error", "in experiment 4711: Experiment 4711 already in state 'Error'"),
    ("bad-flash", f"IoT-LAB could not flash {ADDRESS}"),
    ("no-key", "ssh to saclay.iot-lab.info failed: it lets nobody in .* `ssh-copy-id .*@saclay"),
    ("ended", "experiment 4711 of IoT-LAB is Terminated: it was booked for 20 minutes"),
]


def test_every_fault_has_a_row() -> None:
    assert [row[0] for row in ROWS] == list(FAULTS)


@pytest.mark.parametrize(("fault", "said"), ROWS)
def test_a_fault(tmp_path: Path, fault: str, said: str) -> None:
    """One message, and nothing stays booked."""
    with FakeIotLab(tmp_path, fault) as lab:
        done = measured(tmp_path, lab)
    assert done.code == 3 and re.search(said, done.err), done.err
    assert done.err.startswith("Error: ") and done.err.count("\n") == 1
    assert lab.running == []


def test_without_client_or_account(tmp_path: Path) -> None:
    with FakeIotLab(tmp_path) as lab:
        (tmp_path / "account").unlink()
        assert "`iotlab-auth -u LOGIN` asks once" in measured(tmp_path, lab).err
        assert lab.running == []
        (tmp_path / "account").write_text("turing:")
        (tmp_path / "iotlab-experiment").unlink()
        done = measured(tmp_path, lab)
    assert done.code == 3 and "cannot start iotlab-experiment" in done.err
    assert "pip install iotlabcli" in done.err


def test_on_a_bench(tmp_path: Path) -> None:
    (tmp_path / "bench.toml").write_text(
        'version = 1\n[board.public]\nboard = "nrf52840dk"\nport = "iotlab://saclay"\n'
    )
    (tmp_path / "jobs.toml").write_text(
        'version = 1\n[[job]]\nmodels = ["digits"]\nboards = ["public"]\nsamples = [1]\n'
    )
    with FakeIotLab(tmp_path) as lab:
        env = lab.environment()
        done = edgebottle("bench", "check", "--json", cwd=tmp_path, env=env)
        parts = json.loads(done.out)["boards"]["public"]
        assert [(one["part"], one["is_good"]) for one in parts] == [
            ("account", True),
            ("nodes", True),
        ]
        assert parts[1]["words"] == "1,archi=nrf52840dk:multi+site=saclay: 1 free"
        done = edgebottle("bench", "run", "--json", cwd=tmp_path, env=env)
        lab.fault = "unauthorized"
        checked = edgebottle("bench", "check", cwd=tmp_path, env=env)
    assert json.loads(done.out)["counts"] == {"passed": 1} and lab.running == []
    assert checked.code == 3 and "does not know this account" in " ".join(checked.out.split())


@pytest.mark.usefixtures("own_bench")
def test_what_a_killed_process_had_booked_is_given_back(tmp_path: Path) -> None:
    bookings = cache_dir() / "bench" / "iotlab"
    bookings.mkdir(parents=True)
    (bookings / "4000").touch()
    with FakeIotLab(tmp_path) as lab:
        lab.running.append(4000)
        assert measured(tmp_path, lab).code == 0
    assert lab.running == [] and not (bookings / "4000").exists()


# port, board, what is wanted or said
WISHES = [
    ("iotlab://saclay", "nrf52840dk", NodeWish("saclay", "nrf52840dk:multi", None, 30)),
    (URL, "nrf52840dk", NodeWish("saclay", "nrf52840dk:multi", 3, 20)),
    ("iotlab://lille/microbit-7", "microbit", NodeWish("lille", "microbit:ble", 7, 30)),
    ("iotlab://saclay/nrf52840dk-3", "microbit", "is no microbit"),
    ("iotlab://saclay", "stm32f746", "is no stm32f746: edgebottle knows .* nrf52840dk, microbit"),
    ("iotlab://", "nrf52840dk", "is no node: iotlab://saclay is any"),
    ("iotlab://saclay/3", "nrf52840dk", "is no node"),
    ("iotlab://saclay?minutes=x", "nrf52840dk", "is no node"),
]


@pytest.mark.parametrize(("port", "board", "expected"), WISHES)
def test_which_node_is_wanted(port: str, board: str, expected: NodeWish | str) -> None:
    if isinstance(expected, NodeWish):
        assert node_wish(port, load_board(board)) == expected
    else:
        with pytest.raises(BadInput, match=expected):
            node_wish(port, load_board(board))


def test_no_programmer_of_ours_flashes_it(tmp_path: Path) -> None:
    with FakeIotLab(tmp_path) as lab:
        done = measured(tmp_path, lab, "--no-flash")
    assert done.code == 1 and "is flashed by IoT-LAB" in done.err and lab.heard == []
