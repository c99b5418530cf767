"""A computer with Linux at the far end of an SSH connection: here, a server on this computer."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgebottle.boards import load_board
from edgebottle.drivers import Faulted, open_session
from edgebottle.errors import BadInput, BoardError
from edgebottle.pipeline import Built, build, load
from hil.answers import CpuCounters
from hil.ssh import CONFIG, LAUNCHER, RemoteComputer, SshAddress
from hil.system_record import SystemRecord
from tests.cli.command_line import edgebottle, environment
from tests.conftest import needs_qemu_user
from tests.ssh_server import SshServer

BOARD = "raspberry_pi_4"


@pytest.fixture(scope="module")
def pi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A computer that starts programs of a Cortex-A72."""
    launcher = {LAUNCHER: "qemu-aarch64 -cpu cortex-a72"}
    with SshServer(tmp_path_factory.mktemp("pi"), launcher) as server:
        yield server


@pytest.fixture(scope="module")
def pc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A computer as it is."""
    with SshServer(tmp_path_factory.mktemp("pc")) as server:
        yield server


@pytest.fixture(scope="module")
def built() -> Built:
    return build(load("digits"), load_board(BOARD))


@needs_qemu_user
def test_measuring_over_ssh(pi: SshServer, tmp_path: Path) -> None:
    line = ("measure", "digits", "-b", BOARD, "--port", pi.url, "--samples", "2", "--runs", "3")
    env = environment(**{CONFIG: str(pi.config)})
    record = edgebottle(*line, "--json", cwd=tmp_path, env=env).json()
    assert record["match"] and record["exact"] and not record["virtual"]
    assert record["latency_kind"] == "measured" and record["latency_us"][1] > 0
    system = record["system"]
    assert system["port"] == pi.url and system["kernel"].startswith("Linux")
    assert system["launcher"] == "qemu-aarch64 -cpu cortex-a72"
    # The emulator counts nothing, and says so.
    assert system["instructions"] is None and record["cycles"] is None
    assert any("perf_event_paranoid" in text for text in record["remarks"])
    assert list((pi.folder / "home").iterdir()) == [], "what was copied there is gone"
    shown = edgebottle("report", "edgebottle-out/records.jsonl", cwd=tmp_path)
    assert shown.code == 0 and BOARD in shown.out


@needs_qemu_user
def test_verifying_over_ssh(pi: SshServer, tmp_path: Path) -> None:
    line = ("verify", "digits", "-b", BOARD, "--port", pi.url, "--samples", "3", "--json")
    found = edgebottle(*line, cwd=tmp_path, env=environment(**{CONFIG: str(pi.config)})).json()
    assert found["match"] and found["implementations"][-1] == f"real {BOARD}"


def test_a_computer_of_another_architecture(pc: SshServer, monkeypatch) -> None:
    monkeypatch.setenv(CONFIG, str(pc.config))
    machine = os.uname().machine
    other = "armv7" if machine in ("aarch64", "arm64") else "aarch64"
    if machine not in ("aarch64", "arm64"):
        with pytest.raises(BoardError, match=f"is a computer of {machine}, the program is for"):
            RemoteComputer(pc.url, other)
    assert list((pc.folder / "home").iterdir()) == []


def failing(pc: SshServer, url: str, config: str = "") -> str:
    """What is said of a computer that cannot be reached."""
    own = pc.folder / "other_config"
    own.write_text(pc.config.read_text() + config if not config.startswith("!") else config[1:])
    with pytest.MonkeyPatch.context() as patch, pytest.raises(BoardError) as caught:
        patch.setenv(CONFIG, str(own))
        RemoteComputer(url, "aarch64")
    return str(caught.value)


def test_computers_that_cannot_be_reached(pc: SshServer) -> None:
    user = pc.url.split("@")[0]
    found = failing(pc, f"{user}@no-such-host.invalid")
    assert found == f"{user}@no-such-host.invalid: there is no such host"
    assert "no SSH server listens there" in failing(pc, f"{user}@127.0.0.1:1")
    known = f"!IdentityFile {pc.folder / 'user'}\nGlobalKnownHostsFile /dev/null\n"
    known += f"UserKnownHostsFile {pc.folder / 'nothing'}\n"
    assert "its host key is not known here: connect once with `ssh " in failing(pc, pc.url, known)
    known = f"!IdentityFile {pc.folder / 'nothing'}\nIdentitiesOnly yes\nIdentityAgent none\n"
    known += f"UserKnownHostsFile {pc.folder / 'known'}\n"
    assert "with the keys that are here: `ssh-copy-id " in failing(pc, pc.url, known)


@needs_qemu_user
@pytest.mark.parametrize(
    ("number", "says"),
    [
        (signal.SIGKILL, r"was ended by signal 9 \(killed, as by the system when memory is short"),
        (signal.SIGILL, r"was ended by signal 4 \(illegal instruction: this CPU lacks one that"),
    ],
)
def test_a_program_that_is_killed_there(
    pi: SshServer, built: Built, monkeypatch, number: int, says: str
) -> None:
    monkeypatch.setenv(CONFIG, str(pi.config))
    with pytest.raises(Faulted, match=says), open_session(built, pi.url) as session:
        (pid,) = [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if path.read_bytes().startswith(b"qemu-aarch64\0")
            and str(pi.folder).encode() in os.readlink(path.parent / "cwd").encode()
        ]
        os.kill(pid, number)
        session.run([bytes(64)])


# What is given as a port, what is said of it.
NO_ADDRESS = (
    "ssh://",
    "ssh://-oProxyCommand=x",
    "ssh://pi:secret@host",
    "ssh://host/path",
    "ssh://ho st",
    "ssh://$(x)@host",
)


@pytest.mark.parametrize("url", NO_ADDRESS)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(BadInput, match="is not of the form ssh://USER@HOST"):
        SshAddress.parse(url)


def test_addresses() -> None:
    assert SshAddress.parse("ssh://pi@10.0.0.7:2222") == SshAddress("10.0.0.7", "pi", 2222)
    assert SshAddress.parse("ssh://raspberrypi.local").target == "raspberrypi.local"
    with pytest.raises(BadInput, match="Port"):
        SshAddress.parse("ssh://host:99999")


BEFORE = {
    "kernel": "Linux 6.6",
    "computer": "Raspberry Pi 4 Model B",
    "cpu": "part 0xd08",
    "cores": "4",
    "governor": "ondemand",
    "khz": "600000",
    "max_khz": "1500000",
    "millicelsius": "41000",
}


def test_what_a_throttled_computer_is_said_to_be() -> None:
    after = {**BEFORE, "khz": "1500000", "millicelsius": "82600", "throttled": "0x50004"}
    system = SystemRecord.of("ssh://pi@pi", BEFORE, after, CpuCounters(10, 20))
    assert (system.megahertz_before, system.megahertz_after) == (600, 1500)
    assert system.instructions == 20 and system.cores == 4
    about, governed, *throttled = system.remarks()
    assert about == (
        "Raspberry Pi 4 Model B, part 0xd08, Linux 6.6, 600 to 1500 MHz, 41 to 83 degrees Celsius"
    )
    assert "ondemand" in governed
    assert throttled == [
        "the voltage is too low, or was since it started (get_throttled 0x50004)",
        "the clock is throttled (get_throttled 0x50004)",
    ]
    fast = replace(system, governor="performance", throttled="0x0", instructions=None)
    assert fast.remarks()[1:] == (
        "its CPU's counters may not be read (kernel.perf_event_paranoid)",
    )
    nothing = SystemRecord.of("ssh://pi@pi", {}, {}, None)
    assert nothing.megahertz_before is None and nothing.remarks()[0] == ""
