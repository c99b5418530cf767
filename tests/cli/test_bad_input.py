"""Bad input, as users give it: one clear message, the right exit code, and files stay."""

import json
import os
import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command_line import DIGITS, edgebottle, environment, files_of, installed
from tests.report.make_record import make_record

INPUT, USAGE, TOOLS = 1, 2, 3

FILES: dict[str, bytes] = {
    "text.tflite": b"hello\n",
    "empty.tflite": b"",
    "truncated.tflite": DIGITS.read_bytes()[:5000],
    "half.tflite": DIGITS.read_bytes()[: DIGITS.stat().st_size // 2],
    "mark.tflite": b"\x1c\0\0\0TFL3",
    "corrupt.tflite": DIGITS.read_bytes()[:8] + b"\xff" * 64 + DIGITS.read_bytes()[72:],
    "page.tflite": b"<!DOCTYPE html><html><body>404</body></html>",
    "keras.h5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "net.onnx": b"\x08\x07\x12\x07pytorch\x1a\x052.1.0",
    "pointer.tflite": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    "model.tflite": DIGITS.read_bytes(),
    "notes/mine.txt": b"precious",
}


def _may_do_everything() -> bool:
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0)
        return os.access(file.name, os.R_OK)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    with zipfile.ZipFile(tmp_path / "net.zip", "w") as archive:
        archive.writestr("model.tflite", DIGITS.read_bytes())
    np.savez(tmp_path / "shape.npz", x=np.zeros((3, 5, 5, 1), np.int8))
    np.savez(tmp_path / "pickled.npz", x=np.array([{}, {}], dtype=object))
    np.save(tmp_path / "single.npy", np.zeros((3, 8, 8, 1), np.int8))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "record.jsonl").write_text('{"format": 99}\n')
    return tmp_path


def fails(folder: Path, line: str, code: int, message: str) -> str:
    """Runs ``line`` with and without --json and checks what every failure has in common."""
    before = files_of(folder)
    plain = edgebottle(*line.split(), cwd=folder)
    assert plain.code == code, plain
    assert plain.out == ""
    assert re.search(message, plain.err), plain.err
    assert "Traceback" not in plain.err and "bug in edgebottle" not in plain.err
    assert "\x1b" not in plain.err
    said = [x for x in plain.err.splitlines() if not x.startswith(("model: ", "Usage:", "Try "))]
    assert [x for x in said if x] == [x for x in said if x.startswith("Error: ")], plain.err
    assert len([x for x in said if x]) == 1
    assert files_of(folder) == before
    return plain.err


MODELS = [
    ("inspect nothing.tflite", "there is no file nothing.tflite"),
    ("inspect modle.tflite", r"no file modle\.tflite: did you mean model\.tflite\?"),
    ("inspect digit", "no file digit: did you mean digits"),
    ("inspect zzz", r"no file zzz \(networks of the zoo: digits"),
    ("inspect notes", "notes is a folder: give a model file"),
    ("inspect empty.tflite", r"empty\.tflite: the file is empty"),
    ("inspect text.tflite", r"text\.tflite: the file is text, not a model"),
    ("inspect truncated.tflite", r"truncated\.tflite: the file is (corrupt|truncated)"),
    ("inspect half.tflite", r"half\.tflite: the file is (corrupt|truncated)"),
    ("inspect mark.tflite", r"mark\.tflite: the file is (corrupt|truncated)"),
    ("inspect corrupt.tflite", r"corrupt\.tflite: the file is corrupt"),
    ("inspect page.tflite", "is a web page, not a model; download the raw file"),
    ("inspect keras.h5", r"keras\.h5: .*Keras weights.*docs/models\.md"),
    ("inspect net.onnx", r"net\.onnx: the file is no ONNX model: it has no graph"),
    ("inspect net.zip", "is a ZIP archive; unpack it"),
    ("inspect pointer.tflite", "Git LFS pointer.*git lfs pull"),
    ("inspect model.tflite --name 1x", "'1x' is no name for a model"),
    ("inspect pipe", "cannot read pipe: it is a pipe, not a file"),
    ("inspect /dev/zero", "cannot read /dev/zero: it is a device, not a file"),
    (f"inspect {'x' * 300}", "xxx: File name too long"),
    ("inspect --dump model.tflite model.tflite", "cannot write model.tflite"),
    ("build text.tflite -b microbit", r"text\.tflite: the file is text"),
    ("verify text.tflite -b microbit", r"text\.tflite: the file is text"),
    ("measure text.tflite -b microbit", r"text\.tflite: the file is text"),
]

