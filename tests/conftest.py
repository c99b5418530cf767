"""What all tests share: the folder of real models and data, and the marker that needs it."""

import gc
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from edgebottle.build.cache import compiler_environment
from edgebottle.build.toolchains import QEMU
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("EDGEBOTTLE_SHARED", ROOT.parent / "shared" / "data"))
"""Real models and data, see its README.md; absent in a fresh clone."""

needs_qemu_user = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("qemu-aarch64", "qemu-arm")),
    reason="qemu-aarch64 or qemu-arm is not installed",
)
needs_qemu = pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed")
"""Of tests that run the virtual boards that Unicorn does not know."""


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
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of NumPy, whose threads spin as they wait
os.environ.update(compiler_environment())  # so that zig's own libraries are built once for all
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell starts what it puts into the background; what tests start would inherit it, and
    # never hear the Ctrl-C that they send.
    signal.signal(signal.SIGINT, signal.default_int_handler)


_COMPILING = ROOT / ".pytest_cache" / "compiling"
"""Is there while the first worker of xdist compiles all modules, which the others then load."""


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    compiled = Path(cache_from_source(str(ROOT / "tests" / "test_any.py"))).parent
    _COMPILING.unlink(missing_ok=True)
    if config.getoption("numprocesses", None) and not any(compiled.glob("test_*.pyc")):
        _COMPILING.parent.mkdir(exist_ok=True)
        _COMPILING.touch()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    gc.disable()  # what is collected stays: there is nothing to find
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    if worker != "gw0":
        wait_until(lambda: not _COMPILING.exists(), "gw0 has not collected the tests")
    try:
        return (yield)
    finally:
        if worker == "gw0" and hasattr(session.config, "workerinput"):
            _COMPILING.unlink(missing_ok=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED.is_dir():
        return
    skip = pytest.mark.skip(reason=f"needs {SHARED} (or EDGEBOTTLE_SHARED): real models and data")
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(skip)


def pytest_collection_finish() -> None:
    gc.freeze()  # the tests live to the end: not to be looked through again and again
    gc.enable()


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


def long(*values: object) -> ParameterSet:
    """A row of a parametrized test for `make test-long` alone."""
    return pytest.param(*values, marks=pytest.mark.long)


def shared_models() -> list[Path]:
    """Every .tflite of the shared data; empty where it is absent."""
    return sorted((SHARED / "models").rglob("*.tflite"))
