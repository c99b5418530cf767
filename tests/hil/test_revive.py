"""Boards that hang, and what brings them back."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from fake_board import READY, Answer, FakeBoard
from fake_programmers import PORT, calls, install, tools_fixture
from port_server import PortServer

from edgebottle import drivers
from edgebottle.boards import load_board
from edgebottle.errors import BoardError
from hil import revive
from hil.bench.power import PowerSwitch
from hil.link import BAUD, LinkClosed
from hil.probes import ProbeChoice
from hil.protocol import BoardClient, Refused, Silent
from hil.recovery import ANSWERS, BoardLost, RecoveryStep, steps_of
from hil.session import WrongImage

__all__ = ["tools_fixture"]

SILENT: dict[str, Answer] = {"": b"", **{f"sync-{i}": b"" for i in range(1, 30)}}
BOARD = load_board("microbit")
PROBE = ProbeChoice(serial="7F")
BREAK, DTR, OPENOCD = "a break on the line", "a pulse of DTR", "a reset by openocd"
CYCLE = "power off and on"
CRC = 0xC0FFEE


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revive, "ANSWER_SECONDS", 1.0)
    connect = BoardClient.connect
    monkeypatch.setattr(BoardClient, "connect", partial(connect, boot_seconds=1.0))


class HungBoard(FakeBoard):
    """Silent until ``cure`` happens on its line, or a program has written a file."""

    def __init__(self, cure: str, file: Path) -> None:
        super().__init__({**SILENT, "build": f"m-build-[{CRC:08x}]\r\n".encode() + READY})
        self.cure, self.file = cure, file

    def heard(self, line: str) -> None:
        if line == self.cure:
            self.wake()

    def wake(self) -> None:
        for command in SILENT:
            self.answers.pop(command, None)

    def _answer(self, command: str) -> bytes | None:
        if self.cure == "program" and self.file.exists():
            self.wake()
        return super()._answer(command)


POWERED = replace(PROBE, power=PowerSwitch("switch off", "switch on", 0))
UNPOWERED = ProbeChoice(power=PowerSwitch("switch off", "no-such-switch", 0))

# what helps, what writes the file then, how the board is reached, what is done and in which steps,
# whether it answers then
ROWS = [
    ("break 1", "", ProbeChoice(), {"break": BREAK}, True),
    ("dtr 0", "", ProbeChoice(), {"break": BREAK, "dtr": DTR}, True),
    ("program", "openocd", POWERED, {"break": BREAK, "dtr": DTR, "probe": OPENOCD}, True),
    ("nothing", "", PROBE, {"break": BREAK, "dtr": DTR, "probe": OPENOCD}, False),
    (
        *("program", "switch", POWERED),
        {"break": BREAK, "dtr": DTR, "probe": OPENOCD, "power": CYCLE},
        True,
    ),
    ("nothing", "", UNPOWERED, {"break": BREAK, "dtr": DTR, "power": CYCLE}, False),
]


def touch(path: Path) -> str:
    return f"open({str(path)!r}, 'w').close()"


@pytest.mark.parametrize(("cure", "writer", "choice", "done", "answers"), ROWS)
def test_what_brings_a_board_back(
    tools: Path, cure: str, writer: str, choice: ProbeChoice, done: dict[str, str], answers: bool
) -> None:
    flag, logs = tools / "flag", {}
    for name in ("openocd", "switch"):
        logs[name] = install(tools, name, touch(flag) if name == writer else "")
    with HungBoard(cure, flag) as board, PortServer(board.url, board.heard) as server:
        driver = drivers._RealDriver(server.url, CRC, BOARD, choice)
        revival = driver.revive()
        assert revival is not None and revival.answers == answers
        line, *steps = revival.steps
        assert line.step == "line" and "no answer in 1 s" in line.saw
        assert {one.step: one.did for one in steps} == done
        assert [one.saw for one in steps if one.saw == ANSWERS] == [ANSWERS] * answers
        assert len(calls(logs["openocd"])) == ("probe" in done)
        if answers:
            assert str(revival) == f"{steps[-1].did} brought the board back"
            assert driver.revive() is None  # it answers as it is
        else:
            assert ", ".join(done.values()) in str(revival) and "it stays silent" in str(revival)
            assert ("take its power off" in str(revival)) == ("power" not in done)
    if "power" in done:
        assert calls(logs["switch"]) == (["off", "on"] if answers else ["off"])
        assert answers or "cannot switch power: no-such-switch" in steps[-1].saw


def test_a_session_begins_after_it(tools: Path) -> None:
    with HungBoard("dtr 0", tools) as board, PortServer(board.url, board.heard) as server:
        driver = drivers._RealDriver(server.url, CRC, BOARD, ProbeChoice())
        with drivers._started(driver, BOARD) as session:
            assert session.remarks == [
                "the board was silent at first: a pulse of DTR brought the board back"
            ]
            assert [one.step for one in session.recovery] == ["line", "break", "dtr"]


def test_the_core_is_looked_into_first(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hil import pyocd_core

    looked: list[object] = []

    def look(*about: object) -> str:
        looked.append(about)
        return "it was seen"

    monkeypatch.setattr(pyocd_core, "looked_into", look)
    with HungBoard("dtr 0", tools) as board, PortServer(board.url, board.heard) as server:
        driver = drivers._RealDriver(server.url, CRC, BOARD, PROBE, elf=tools)
        revival = driver.revive()
        assert str(revival) == f"it was seen; {DTR} brought the board back"
        assert revival.steps[1] == RecoveryStep("core", "looked into its core", "it was seen")
        assert driver.revive() is None
    assert looked == [(BOARD, "7F", tools)]
    for choice in (ProbeChoice(), ProbeChoice(serial="7F", resets=("dtr",))):
        assert revive.seen_by_probe(BOARD, "rfc2217://h:1", choice, tools) == ""


def test_a_session_that_does_not_begin(tools: Path) -> None:
    with HungBoard("nothing", tools) as board, PortServer(board.url, board.heard) as server:
        driver = drivers._RealDriver(server.url, CRC, BOARD, ProbeChoice())
        message = r"no answer in .*; tried to bring .* DTR; it stays"
        with pytest.raises(BoardError, match=message) as raised:
            drivers._started(driver, BOARD)
    later = BoardError("later")
    later.__cause__ = raised.value
    assert [one.step for one in steps_of(later)] == ["line", "break", "dtr"]
    assert steps_of(BoardError("alone")) == ()


def test_a_board_that_faulted_is_left_alive(tools: Path) -> None:
    fault = BoardError("the board's processor faulted: pc=0x10")
    with HungBoard("break 1", tools) as board, PortServer(board.url, board.heard) as server:
        driver = drivers._RealDriver(server.url, CRC, BOARD, ProbeChoice())
        told = drivers._explained(driver, fault)
        assert str(told) == f"{fault}; {BREAK} brought the board back"
        assert [one.saw for one in steps_of(told)][1:] == [ANSWERS]
        assert drivers._explained(driver, fault) is None
        for error in (Silent("x"), Refused("x"), WrongImage("x")):
            board.answers.update(SILENT)  # it would be found silent
            assert drivers._explained(driver, error) is None


def test_what_there_is_to_try() -> None:
    for port, choice, count in (
        (PORT, ProbeChoice(), 3),
        ("rfc2217://h:1", ProbeChoice(), 2),
        ("rfc2217://h:1", PROBE, 3),
        ("socket://h:1", PROBE, 1),
        ("socket://h:1", UNPOWERED, 1),
        ("socket://h:1", ProbeChoice(), 0),
    ):
        assert len(revive.ways_of(BOARD, port, choice)) == count, port


def test_a_port_that_is_gone() -> None:
    """It is said behind what the board was lost by, unless that was the end of the line."""
    ways = revive.ways_of(BOARD, PORT, PROBE)
    with pytest.raises(revive.PortGone, match="there is no port /dev/no-such-port"):
        revive.revive("/dev/no-such-port", BAUD, ways)
    driver = drivers._RealDriver("/dev/no-such-port", CRC, BOARD, PROBE, ways=ways)
    with pytest.raises(revive.PortGone, match=r"^it hangs; then there is no port /dev"):
        drivers._explained(driver, BoardError("it hangs"))
    assert drivers._explained(driver, LinkClosed("closed")) is None


@pytest.mark.parametrize(
    ("code", "cure", "kind"),
    [(0, "nothing", revive.LineDead), (1, "nothing", type(None)), (0, "program", BoardLost)],
    ids=["silent when reset", "not reset", "answers when reset"],
)
def test_silence_after_a_restart_is_of_the_line(
    tools: Path, code: int, cure: str, kind: type
) -> None:
    install(tools, "openocd", f"{touch(tools / 'flag')}; sys.exit({code})")
    choice = ProbeChoice(serial="7F", resets=("probe",))
    with HungBoard(cure, tools / "flag") as board, PortServer(board.url, board.heard) as server:
        driver = drivers._RealDriver(server.url, CRC, BOARD, choice)
        told = drivers._explained(driver, BoardError("it hangs"))
    assert type(told) is kind
    if told is not None:
        assert str(told).startswith("it hangs; ") and steps_of(told)[-1].step == "probe"