PLACES = [
    ("build -b stm32f764", "no board 'stm32f764': did you mean 'stm32f746'"),
    ("build -b zzz", "no board 'zzz': boards: arduino_nano_33_ble, .*microbit"),
    ("build -b microbit --ram 3k", r"needs .* of RAM .*budget allows 3\.0 kB: .* too much\. The "),
    ("build -b microbit --flash 9k", r"code at least 6\.9 kB\), the budget allows 9\.0 kB"),
    ("build -b microbit --ram 2k", r"a budget of 2\.0 kB of RAM leaves nothing .*stack takes 2\.0"),
    ("verify -b microbit --flash 6k", r"a budget of 6\.0 kB of flash leaves nothing for a network"),
    ("build -b microbit --out model.tflite", "model.tflite is a file: give a folder"),
    ("build -b microbit --out notes", "notes holds files that edgebottle did not write"),
    ("build -b microbit --out .", r"--out \. is the folder you are in"),
    ("build -b microbit --out ..", r"--out \.\. is the folder you are in, or above it"),
    ("build -b microbit --out model.tflite/x", "cannot write"),
    ("build -b microbit --out /proc/no/way", "cannot write /proc/no/way: /proc: "),
    ("measure -b microbit --records /proc/no", "cannot write /proc/no: /proc: "),
    ("build -b microbit --out /proc", "/proc is a mount point"),
    (f"build -b microbit --out {'x' * 300}", "xxx: File name too long"),
    ("measure -b microbit --records pipe", "cannot write pipe: it is a pipe, not a file"),
    ("measure -b microbit --inputs pipe", "cannot read pipe: it is a pipe, not a file"),
    ("measure -b microbit --inputs /dev/zero", "it is a device, not a file"),
    ("measure -b microbit --records notes", "cannot write notes: it is a folder"),
    ("measure -b microbit --records model.tflite/r", "model.tflite is a file"),
    ("demo --out model.tflite", "model.tflite is a file"),
    ("measure -b host --input rows --runs 2", "--runs 2: with --input rows a run uses up the rows"),
    ("measure -b microbit --inputs no.npz", "cannot read no.npz: No such file"),
    ("measure -b microbit --inputs notes", "cannot read notes: it is a folder"),
    ("measure -b microbit --inputs text.tflite", "text.tflite: not an .npz file"),
    ("measure -b microbit --inputs single.npy", "single.npy: not an .npz file"),
    ("measure -b microbit --inputs pickled.npz", "pickled.npz: not an .npz file of plain arrays"),
    ("measure -b microbit --inputs shape.npz", r"shape \[5, 5, 1\], input .* takes \[1, 8, 8, 1\]"),
    (
        "profile -b host",
        "host runs on this computer, which counts no instructions: profile a virtual",
    ),
    ("profile -b mps3_an547", "mps3_an547 runs on QEMU, where no loops are counted: profile a vi"),
    ("verify -b stm32f746 --emulator qemu", "QEMU has no machine that runs .* stm32f746 as it is;"),
    ("profile -b microbit --html notes", "cannot write notes: it is a folder"),
    ("profile text.tflite -b microbit", r"text\.tflite: the file is text"),
    ("report no.jsonl", "cannot read no.jsonl: No such file"),
    ("report notes", "cannot read notes: it is a folder"),
    ("report pipe", "cannot read pipe: it is a pipe, not a file"),
    ("report empty.tflite", "holds no records"),
    ("report text.tflite", "text.tflite, line 1: not JSON"),
    ("report record.jsonl", "record.jsonl, line 1: record format 99: this version reads 1"),
    ("init no.tflite", "there is no file no.tflite"),
    ("init digits --board zzz", "no board 'zzz'"),
    ("zoo train digts", "no network 'digts': did you mean digits"),
    ("zoo train digits --out /proc/no/way", "cannot write /proc/no/way"),
]

