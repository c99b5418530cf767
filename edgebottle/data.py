"""Finds the data folders ``boards/`` and ``firmware/``, in a checkout and in an installed wheel."""

import functools
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from edgebottle.errors import ToolMissing


def data_dir(name: str) -> Path:
    """Returns the folder ``name`` (``"boards"`` or ``"firmware"``).

    Raises:
        ToolMissing: the installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "_data" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise ToolMissing(f"the {name}/ folder of edgebottle is missing: reinstall the package")


@functools.cache
def platform_module(name: str) -> ModuleType:
    """Loads a module of the PlatformIO platform: a project must build without edgebottle too."""
    path = data_dir("firmware") / "platform" / "builder" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ToolMissing(f"{path} is missing: reinstall edgebottle")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
