"""Runs ``pio run`` offline, in a core folder of edgebottle's own."""

import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from edgebottle.build.cache import cache_dir, compiler_environment, forget_oldest
from edgebottle.build.process import run_tool
from edgebottle.data import platform_module
from edgebottle.errors import BuildFailed, ToolMissing
from edgebottle.operating_system import lacks_shell

DEADLINE_S = 300.0

MAX_OBJECTS = 1000
"""Compiled files that are kept; a build has 15 to 30."""


def platformio_version() -> str:
    """Returns the installed PlatformIO's version; raises ``ToolMissing`` without it."""
    try:
        return importlib.metadata.version("platformio")
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolMissing("PlatformIO is not installed: pip install platformio") from error


def scons_package_version() -> str:
    """Returns the ``tool-scons`` version that the installed PlatformIO asks for, "4.41101.0"."""
    platformio_version()
    from platformio.dependencies import (  # type: ignore[import-untyped]
        get_core_dependencies,
    )

    return str(get_core_dependencies()["tool-scons"]).lstrip("~^=")


def scons_version(package_version: str) -> str:
    """Returns the SCons release in a ``tool-scons`` version: 4.11.1 for "4.41101.0"."""
    try:
        return str(platform_module("eb_scons").scons_version(package_version))
    except LookupError as error:
        raise ToolMissing(str(error)) from error


def installed_scons() -> str | None:
    """Returns the version of the SCons beside PlatformIO, None without one."""
    found = platform_module("eb_scons").installed_scons()
    return None if found is None else str(found)


def core_dir() -> Path:
    """Returns a PlatformIO core folder that holds the ``tool-scons`` package.

    It is named after the versions in it and appears by one rename, so that builds running at the
    same time never see half of it and an upgrade never changes one in use.
    """
    package_version = scons_package_version()
    wanted = scons_version(package_version)
    core = cache_dir() / f"platformio-{platformio_version()}-scons-{wanted}"
    package = core / "packages" / "tool-scons"
    if not (package / "scons.py").is_file():
        package.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="tool-scons-", dir=core))
        try:
            _fill_scons_package(fresh, package_version, wanted)
            try:
                fresh.rename(package)
            except OSError:
                if not (package / "scons.py").is_file():
                    raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return core


def run_pio(
    project_dir: Path,
    *,
    toolchain: str,
    optimize: str,
    log: Path,
    heard: Callable[[str], None] | None = None,
) -> str:
    """Runs ``pio run`` in ``project_dir`` and returns its output; ``heard`` as in ``run_tool``.

    Raises:
        ToolMissing: PlatformIO or SCons is not installed, or the shell that SCons calls.
        BuildFailed: the build failed; the message has the first compiler errors and the log's path.
    """
    if lacks_shell():
        raise ToolMissing(
            "there is no sh in PATH, with which SCons starts compilers: add its folder, as in "
            "PATH=$PATH:/usr/bin:/bin"
        )
    _forget_old_place(project_dir)
    environment = pio_environment(project_dir, toolchain=toolchain, optimize=optimize)
    command = [sys.executable, "-m", "platformio", "run", "-d", str(project_dir)]
    output = run_tool(
        command,
        log=log,
        environment=environment,
        deadline_s=DEADLINE_S,
        cwd=project_dir,
        heard=heard,
    )
    forget_oldest(objects_dir(), "*/*", MAX_OBJECTS)
    return output


def _forget_old_place(project_dir: Path) -> None:
    """PlatformIO links a project to its platform by where it was at first.

    A copy, or a project that has moved, would be built with the platform of the old folder.
    """
    for link in (project_dir / ".pio" / "platforms").glob("*.pio-link"):
        if json.dumps(str(project_dir)) not in link.read_text(encoding="utf-8", errors="replace"):
            link.unlink()


def objects_dir() -> Path:
    """Where SCons keeps what it has compiled: another model of the same board shares most of it."""
    return cache_dir() / "objects"


def pio_environment(project_dir: Path, *, toolchain: str, optimize: str) -> dict[str, str]:
    """Returns the environment of ``pio``: no network, no telemetry, none of the user's settings."""
    environment = {
        name: value
        for name, value in compiler_environment().items()
        if not name.startswith("PLATFORMIO_")
    }
    core = core_dir()
    environment.update(
        PLATFORMIO_CORE_DIR=str(core),
        PLATFORMIO_PACKAGES_DIR=str(core / "packages"),
        PLATFORMIO_BUILD_CACHE_DIR=str(objects_dir()),
        # The link to the project's own copy of the platform stays in the project: one core folder
        # can serve many builds at a time because nothing in it changes.
        PLATFORMIO_PLATFORMS_DIR=str(project_dir / ".pio" / "platforms"),
        PLATFORMIO_GLOBALLIB_DIR=str(project_dir / ".pio" / "no-global-libraries"),
        PLATFORMIO_SETTING_ENABLE_TELEMETRY="no",
        PLATFORMIO_DISABLE_UPGRADE_CHECK="true",
        PLATFORMIO_NO_ANSI="true",
        EDGEBOTTLE_TOOLCHAIN=toolchain,
        EDGEBOTTLE_OPTIMIZE=optimize,
    )
    environment.pop("PYTHONWARNINGS", None)
    return environment


def _fill_scons_package(folder: Path, package_version: str, wanted: str) -> None:
    if installed_scons() != wanted:
        _download_scons(folder, wanted)
    platform_module("eb_scons").fill_package(folder, package_version)
    os.chmod(folder, 0o755)


def _download_scons(folder: Path, wanted: str) -> None:
    found = installed_scons() or "none"
    try:
        run_tool(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet"),
                *("--disable-pip-version-check", "--no-deps", "--target", folder),
                f"scons=={wanted}",
            ],
            log=cache_dir() / "scons-install.log",
            environment=dict(os.environ),
            deadline_s=120.0,
        )
    except (BuildFailed, ToolMissing) as error:
        raise ToolMissing(
            f"PlatformIO {platformio_version()} needs SCons {wanted}, found {found}: "
            f"pip install scons=={wanted}"
        ) from error