USAGES = [
    ("frob", r"There is no command 'frob'\."),
    ("-b host build", "'-b' here: .* behind its name, as in `edgebottle boards --json`"),
    ("biuld", "There is no command 'biuld'. Did you mean 'build'"),
    ("zoo tain", "'tain'. *Did you mean 'train'"),
    ("build --bord x", "'?--bord'?.*--board"),
    ("build a b", "unexpected extra argument"),
    ("build", "Give a board with --board ID; `edgebottle boards` lists them"),
    ("measure", "Give a board with --board ID"),
    ("verify", "Give a board with --board ID"),
    ("measure -b host --port /dev/x", "takes no --port"),
    ("profile", "Give a board with --board ID"),
    ("profile -b microbit --port /dev/x", "does not count its loops: profile takes no --port"),
    ("profile -b microbit --loops -1", "-1 is not in the range"),
    ("build -b microbit --ram 2x", "'--ram': '2x' is not a number of bytes such as 65536"),
    ("build -b microbit --ram -1", "'--ram': '-1' is not a number of bytes"),
    ("build -b microbit --flash 0", "'--flash': '0' is not a number of bytes"),
    ("build -b microbit --toolchain zic", "'zic' is not one of 'zig', 'gcc'"),
    ("verify -b microbit --samples 0", "0 is not in the range"),
    ("measure -b microbit --runs x", "'x' is not a valid int"),
    ("report", "Missing argument 'RECORDS"),
    ("zoo train", "Missing argument 'NAME'"),
]

ROWS = [
    *((line, INPUT, message) for line, message in MODELS),
    *((line, INPUT, message) for line, message in PLACES),
    *((line, USAGE, message) for line, message in USAGES),
    ("measure -b microbit --port /dev/no-such", TOOLS, "there is no port /dev/no-such"),
    ("measure -b microbit --port socket://127.0.0.1:1", TOOLS, r"cannot connect.*running\?"),
]


@pytest.mark.parametrize(("line", "code", "message"), ROWS, ids=[row[0] for row in ROWS])
def test_bad_input(folder: Path, line: str, code: int, message: str) -> None:
    said = fails(folder, line, code, message)
    assert ("Usage: edgebottle" in said) == (code == USAGE)


ERRORS = [
    ("inspect no", INPUT, "BadInput", "there is no file no"),
    ("inspect text.tflite", INPUT, "BadModel", "text.tflite: the file is text"),
    ("build -b zzz", INPUT, "BoardNotFound", "no board 'zzz'"),
    ("build -b microbit --flash 20k", INPUT, "DoesNotFit", "digits needs "),
    ("build", USAGE, "Usage", "Give a board with --board ID"),
    ("frob", USAGE, "Usage", "There is no command 'frob'"),
    ("report no", INPUT, "BadInput", "cannot read no: "),
    ("measure -b microbit --inputs no", INPUT, "BadInput", "cannot read no: "),
    ("measure -b microbit --port /dev/no", TOOLS, "BoardError", "there is no port /dev/no"),
]


@pytest.mark.parametrize(("line", "code", "kind", "message"), ERRORS, ids=[e[0] for e in ERRORS])
def test_an_error_as_json(folder: Path, line: str, code: int, kind: str, message: str) -> None:
    done = edgebottle(*line.split(), "--json", cwd=folder)
    (error,) = json.loads(done.out).values()
    assert (done.code, error["exit_code"], error["kind"]) == (code, code, kind), done
    assert error["message"].startswith(message) and f"Error: {error['message']}\n" in done.err
    assert not done.err.startswith("model: ")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "build {}/mlperf-tiny/vww_96_int8.tflite -b microbit",
            r"needs .* kB of RAM .*microbit allows 16\.0 kB: .* kB too much\. The largest step is "
            r"\S+ with .* kB",
        ),
        (
            "build {}/mlperf-tiny/ad01_int8.tflite -b longan_nano",
            r"needs .* of (RAM|flash) .*longan_nano allows",
        ),
    ],
)
def test_real_models_that_cannot_be(folder: Path, shared: Path, line: str, message: str) -> None:
    fails(folder, line.format(shared / "models"), INPUT, message)


def test_without_gcc(folder: Path) -> None:
    env = environment(PATH=str(folder / "notes"))
    line = ("build", "model.tflite", "-b", "microbit", "--toolchain", "gcc", "--out", "o")
    done = installed(*line, cwd=folder, env=env)
    assert done.code == TOOLS and done.out == "" and "arm-none-eabi-gcc" in done.err
    assert "Traceback" not in done.err and not (folder / "o").exists()


