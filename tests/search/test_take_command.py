"""``edgebottle search take``: from a study to a file that is verified, and can be made again."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgebottle.boards import load_board
from edgebottle.fit import Wish
from edgebottle.pipeline import build, load
from edgebottle.plan.schedules import Schedule
from edgebottle.search.candidate_training import CandidateTraining
from edgebottle.search.take_recipe import TakenCandidate, TakeRecipe
from edgebottle.training import LabelledSamples, litert_accuracy
from quantize.lowbit.bits import Bits
from quantize.lowbit.samples import split
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import Residual
from quantize.search.space import Candidate
from tests.cli.command_line import Result, edgebottle
from tests.search.test_search_command import begun

pytest.importorskip("optuna")
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="needs TensorFlow: pip install 'edgebottle[train]'",
)

FILES = {"recipe.json", "result.json", "search.toml", "float.keras", "project", "search.tflite"}


@pytest.fixture
def searched(folder: Path) -> Path:
    """A study of digits, whose accuracies are made up."""
    from sklearn.datasets import load_digits

    found = load_digits()
    np.savez(folder / "train.npz", x=(found.images / 16).astype(np.float32), y=found.target)
    changes = {"trials = 200": "trials = 3", "final_epochs = 60": "final_epochs = 2"}
    begun(folder, "--ram", "16k", "--flash", "64k", **changes)
    done = edgebottle("search", "run", cwd=folder)
    assert done.code == 0, done.err
    return folder


def accuracy_of(folder: Path, file: Path) -> float:
    """LiteRT on the file and on the samples that nothing was learned from."""
    with np.load(folder / "train.npz") as arrays:
        samples = LabelledSamples(arrays["x"][..., None], arrays["y"])
    model = load(str(file))
    assert model.imported.tensors[model.imported.inputs[0]].shape == (1, 8, 8, 1)
    return litert_accuracy(model.imported, split(samples, 0.1, 0)[1], lambda *_: None)


def test_taken_stopped_and_made_again(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgebottle.search import candidate_training, final_training, taking

    trained = candidate_training.fit

    def one_epoch(recipe: Any, data: Any, seed: int, told: Any, kept: Any) -> None:
        def interrupted(*words: object) -> None:
            told(*words)
            raise KeyboardInterrupt

        trained(recipe, data, seed, interrupted, kept)

    with monkeypatch.context() as patched:
        patched.setattr(candidate_training, "fit", one_epoch)
        stopped = take(searched)
    assert stopped.code == 130 and "stopped behind epoch 1 of 2 with floats; the" in stopped.err
    with monkeypatch.context() as patched:
        patched.setattr(taking, "verify_model", interrupt)
        stopped = take(searched)
    assert stopped.code == 130 and "stopped behind quantization; the same" in stopped.err

    # It is trained, and is not once more.
    monkeypatch.setattr(final_training, "float_model", interrupt)
    monkeypatch.setattr(final_training, "integer_graph_of", interrupt)
    taken = take(searched, "--json").json()
    shown = edgebottle("search", "show", "--json", cwd=searched).json()
    best = shown["front"][0]
    folder = searched / f"search-{best['number']}"
    assert {one.name for one in folder.iterdir()} == FILES
    assert not folder.with_name(f"{folder.name}.training").exists()
    assert taken["accuracy"] == accuracy_of(searched, folder / "search.tflite")
    assert taken["tested"] == 180 and taken["excess"] == {}
    model = load(str(folder / "search.tflite"))
    wish = Wish(Schedule(best["schedule"]), copies=False)
    built = build(model, load_board("nucleo_l4r5zi"), wish=wish)
    # As the search said of its random weights, to the byte.
    assert taken["ram"] == built.ram.bytes == best["ram"] <= taken["limits"]["ram"]
    assert taken["flash"] == built.flash.bytes
    assert taken["ms"] == pytest.approx(best["ms"], rel=0.5)

    before = (folder / "search.tflite").read_bytes()
    again = take(searched)
    assert again.code == 0 and "this very result is there already" in again.err
    other = take(searched, "--seed", "5", "--out", folder.name)
    assert other.code == 1 and re.search("made by another recipe: give another folder", other.err)
    assert (folder / "search.tflite").read_bytes() == before

    monkeypatch.undo()
    # From what lies in the folder of the result, without the study.
    (searched / "search.journal").unlink()
    files = (str(folder / "search.toml"), "--recipe", str(folder / "recipe.json"))
    copied = take(searched, *files, "--out", "copy")
    assert copied.code == 0, copied.err
    assert (searched / "copy" / "search.tflite").read_bytes() == before
    recipes = [(one / "recipe.json").read_text() for one in (folder, searched / "copy")]
    assert recipes[0] == recipes[1]


def take(folder: Path, *words: str) -> Result:
    return edgebottle("search", "take", *words, cwd=folder)


def tiny() -> Candidate:
    architecture = Architecture((8, 8, 1), Stem(4), (Residual(4),), ClassHead(10))
    return Candidate(architecture, Bits.parse("w8a8"), "layers", row_fed=False, stages=(1,))


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--trial", "99"), "trial 99 cannot be taken: there is no such trial"),
        (("--out", "train.npz"), "train.npz is a file: give a folder with --out"),
        (("--out", "."), "holds files that are no result of a search"),
        (("--recipe", "train.npz"), "train.npz is no recipe of a network that was taken"),
        (("--recipe", "other.json"), "other.json is of other samples than search.toml names"),
    ],
)
def test_what_cannot_be_taken(words: tuple[str, ...], message: str, searched: Path) -> None:
    recipe = TakeRecipe(
        *("x", "nucleo_l4r5zi", {}, TakenCandidate(tiny(), 1, 0.5), CandidateTraining(1)),
        *({}, "of others", 0),
    )
    (searched / "other.json").write_text(recipe.to_json())
    assert TakeRecipe.read(searched / "other.json") == recipe
    done = take(searched, *words)
    assert done.code == 1 and re.search(message, done.err), done.err


def test_ranked_stopped_and_gone_on(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgebottle.search import ranking

    trained = ranking.float_model
    calls: list[Candidate] = []

    def twice(candidate: Candidate, *rest: object) -> object:
        calls.append(candidate)
        return interrupt() if len(calls) == 3 else trained(candidate, *rest)  # type: ignore[arg-type]

    line = ("search", "rank", "--count", "3", "--epochs", "1")
    monkeypatch.setattr(ranking, "float_model", twice)
    stopped = edgebottle(*line, cwd=searched)
    assert stopped.code == 130 and "goes on behind the networks that are trained" in stopped.err
    found = edgebottle(*line, "--json", cwd=searched).json()
    assert len(calls) == 4, "those that were trained are not trained once more"
    assert [one["searched"] for one in found["networks"]] == sorted(
        (one["searched"] for one in found["networks"]), reverse=True
    )
    assert len({one["trial"] for one in found["networks"]}) == 3 and found["epochs"] == 1
    known = edgebottle(*line, cwd=searched)
    assert known.code == 0 and len(calls) == 4
    best = edgebottle(*line, "--best", "--json", cwd=searched).json()  # all that there are
    assert best == found and len(calls) == 4
    said = "equally accurate" if found["tau"] is None else f"{found['tau']:.2f}"
    assert said in known.out
