"""What all tests share: the folder of real models and data, and the marker that needs it."""

import gc
import os
import sys
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from edgebottle.build.cache import compiler_environment

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("EDGEBOTTLE_SHARED", ROOT.parent / "shared" / "data"))
"""Real models and data, see its README.md; absent in a fresh clone."""


def _keep_bytecode(folder: Path) -> None:
    """Hundreds of processes import the same modules: each is compiled once, not once in each.

    Only where the environment forbids Python to keep bytecode beside the sources, as that of many
    containers does; the workers of xdist and the tools that tests start inherit it.
    """
    if sys.dont_write_bytecode:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(folder)
        sys.dont_write_bytecode = False


_keep_bytecode(ROOT / ".pytest_cache" / "bytecode")
os.environ.update(compiler_environment())  # so that zig's own libraries are built once for all


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED.is_dir():
        return
    skip = pytest.mark.skip(reason=f"needs {SHARED} (or EDGEBOTTLE_SHARED): real models and data")
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(skip)


def pytest_collection_finish() -> None:
    gc.freeze()  # the tests live to the end: not to be looked through again and again


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


def long(*values: object) -> ParameterSet:
    """A row of a parametrized test for `make test-long` alone."""
    return pytest.param(*values, marks=pytest.mark.long)


def shared_models() -> list[Path]:
    """Every .tflite of the shared data; empty where it is absent."""
    return sorted((SHARED / "models").rglob("*.tflite"))
