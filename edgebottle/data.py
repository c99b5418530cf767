"""Finds the data folders ``boards/`` and ``firmware/``, in a checkout and in an installed wheel."""

from pathlib import Path

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
