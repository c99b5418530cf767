"""Images in the cache: the oldest go, and never the one that was just asked for."""

import os
from pathlib import Path

import pytest

from edgebottle.pipeline import _keep_image, _prune


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEBOTTLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def old_elf(folder: Path, content: bytes) -> Path:
    path = folder / "firmware.elf"
    path.write_bytes(content)
    os.utime(path, (1, 1))
    return path


def test_an_image_built_long_ago_is_the_newest_once_asked_for(tmp_path: Path) -> None:
    kept = _keep_image(old_elf(tmp_path, b"one"))
    os.utime(kept, (1, 1))
    others = [_keep_image(old_elf(tmp_path, bytes([number]))) for number in range(3)]
    assert _keep_image(old_elf(tmp_path, b"one")) == kept
    _prune(kept.parent, keep=1)
    assert kept.read_bytes() == b"one"
    assert not any(path.exists() for path in others)
