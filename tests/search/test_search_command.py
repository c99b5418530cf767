"""``edgebottle search`` as a user runs it; the evaluator is a function of the user's."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command_line import Result, edgebottle

pytest.importorskip("optuna")

SMALL = {
    "trials = 200": "trials = 5",
    "stages = 4": "stages = 1",
    "depths = [0, 1, 2, 3]": "depths = [0, 1]",
    "stem_channels = [4, 8, 12, 16, 24, 32]": "stem_channels = [4, 8]",
    "head_channels = [0, 48, 64, 96, 128, 192]": "head_channels = [0]",
}


def begun(folder: Path, *words: str, function: str = "accuracy", **changes: str) -> Path:
    """A ``search.toml`` of a small space."""
    source = ("--data", "train.npz", "--evaluator", f"candidates_of_mine:{function}")
    board = ("--board", "nucleo_l4r5zi")
    done = edgebottle("search", "new", *source, *board, *words, cwd=folder)
    assert done.code == 0, done.err
    path = folder / "search.toml"
    text = path.read_text()
    for line, instead in {**SMALL, **changes}.items():
        assert line in text
        text = text.replace(line, instead)
    path.write_text(text)
    return path


def test_from_data_to_a_front(folder: Path) -> None:
    begun(folder, "--ram", "16k", "--flash", "64k")
    done = edgebottle("search", "run", cwd=folder)
    assert done.code == 0, done.err
    assert "the best of 5 networks for nucleo_l4r5zi" in done.out
    assert "5 assessed" in done.out and "--without ram" in done.out
    again = edgebottle("search", "run", "--json", cwd=folder).json()
    shown = edgebottle("search", "show", "--json", "--html", "page.html", cwd=folder).json()
    assert again == shown
    best = shown["front"][0]
    assert best["accuracy"] == max(one["accuracy"] for one in shown["networks"])
    assert best["ram"] <= 16384 and best["flash"] <= 65536
    assert shown["outcomes"]["assessed"] == len(shown["history"]) == 5
    assert shown["prices"][0] | {"taken": 0} == {
        **{"name": "ram", "limit": 16384, "taken": 0, "accuracy": None, "takes": None}
    }
    page = (folder / "page.html").read_text()
    assert page.count("<circle") >= 3 * len(shown["networks"]) and best["network"] in page


def test_what_a_budget_costs(folder: Path) -> None:
    """More weights are more accurate, and take more flash; without its budget they are taken."""
    path = begun(folder, **{"depths = [0, 1, 2, 3]": "depths = [1]"})
    free = edgebottle("search", "run", "--json", cwd=folder).json()
    taken = sorted(one["flash"] for one in free["networks"])
    text = path.read_text().replace('name = "search"', 'name = "in less"')
    path.write_text(text.replace('# flash = "128k"', f"flash = {taken[len(taken) // 2]}"))
    first = edgebottle("search", "run", "--json", cwd=folder).json()
    assert first["front"][0]["flash"] <= taken[len(taken) // 2] < taken[-1]
    freed = edgebottle("search", "run", "--without", "flash", "--json", cwd=folder).json()
    (price,) = freed["prices"]
    assert price["accuracy"] > first["front"][0]["accuracy"]
    assert price["takes"] > taken[len(taken) // 2]
    assert freed["networks"] == first["networks"]
    shown = edgebottle("search", "show", cwd=folder).out
    assert re.search(r"flash .* \+\d+\.\d\d points", shown)


def test_a_worker_says_a_line_for_each_trial(folder: Path) -> None:
    begun(folder)
    done = edgebottle("search", "run", "search.toml", "--worker", cwd=folder)
    assert done.code == 0 and done.out == ""
    assert len(re.findall(r"^trial \d+: assessed, \d+\.\d+%, ", done.err, re.MULTILINE)) == 5


@pytest.mark.parametrize(
    ("board", "message"),
    [
        ("microbit", "microbit was never measured: .* of another core: they are rough"),
        ("nrf52840dk", "nrf52840dk was never measured: .* of nucleo_l4r5zi, of the same core"),
    ],
)
def test_a_board_without_measurements_is_said(board: str, message: str, folder: Path) -> None:
    begun(folder, **{"nucleo_l4r5zi": board, "trials = 200": "trials = 1"})
    done = edgebottle("search", "run", cwd=folder)
    assert done.code == 0 and re.search(message, done.err), done.err


def test_a_stopped_search_says_how_it_goes_on(folder: Path) -> None:
    path = begun(folder, function="interrupted")
    done = edgebottle("search", "run", cwd=folder)
    assert done.code == 130 and "stopped behind 0 of 5 candidates; the same command" in done.err
    path.write_text(path.read_text().replace("_of_mine:interrupted", "_of_mine:accuracy"))
    changed = edgebottle("search", "run", cwd=folder)
    assert (
        changed.code == 1 and "'evaluator' is 'candidates_of_mine:accuracy', but was" in changed.err
    )


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ("version = 1", "version = 9", "of version 9, and this edgebottle reads version 1"),
        ('"nucleo_l4r5zi"', '"nucleo_l4r5z"', "nucleo_l4r5zi"),
        ('"nucleo_l4r5zi"', '"host"', "host is no board with memory"),
        ('# ram = "32k"', 'ram = "4k"', r"fits: .* takes [\d,]+ bytes of RAM, [\d,]+ too many"),
        (
            '"search.journal"',
            '"postgresql://me:secret@localhost:1/x"',
            r"cannot reach the storage postgresql://me:\*\*\*@localhost:1/x: .*refused",
        ),
        (
            '"search.journal"',
            '"sqlite:///x"',
            "a file or a postgresql:// address, not one of sql",
        ),
        ('"search.journal"', '"."', "is a folder|Is a directory"),
        (":accuracy", ":nothing", "candidates_of_mine:nothing failed: AttributeError"),
        (
            "candidates_of_mine:accuracy",
            "guess",
            "it must be shared-weights, short-training, or module:name, a Python function",
        ),
        (":accuracy", ":percent", "returned 91, no accuracy from 0 to 1"),
        (":accuracy", ":broken", "broken failed: ZeroDivisionError"),
    ],
)
def test_bad_input_is_said_in_a_line(line: str, instead: str, message: str, folder: Path) -> None:
    begun(folder, **{line: instead})
    said(edgebottle("search", "run", cwd=folder), message)


def said(done: Result, message: str) -> None:
    assert done.code == 1, done.err
    assert re.search(message, done.err) and done.err.count("\n") == 1, done.err


def test_nothing_to_show(folder: Path) -> None:
    said(edgebottle("search", "show", cwd=folder), "cannot read .*search.toml")
    begun(folder)
    said(edgebottle("search", "show", cwd=folder), "no study 'search' in its storage yet")
    said(edgebottle("search", "run", "--without", "ms", cwd=folder), "no budget of ms")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((4, 8, 8))}, "must hold samples, such as x, and their classes"),
        ({"x": np.zeros((4, 8, 8)), "y": np.zeros(4)}, "1 class: there is nothing to tell apart"),
        ({"x": np.zeros((4, 2, 8, 8, 3)), "y": np.arange(4)}, r"shape \[4, 2, 8, 8, 3\]"),
    ],
)
def test_data_that_are_none(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", **arrays)
    words = ("--data", "train.npz", "--board", "microbit", "--evaluator", "a:b")
    said(edgebottle("search", "new", *words, cwd=tmp_path), message)


def test_what_new_reads_from_data(folder: Path) -> None:
    words = ("--board", "microbit", "--evaluator", "a:b", "--json", "--out", "other.toml")
    source = ("--data", "candidates_of_mine:loaded", "--scale", "0..1", "--seed", "7")
    source += ("--trials", "9", "--sampler", "tpe")
    told = edgebottle("search", "new", *source, *words, cwd=folder).json()
    assert told["classes"] == 3
    assert told["shapes"][:2] == ["12x12x1", "12x12x3"] and told["shapes"][-1] == "20x20x3"
    text = (folder / "other.toml").read_text()
    for line in ('scale = "0..1"', "seed = 7", "trials = 9", 'sampler = "tpe"'):
        assert f"\n{line}\n" in text
    assert 'name = "other"' in text and json.dumps(told["shapes"]) in text
    again = edgebottle("search", "new", *source, *words, cwd=folder)
    assert again.code == 1 and "exists already" in again.err


@pytest.mark.parametrize("elsewhere", [False, True])
def test_data_are_named_from_where_the_settings_are(elsewhere: bool, tmp_path: Path) -> None:
    """Wherever the file lies, and wherever it is read."""
    from edgebottle.search.candidate_training import search_data
    from edgebottle.search.settings import read_settings

    (tmp_path / "searches").mkdir()
    generator = np.random.default_rng(0)
    np.savez(tmp_path / "train.npz", x=generator.random((40, 12, 12)), y=np.arange(40) % 4)
    source = str(tmp_path / "train.npz") if elsewhere else "train.npz"
    words = ("--board", "microbit", "--out", "searches/mine.toml")
    done = edgebottle("search", "new", "--data", source, *words, cwd=tmp_path)
    assert done.code == 0, done.err
    said = read_settings(tmp_path / "searches" / "mine.toml")
    assert said.data == (source if elsewhere else "../train.npz")
    data = search_data(said)  # from the folder in which the tests run
    assert len(data.samples) + len(data.test) == 40


def test_images_in_folders_are_classes(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        image.new("RGB", (40, 32)).save(tmp_path / "photos" / name / "1.png")
    words = ("--data", "photos", "--board", "microbit", "--evaluator", "a:b", "--json")
    told = edgebottle("search", "new", *words, cwd=tmp_path).json()
    assert (told["classes"], told["shapes"][-1]) == (2, "32x40x3")
