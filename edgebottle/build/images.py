"""Firmware images that the cache keeps, each under a name made of its content."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from edgebottle.build.cache import cache_dir, forget_oldest

MAX_IMAGES = 200
"""As many are kept, those used last."""


def keep_image(elf: Path) -> Path:
    """Copies an image to where no later build touches it; returns the path of the copy."""
    data = elf.read_bytes()
    folder = cache_dir() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:24]}.elf"
    if not path.is_file():
        fresh = Path(tempfile.mkdtemp(dir=folder)) / path.name
        shutil.copy(elf, fresh)  # with its mode: the host runs its own
        os.replace(fresh, path)
        fresh.parent.rmdir()
    path.touch()  # a build that had nothing to do leaves an old image, and the oldest go
    forget_oldest(folder, "*.elf", MAX_IMAGES)
    return path
