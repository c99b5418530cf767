"""Hosts of ``bench.toml``: other computers with a bench of their own, reached by ``ssh``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgebottle.errors import BadInput
from edgebottle.toml_tables import Reader, list_of, read_table, text

PROGRAM = "edgebottle"
"""What starts it on a host where nothing else is said."""

_ADDRESS = re.compile(
    r"ssh://([A-Za-z0-9_][A-Za-z0-9_.+-]*@)?"
    r"([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
)
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9]*[ =]\S.*")


@dataclass(frozen=True)
class BenchHost:
    """Another computer with boards.

    Attributes:
        name: What it is called; its boards are ``NAME/BOARD``.
        address: ``ssh://user@host:port``; user and port as ssh's own configuration says, where
            they are left out.
        edgebottle: The command line that starts edgebottle there, as its shell reads it.
        bench: Its file of boards; None: what its environment says, or the one in the home folder.
        options: Of ssh, such as ``IdentityFile=~/.ssh/lab``.
    """

    name: str
    address: str
    edgebottle: str = PROGRAM
    bench: str | None = None
    options: tuple[str, ...] = ()

    def owns(self, board: str) -> bool:
        """Whether a name is that of one of its boards."""
        return board.startswith(f"{self.name}/")


def read_host(name: str, table: Mapping[str, Any]) -> BenchHost:
    """The host of a table; raises ``BadInput``, which names the key."""
    return BenchHost(name, **read_table(table, _KEYS, f"host.{name}.", ("address",)))


def _address(value: object) -> str:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise BadInput('where ssh finds it, such as "ssh://user@lab.example.org"')
    return value


def _option(value: object) -> str:
    if not isinstance(value, str) or not _OPTION.fullmatch(value):
        raise BadInput('an option of ssh_config such as "IdentityFile=~/.ssh/lab"')
    return value


_KEYS: Mapping[str, Reader] = {
    "address": _address,
    "edgebottle": text,
    "bench": text,
    "options": list_of(_option),
}
