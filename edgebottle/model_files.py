"""Where the file of a model is."""

from __future__ import annotations

import difflib
from pathlib import Path

from edgebottle.errors import BadInput
from edgebottle.files import check_plain


def find_model(model: str) -> Path:
    """The file of ``model``: a path, or the name of a network of the zoo.

    The folder of a SavedModel counts as a file.

    Raises:
        BadInput: neither exists; names that are near are suggested.
        UnsupportedOp: the folder of a network in another format.
    """
    from edgebottle import zoo
    from edgebottle.importers.foreign import is_saved_model, refuse_folder

    path = Path(model)
    if path.is_file() or is_saved_model(path):
        return path
    if path.is_dir():
        refuse_folder(path)
    if path.exists():
        check_plain(path)
    if model in zoo.NETWORKS:
        return zoo.load(model)
    near = []
    if path.parent.is_dir():
        names = [item.name for item in path.parent.iterdir() if item.is_file()]
        near = [str(path.parent / n) for n in difflib.get_close_matches(path.name, names, n=1)]
    near += difflib.get_close_matches(model, zoo.NETWORKS, n=1)
    known = f" (networks of the zoo: {', '.join(zoo.NETWORKS)})"
    hint = f": did you mean {near[0]}?" if near else known
    raise BadInput(f"there is no file {model}{hint}")
