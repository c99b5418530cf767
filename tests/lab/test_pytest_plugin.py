"""The plugin, as a team that writes firmware uses it: their tests, on boards of a bench."""

import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from edgebottle.bench.under_test import BoardUnderTest
from hil.bench.entries import VARIABLE
from hil.records import read
from tests.lab.desk import Desk, each_time

pytest_plugins = ["pytester"]

VIRTUAL = 'version = 1\n[board.double]\nboard = "microbit"\ndriver = "virtual"\n'
TWO = VIRTUAL + '[board.attic]\nboard = "stm32f746"\nport = "/dev/no-such-port"\n'
LEFT_OUT = (
    'version = 1\n[board.old]\nboard = "microbit"\nport = "/dev/no-such-port"\n'
    'quarantine = { reason = "cable", until = 9999-12-31 }\n'
)

NAMES = """
def test_name(board):
    print("runs on", board.name, board.id, board.is_virtual)
"""


@pytest.fixture(autouse=True)
def no_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def ran(pytester: pytest.Pytester, test: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(test)
    return pytester.runpytest_inprocess("-p", "no:anyio", "-rs", "-s", *options)


@pytest.mark.board("microbit")
def test_our_own_tests_use_it(board: BoardUnderTest) -> None:
    assert board.is_virtual and (board.name, board.id) == ("microbit", "microbit")
    model = board.load("digits", schedule="min-ram", ram="16k")
    run = model.run(count=3)
    assert [array.shape for array in run.outputs] == [(3, 10)]
    assert run.real_outputs[0].min() >= 0 and len(run.classes) == 3
    assert run.ram_bytes == run.arena_bytes + run.stack_bytes + run.record.ram.static <= 16384
    assert run.arena_bytes == model.arena_bytes and run.flash_bytes == model.flash_bytes
    assert run.milliseconds == run.slowest_milliseconds and not run.is_measured
    assert run.cycles > run.instructions > run.record.macs  # a core without DSP instructions
    assert f"digits on microbit: 3 samples, {run.milliseconds:.3f} ms modelled" in repr(run)


DIGITS = """
import numpy as np
import pytest

@pytest.fixture
def model(board):
    return board.load("digits")

def test_numbers(model):
    run = model.run(np.zeros((2, 8, 8, 1), np.uint8))
    assert run.outputs[0].shape == (2, 10)

def test_labels(model):
    from edgebottle.zoo import load_samples
    x, y = load_samples("digits")
    np.savez("test.npz", x=x, y=y)
    run = model.run("test.npz", count=4)
    assert run.accuracy == 1.0 and run.classes == tuple(y[:4])

def test_too_slow(model):
    assert model.run(count=1).milliseconds < 0.001

def test_wrong_shape(model):
    model.run(np.zeros((2, 7, 7, 1), np.uint8))

def test_no_labels(model):
    model.run(count=1).accuracy

def test_does_not_fit(board):
    board.load("digits", ram="1k")

def test_no_such_schedule(board):
    board.load("digits", schedule="fast")
"""


def test_a_virtual_board_without_a_bench(pytester: pytest.Pytester) -> None:
    files = ("--edgebottle-records=r.jsonl", "--junitxml=j.xml")
    result = ran(pytester, DIGITS, "--edgebottle-board=microbit", *files)
    result.assert_outcomes(passed=2, failed=5)
    result.stdout.fnmatch_lines(
        [
            "*assert * < 0.001",
            "*+  where * = <digits on microbit: 1 samples, * ms modelled, * bytes of RAM, *",
            "*BadInput: the samples of the test: samples of 'x' have the shape *7, 7*",
            "*BadInput: nothing is known of the accuracy: the samples have no labels*",
            "*DoesNotFit: a budget of 1.0 kB of RAM leaves nothing for a network*",
            "*BadInput: schedule is one of auto, *, not 'fast'",
        ]
    )
    # Of an error its own line is shown, and nothing of what is below.
    assert "pipeline.py" not in result.stdout.str() and "measure.py" not in result.stdout.str()
    assert [record.samples for record in read(pytester.path / "r.jsonl").records] == [2, 4, 1, 1]
    junit = (pytester.path / "j.xml").read_text()
    assert '<property name="ram_bytes" value="' in junit and 'value="modelled"' in junit


def test_a_real_board_is_flashed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = "def test_run(board):\n    board.load('digits').run(count=1)\n"
    with Desk(pytester.path, {"l": each_time(None)(), "r": each_time("wrong-result")()}) as desk:
        monkeypatch.setenv("PATH", desk.environment()["PATH"])
        result = ran(pytester, test, "--edgebottle-bench=bench.toml", "-v")
        assert [board.heard for board in desk.boards.values()] == [["flash"], ["flash"]]
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*test_run?l? PASSED*", "*test_run?r? FAILED*", "*Mismatch: *"])


# bench.toml, the marker, options, what is printed, outcomes
CHOICES: list[tuple[str, str, str, list[str], dict[str, int]]] = [
    ("", '"microbit"', "", ["*runs on microbit microbit True"], {"passed": 1}),
    ("", '"host", "microbit"', "", ["*on host*", "*on microbit*"], {"passed": 2}),
    ("", "", "--edgebottle-board=host --edgebottle-board=microbit", [], {"passed": 2}),
    (
        "",
        '"host"',
        "--edgebottle-board=microbit",
        ["*asks for host, and microbit was*"],
        {"skipped": 1},
    ),
    ("", "", "", ["*no board: --edgebottle-bench FILE names a bench*"], {"skipped": 1}),
    ("", "", "--edgebottle-no-skip", ["*no board: *(--edgebottle-no-skip)"], {"errors": 1}),
    ("", '"esp32"', "", ["*esp32: nothing here runs*"], {"skipped": 1}),
    (VIRTUAL, "", "", ["*runs on double microbit True"], {"passed": 1}),
    (VIRTUAL, '"microbit"', "", ["*runs on double microbit True"], {"passed": 1}),
    (VIRTUAL, '"stm32f746"', "", ["*no board of bench.toml is a stm32f746"], {"skipped": 1}),
    (VIRTUAL, '"stm32f746"', "--edgebottle-no-bench", ["*on stm32f746*"], {"passed": 1}),
    (TWO, "", "", ["*attic: there is no port /dev/no-such-port"], {"passed": 1, "skipped": 1}),
    (TWO, '"all"', "--edgebottle-board=double", ["*on double*"], {"passed": 1}),
    (TWO, "", "--edgebottle-no-skip", ["attic: there is no port*"], {"passed": 1, "errors": 1}),
    (LEFT_OUT, "", "", ["*old: quarantined until 9999-12-31: cable"], {"skipped": 1}),
    (LEFT_OUT, "", "--edgebottle-board=old", ["*old: there is no port *"], {"skipped": 1}),
    ("version = 1\n[board]\n", "", "", ["*bench.toml has no boards*"], {"skipped": 1}),
]


@pytest.mark.parametrize(("bench", "marker", "options", "lines", "outcomes"), CHOICES)
def test_which_boards_a_test_runs_on(
    pytester: pytest.Pytester,
    bench: str,
    marker: str,
    options: str,
    lines: list[str],
    outcomes: dict[str, int],
) -> None:
    if bench:
        pytester.makefile(".toml", bench=bench)
    mark = f"import pytest\n@pytest.mark.board({marker})" if marker else ""
    result = ran(pytester, mark + NAMES, *options.split())
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines(lines)


# bench.toml, the marker, options, exit code, the one message
MISTAKES = [
    ("", '"microbi"', "", 2, "*test_name: no board 'microbi': did you mean 'microbit'*"),
    ("", "", "--edgebottle-board=microbi", 4, "ERROR: no board 'microbi': did you mean*"),
    (VIRTUAL, '"duble"', "", 2, "*no board is called 'duble': did you mean 'double'*"),
    (VIRTUAL, "", "--edgebottle-board=duble", 4, "ERROR: bench.toml: no board is called 'duble'*"),
    ("version = 2\n", "", "", 2, "*bench.toml is of version 2, and this edgebottle reads*"),
    ("version = 1\n[board.x]\n", "", "--edgebottle-bench=bench.toml", 4, "ERROR: *.board' is mis*"),
    ("", "", "--edgebottle-bench=no.toml", 4, "ERROR: *no.toml*"),
    (VIRTUAL, "", "--edgebottle-bench=b --edgebottle-no-bench", 4, "ERROR: *exclude each other"),
]


@pytest.mark.parametrize(("bench", "marker", "options", "code", "message"), MISTAKES)
def test_mistakes_are_named_once(
    pytester: pytest.Pytester, bench: str, marker: str, options: str, code: int, message: str
) -> None:
    if bench:
        pytester.makefile(".toml", bench=bench)
    mark = f"import pytest\n@pytest.mark.board({marker})" if marker else ""
    result = ran(pytester, mark + NAMES, *options.split())
    assert result.ret == code
    lines = [*result.outlines, *result.errlines]
    pytest.LineMatcher(lines).fnmatch_lines([message])
    assert "Traceback" not in "\n".join(lines)


def test_a_board_of_ones_own_is_left_alone(pytester: pytest.Pytester) -> None:
    test = """
    import pytest

    @pytest.mark.parametrize("board", [1, 2])
    def test_values(board):
        assert board in (1, 2)
    """
    ran(pytester, test, "--edgebottle-board=microbit").assert_outcomes(passed=2)


def test_pytest_starts_without_the_rest_of_edgebottle(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it():\n    pass\n")
    code = (
        "import json, sys, pytest\n"
        "code = pytest.main(['-q', '-p', 'no:cacheprovider'])\n"
        "print(json.dumps([int(code), *sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    end, *loaded = json.loads(done.stdout.splitlines()[-1])
    assert end == 0
    ours = [name for name in loaded if name.split(".")[0] in ("edgebottle", "hil", "quantize")]
    assert ours == ["edgebottle", "edgebottle.pytest_plugin"]
    assert not {"numpy", "click", "serial", "unicorn"} & set(loaded)


def test_it_is_registered() -> None:
    (found,) = entry_points(group="pytest11", name="edgebottle")
    assert found.value == "edgebottle.pytest_plugin"
