"""Built images are kept, and the oldest forgotten."""

import os
from pathlib import Path

import pytest

from edgebottle.build.images import keep_image


def test_an_image_in_use_is_never_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEBOTTLE_CACHE", str(tmp_path / "cache"))
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(b"an image that was linked long ago")
    elf.chmod(0o755)
    os.utime(elf, (1, 1))
    kept = keep_image(elf)
    (kept.parent / "gone.elf").symlink_to(tmp_path / "forgotten by another build")
    for number, known in enumerate((False, True)):
        for other in range(200):
            path = kept.parent / f"{number}{other}.elf"
            path.touch()
            os.utime(path, (1000, 1000))
        if known:
            os.utime(kept, (1, 1))
        else:
            kept.unlink()
        assert keep_image(elf) == kept
        assert kept.read_bytes() == elf.read_bytes() and os.access(kept, os.X_OK)
    assert len(list(kept.parent.glob("*.elf"))) == 200
