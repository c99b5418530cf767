"""What is sent to a board of another computer: models of several files, folders, all options."""

import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from edgebottle.bench.jobs_file import Job
from edgebottle.bench.remote_folder import FileStore
from edgebottle.bench.sent_files import files_of
from edgebottle.errors import BoardError
from edgebottle.importers.foreign import is_saved_model
from tests.cli.command_line import edgebottle
from tests.lab.desk import Desk
from tests.lab.test_remote_bench import write_bench
from tests.ssh_server import SshServer


def test_a_model_of_several_files_with_all_options(
    tmp_path: Path, server: SshServer, there: Desk
) -> None:
    """An ONNX file with its weights beside it, as on this computer but for the host."""
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'edgebottle[onnx]'")
    from tests.importers.onnx_models import model, node, weights

    write_bench(tmp_path, server, there)
    data = model([node("Conv", "x w")], {"x": (1, 3, "h", 6)}, {"w": weights(4, 3, 3, 3)})
    outside = {"save_as_external_data": True, "location": "net.data", "size_threshold": 0}
    onnx.save(onnx.load_model_from_string(data), tmp_path / "net.onnx", **outside)
    np.savez(tmp_path / "in.npz", x=weights(2, 3, 8, 6))
    words = ("measure", "net.onnx", "--shape", "x=1x3x8x6", "--layout", "keep", "--name", "mine")
    words += ("--inputs", "in.npz", "--as", "real", "--no-narrow", "--records", "r.jsonl", "--json")
    here = edgebottle(*words, "-b", "microbit", "--no-bench", cwd=tmp_path).json()
    found = edgebottle(*words, "-b", "lab/double", cwd=tmp_path).json()
    assert found["model"] == "mine" and found["host"] == "lab" and here["host"] == ""
    same = ("model", "model_hash", "image_hash", "output_crc", "instructions", "samples", "inputs")
    assert {key: found[key] for key in same} == {key: here[key] for key in same}


def test_folders_are_sent_whole(tmp_path: Path) -> None:
    """A SavedModel or a folder of images: packed, and unpacked where it is needed."""
    folder = tmp_path / "saved"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "data").write_bytes(bytes(3000))
    job = Job("saved", str(folder), "microbit", data=str(folder / "variables"))
    store = FileStore()
    digests = set()
    for _ in range(2):  # the same content is the same file, whenever it was packed
        with files_of(job) as files:
            assert files["path"].is_packed and files["data"].is_packed
            said = files["path"].to_json()
            digests.add(said["sha256"])
            content = files["path"].path.read_bytes()
    assert len(digests) == 1 and not files["path"].path.exists()
    place = store.path(said["sha256"], said["name"])
    shutil.rmtree(place.parent, ignore_errors=True)
    store.take(said["sha256"], "saved", said["size"], io.BytesIO(content), is_packed=True)
    assert store.has(said["sha256"], "saved") and is_saved_model(place)
    assert (place / "variables" / "data").read_bytes() == bytes(3000)
    evil = io.BytesIO()
    with tarfile.open(fileobj=evil, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../outside"))
    digest = hashlib.sha256(evil.getvalue()).hexdigest()
    for content, message in ((evil, "outside"), (io.BytesIO(b"no tar"), "cannot be unpacked")):
        digest = hashlib.sha256(content.getvalue()).hexdigest()
        size = len(content.getvalue())
        with pytest.raises(BoardError, match=message):
            store.take(digest, "saved", size, io.BytesIO(content.getvalue()), is_packed=True)
        assert not store.has(digest, "saved")


def test_the_keys_of_jobs_stay(tmp_path: Path) -> None:
    """What was thought of later counts where it says something: runs of before go on."""
    plain = Job("digits", "digits", "one", samples=1)
    assert plain.key == "341ec696f8426d54"
    shaped = replace(plain, shapes=(("x", (1, 3)),), narrow=False)
    assert Job.from_json(json.loads(json.dumps(asdict(shaped)))) == shaped
    assert len({plain.key, shaped.key, replace(plain, name="x").key}) == 3
