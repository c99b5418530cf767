"""Functions of the user, named as ``module:name``."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from edgebottle.errors import BadInput

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_function(name: str) -> bool:
    """Whether a text names a function, and no file."""
    return not Path(name).exists() and _NAME.fullmatch(name) is not None


def imported(name: str) -> Any:
    """What a name stands for; modules are looked for in the current folder as well.

    Raises:
        BadInput: there is none, or its module fails.
    """
    module, attribute = name.split(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever the user's own code raises
        raise BadInput(f"{name} failed: {type(error).__name__}: {error}") from error
