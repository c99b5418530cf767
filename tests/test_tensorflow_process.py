"""What TensorFlow's child is asked and answers; a stub stands in its place."""

import io
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgebottle import conversion, tensorflow_process
from edgebottle.build.cache_use import content
from edgebottle.errors import BadModel, BuildFailed, EdgebottleError, ToolMissing, UnsupportedOp
from edgebottle.importers.foreign import KerasFile, keras_file
from edgebottle.operating_system import Child
from edgebottle.pipeline import load
from tests.cli.command_line import DIGITS

KERAS = io.BytesIO()
with zipfile.ZipFile(KERAS, "w") as _archive:
    for _name in ("config.json", "metadata.json", "model.weights.h5"):
        _archive.writestr(_name, b"{}")
HDF5 = b"\x89HDF\r\n\x1a\n" + b"model_config" + bytes(50)

CONVERTS = f"import shutil, sys; print('log', file=sys.stderr); shutil.copy({str(DIGITS)!r}, T)"
REFUSES = 'print(\'{"error": "UnsupportedOp", "message": "layer a is odd"}\')'

Stub = Callable[[str], list[tuple[str, bool]]]


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Code in the place of the child (S, T: source and target); returns the sources it is given."""
    monkeypatch.setenv("EDGEBOTTLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(conversion, "tensorflow_is_installed", lambda: True)

    def install(code: str) -> list[tuple[str, bool]]:
        asked = []

        def python(module: str, source: str, target: str, **options: object) -> Child[str]:
            assert module == "edgebottle.tensorflow_converter"
            asked.append((Path(source).name, Path(source).is_dir()))
            head = f"S, T = {source!r}, {target!r}\n"
            return Child([sys.executable, "-c", head + code], **options)

        monkeypatch.setattr(Child, "python", python)
        return asked

    return install


@pytest.fixture
def network(tmp_path: Path) -> Path:
    (tmp_path / "my net.keras").write_bytes(KERAS.getvalue())
    return tmp_path / "my net.keras"


def saved_model(folder: Path) -> Path:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"\x08\x01\x12")
    (folder / "variables" / "variables.index").write_bytes(b"1")
    return folder


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (KERAS.getvalue(), KerasFile.ZIP),
        (KERAS.getvalue()[:60], None),
        (HDF5, KerasFile.HDF5),
        (HDF5[:8], None),
        (DIGITS.read_bytes(), None),
    ],
    ids=("zip", "half a zip", "hdf5", "half a hdf5", "tflite"),  # a zip says when it was made
)
def test_whole_keras_files_are_known(data: bytes, kind: KerasFile | None) -> None:
    assert keras_file(data) is kind


def test_a_network_is_converted_once(stub: Stub, network: Path, tmp_path: Path) -> None:
    asked, told = stub(CONVERTS), []
    model = load(str(network), progress=lambda what, done, total: told.append(what))
    assert (model.name, model.path) == ("my_net", network)
    assert model.data == DIGITS.read_bytes()
    assert model.sha256 != load(str(DIGITS)).sha256
    assert told == ["convert my net.keras with TensorFlow"]
    other = tmp_path / "renamed.bin"  # what is in it counts
    shutil.copy(network, other)
    assert load(str(other)).sha256 == model.sha256
    assert asked == [("network.keras", False)]
    assert [kind.files for kind in content() if kind.name == "converted"] == [1]


def test_a_saved_model_is_known_by_all_of_its_files(stub: Stub, tmp_path: Path) -> None:
    asked = stub(CONVERTS)
    folder = saved_model(tmp_path / "net")
    hashes = {load(str(folder)).sha256}
    (folder / "note.txt").write_bytes(b"of somebody")
    assert load(str(folder)).sha256 in hashes
    (folder / "variables" / "variables.index").write_bytes(b"2")
    assert load(str(folder)).sha256 not in hashes
    assert asked == [("net", True)] * 2


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        (REFUSES, UnsupportedOp, "layer a is odd"),
        ("print(file=open(T, 'w'))", BadModel, "the file is text, not a model"),
        ("pass", BadModel, "TensorFlow itself gave up on this network: exit code 0"),
        ("raise MemoryError('all')", BadModel, "gave up on .* exit code 1: MemoryError: all"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", BadModel, "by SIGSEGV"),
    ],
    ids=["refused", "no-tflite", "silent", "raises", "crashes"],
)
def test_what_goes_wrong_is_one_line(
    stub: Stub, network: Path, code: str, error: type[EdgebottleError], message: str
) -> None:
    stub(code)
    with pytest.raises(error, match=message) as caught:
        load(str(network))
    assert str(caught.value).startswith(f"{network}: ") and "\n" not in str(caught.value)


def test_a_child_that_stands_still_is_stopped(
    stub: Stub, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorflow_process, "DEADLINE_S", 0.3)
    stub("import time; time.sleep(600)")
    with pytest.raises(BuildFailed, match="longer than 0 s to convert the network and was stopped"):
        load(str(network))


def test_ctrl_c_ends_the_child(stub: Stub, network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub("import time; time.sleep(600)")
    children = []

    def interrupted(child: Child[str], **options: object) -> None:
        children.append(child)
        raise KeyboardInterrupt

    monkeypatch.setattr(Child, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(str(network))
    assert len(children) == 1 and children[0].poll() is not None


def test_without_tensorflow_one_line_says_what_to_install(
    stub: Stub, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub(CONVERTS)
    monkeypatch.setattr(conversion, "tensorflow_is_installed", lambda: False)
    with pytest.raises(ToolMissing, match=r"pip install 'edgebottle\[train\]'") as caught:
        load(str(network))
    assert str(caught.value).startswith(f"{network}: ")


def test_converted_files_need_no_tensorflow(
    stub: Stub, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub(CONVERTS)
    load(str(network))
    monkeypatch.setattr(conversion, "tensorflow_is_installed", lambda: False)
    assert load(str(network)).data == DIGITS.read_bytes()
