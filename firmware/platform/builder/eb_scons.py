"""PlatformIO's package "tool-scons", made of the SCons that pip put beside PlatformIO.

PlatformIO starts ``scons.py`` of that package with its own Python interpreter, so that copy serves
as well as the one it would download.
"""

import importlib.metadata
import json
import re
from pathlib import Path

SCRIPT = "import SCons.Script\nSCons.Script.main()\n"


def scons_version(package_version):
    """Returns the SCons release in a ``tool-scons`` version: 4.11.1 for "4.41101.0"."""
    match = re.fullmatch(r"\d+\.(\d)(\d\d)(\d\d)\.\d+", package_version)
    if match is None:
        raise LookupError(
            f"PlatformIO asks for tool-scons {package_version}, a version edgebottle cannot read"
        )
    return ".".join(str(int(part)) for part in match.groups())


def installed_scons():
    """Returns the version of the SCons beside PlatformIO, None without one."""
    try:
        return importlib.metadata.version("scons")
    except importlib.metadata.PackageNotFoundError:
        return None


def fill_package(folder, package_version):
    """Writes the files of the package into ``folder``, which exists."""
    folder = Path(folder)
    (folder / "scons.py").write_text(SCRIPT, encoding="utf-8")
    manifest = {"name": "tool-scons", "version": package_version, "system": "*"}
    (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    metadata = {
        "type": "tool",
        "name": "tool-scons",
        "version": package_version,
        "spec": {"owner": "platformio", "name": "tool-scons", "requirements": None, "uri": None},
    }
    (folder / ".piopm").write_text(json.dumps(metadata), encoding="utf-8")
