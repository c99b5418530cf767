"""Images kept in the cache: the one in use stays, however old it is and whoever tidies up."""

import os
from pathlib import Path

import pytest

from edgebottle import pipeline

KEPT = 200


def test_the_image_of_a_build_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEBOTTLE_CACHE", str(tmp_path / "cache"))
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(b"an image that an incremental build did not link again")
    os.utime(elf, (1, 1))
    images = tmp_path / "cache" / "images"
    images.mkdir(parents=True)
    for number in range(KEPT):
        other = images / f"{number}.elf"
        other.write_bytes(b"")
        os.utime(other, (1000 + number, 1000 + number))
    (images / "gone.elf").symlink_to(images / "forgotten by another build")
    for _ in range(2):
        assert pipeline._keep_image(elf).read_bytes() == elf.read_bytes()
        assert len(list(images.glob("*.elf"))) == KEPT
    assert not (images / "0.elf").exists()
