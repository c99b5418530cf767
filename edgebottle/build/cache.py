"""The one folder outside the project that edgebottle writes to, and compilers' caches in it."""

import os
import sys
from pathlib import Path

from edgebottle.errors import ToolMissing


def cache_dir() -> Path:
    """Returns edgebottle's cache folder, made if absent.

    ``$EDGEBOTTLE_CACHE``, else ``$XDG_CACHE_HOME/edgebottle``, else the platform's usual place.

    Raises:
        ToolMissing: the folder cannot be made or written.
    """
    path = _location()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolMissing(
            f"cannot make the cache folder {path}: {error.strerror}; "
            "set EDGEBOTTLE_CACHE to a folder you can write"
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ToolMissing(
            f"cannot write to the cache folder {path}; set EDGEBOTTLE_CACHE to a folder you can"
        )
    return path


def compiler_environment() -> dict[str, str]:
    """Returns the environment for a compiler: the user's own, with zig's caches in ours."""
    zig = cache_dir() / "zig"
    environment = dict(os.environ)
    environment["ZIG_GLOBAL_CACHE_DIR"] = str(zig / "global")
    environment["ZIG_LOCAL_CACHE_DIR"] = str(zig / "local")
    return environment


def _location() -> Path:
    chosen = os.environ.get("EDGEBOTTLE_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg:
        return Path(xdg).expanduser().absolute() / "edgebottle"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "edgebottle"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "edgebottle"
    return Path.home() / ".cache" / "edgebottle"