def test_init_does_not_write_over_a_file(folder: Path) -> None:
    (folder / "edgebottle.toml").write_text("# mine\n")
    fails(folder, "init", INPUT, r"edgebottle\.toml exists already: .*--force")
    assert edgebottle("init", "--force", cwd=folder).code == 0


CONFIGS = [
    ("model = ", r"is not valid TOML: .*\(at "),
    ("\xff", "is not valid TOML: .*decode"),
    ("modle = 'digits'", "unknown key 'modle': did you mean 'model'"),
    ("zzz = 1", "unknown key 'zzz'; known: model, board"),
    ("model = 3", "'model' must be text in quotes, not 3"),
    ("budget = 3", "'budget' must be a table, not 3"),
    ("model = 'gone.tflite'", r"edgebottle\.toml: there is no file gone\.tflite"),
    ("board = 'zzz'", r"edgebottle\.toml: no board 'zzz'"),
]


@pytest.mark.parametrize(("text", "message"), CONFIGS)
def test_a_bad_configuration(folder: Path, text: str, message: str) -> None:
    (folder / "edgebottle.toml").write_bytes(text.encode("latin-1"))
    fails(folder, "build", INPUT, message)


def test_the_report_never_replaces_its_records(folder: Path) -> None:
    from hil.records import append

    append(folder / "r.html", make_record())
    fails(folder, "report r.html", INPUT, "r.html holds the records")
    append(folder / "r.jsonl", make_record())
    fails(folder, "report r.jsonl --html notes", INPUT, "cannot write notes: it is a folder")


def test_the_report_goes_on_past_a_broken_line(folder: Path) -> None:
    from hil.records import append

    for _ in range(3):
        append(folder / "r.jsonl", make_record())
    lines = (folder / "r.jsonl").read_text().splitlines(keepends=True)
    (folder / "r.jsonl").write_text(lines[0] + lines[1][:-9] + "\n" + lines[2])
    done = edgebottle("report", "r.jsonl", "--json", cwd=folder)
    assert len(done.json()["records"]) == 2
    assert re.fullmatch(r"Warning: r\.jsonl, line 2: not JSON \(.*\); left out\n", done.err)


@pytest.mark.skipif(_may_do_everything(), reason="root may read and write everything")
@pytest.mark.parametrize(
    ("forbid", "mode", "line", "code", "message"),
    [
        ("model.tflite", 0o000, "inspect model.tflite", INPUT, "cannot read .*Permission denied"),
        ("notes", 0o500, "build -b microbit --out notes/o", INPUT, "cannot write .*notes"),
        ("notes", 0o500, "measure -b host --records notes/r", INPUT, "Permission denied"),
        ("record.jsonl", 0o000, "report record.jsonl", INPUT, "cannot read .*Permission denied"),
    ],
)
def test_no_permission(
    folder: Path, forbid: str, mode: int, line: str, code: int, message: str
) -> None:
    path = folder / forbid
    kept = path.stat().st_mode
    path.chmod(mode)
    try:
        done = edgebottle(*line.split(), cwd=folder)
    finally:
        path.chmod(kept)
    assert done.code == code and re.search(message, done.err), done.err
    assert "Traceback" not in done.err


def test_a_cache_that_cannot_be_made(folder: Path) -> None:
    env = environment(EDGEBOTTLE_CACHE=str(folder / "model.tflite" / "cache"))
    done = edgebottle("build", "-b", "microbit", cwd=folder, env=env)
    assert done.code == TOOLS and "set EDGEBOTTLE_CACHE to a folder" in done.err
    assert "Traceback" not in done.err


def test_a_bug_of_ours_asks_to_be_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import edgebottle.boards
    from edgebottle.cli.main import main

    def broken(*_: object) -> None:
        raise AssertionError("oops")

    monkeypatch.setattr(edgebottle.boards, "all_boards", broken)
    monkeypatch.setattr("sys.argv", ["edgebottle", "boards"])
    with pytest.raises(SystemExit) as caught:
        main()
    err = capsys.readouterr().err
    assert caught.value.code == 70 and "Traceback" in err and "This is a bug in edgebottle" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_no_bug_of_ours() -> None:
    import subprocess

    from tests.cli.command_line import SCRIPT

    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [str(SCRIPT), "boards", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == TOOLS
    assert done.stderr == "Error: No space left on device\n"


MakeArrays = Callable[[], dict[str, "np.ndarray"]]
IMAGES = np.zeros((4, 8, 8, 1), np.int8)
ARRAYS: list[tuple[str, MakeArrays, str]] = [
    ("dtype", lambda: {"x": IMAGES.astype(np.int64)}, "'x' is int64, which input .* cannot take"),
    ("complex", lambda: {"x": IMAGES.astype(complex)}, "'x' is complex128"),
    ("text", lambda: {"x": np.array(["a"] * 4)}, r"samples of 'x' have the shape \[\]"),
    ("scalar", lambda: {"x": np.int8(3)}, "samples of 'x' have the shape"),
    ("none", lambda: {"x": IMAGES[:0]}, "holds no samples"),
    ("names", lambda: {"a": IMAGES, "b": IMAGES}, "has no array for input .*found: a, b"),
    ("nothing", dict, "found: none"),
    ("nan", lambda: {"x": np.full((4, 8, 8, 1), np.nan)}, "not finite"),
    ("few labels", lambda: {"x": IMAGES, "y": np.zeros(3, int)}, "4 samples but 3 labels"),
    ("many labels", lambda: {"x": IMAGES, "y": np.zeros(5, int)}, "4 samples but 5 labels"),
    ("negative", lambda: {"x": IMAGES, "y": np.array([0, 9, -1, 0])}, "label -1 of sample 2 is"),
    ("beyond", lambda: {"x": IMAGES, "y": np.full(4, 10)}, "none of the classes 0 to 9 of output"),
    ("huge", lambda: {"x": IMAGES, "y": np.full(4, 2**64 - 1, np.uint64)}, "label 18446744073709"),
    ("empty pixels", lambda: {"x": np.zeros((10**12, 0))}, r"samples of 'x' have the shape \[0\]"),
    (
        "classes",
        lambda: {"x": IMAGES, "y": np.eye(4, 7)},
        "one-hot labels have 7 classes, .* has 10",
    ),
    (
        "one-hot",
        lambda: {"x": IMAGES, "y": np.zeros((4, 10))},
        "neither one integer class nor one one-hot",
    ),
]


@pytest.mark.parametrize(("name", "arrays", "message"), ARRAYS, ids=[row[0] for row in ARRAYS])
def test_bad_samples(tmp_path: Path, name: str, arrays: MakeArrays, message: str) -> None:
    from edgebottle.errors import BadInput
    from edgebottle.pipeline import load
    from edgebottle.samples import load_samples

    path = tmp_path / "s.npz"
    np.savez(path, **arrays())
    with pytest.raises(BadInput, match=message):
        load_samples(path, load("digits").graph)


BUDGETS = [
    ("ram = true", "'budget.ram' must be a number of bytes, not True"),
    ("ram = -5", "'budget.ram': '-5' is not a number of bytes"),
    ("flash = 1.5", "'budget.flash' must be a number of bytes, not 1.5"),
    ("flash = 'x'", "'budget.flash': 'x' is not a number of bytes"),
    ("rom = 5", "unknown key 'budget.rom': did you mean 'ram'"),
]


@pytest.mark.parametrize(("line", "message"), BUDGETS)
def test_bad_budgets(tmp_path: Path, line: str, message: str) -> None:
    from edgebottle.config import load_config
    from edgebottle.errors import BadInput

    (tmp_path / "edgebottle.toml").write_text(f"[budget]\n{line}\n")
    with pytest.raises(BadInput, match=re.escape(message)):
        load_config(tmp_path)


@pytest.mark.parametrize("text", ["io = 'no'", "toolchain = 'armcc'"])
def test_choices_of_the_configuration(tmp_path: Path, text: str) -> None:
    from edgebottle.config import load_config
    from edgebottle.errors import BadInput

    (tmp_path / "edgebottle.toml").write_text(text)
    with pytest.raises(BadInput, match=r"is '(no|armcc)', not one of"):
        load_config(tmp_path)


def test_a_configuration_that_is_a_pipe(tmp_path: Path) -> None:
    from edgebottle.config import load_config
    from edgebottle.errors import BadInput

    os.mkfifo(tmp_path / "edgebottle.toml")
    with pytest.raises(BadInput, match=r"edgebottle\.toml: it is a pipe, not a file"):
        load_config(tmp_path)
