"""``HOST:PORT`` as people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgebottle.errors import BadInput

_MAX_PORT = 65535

_WRITTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\s:\[\]/]+):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class Address:
    """Where a server is.

    Attributes:
        host: A name or number; that of IPv6 without brackets.
        port: 0 to 65,535; 0 is any free one, for who listens.
    """

    host: str
    port: int

    def __str__(self) -> str:
        """As it is written."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def of_text(cls, text: str) -> Address:
        """Raises ``BadInput``."""
        found = _WRITTEN.fullmatch(text.strip())
        if found is None or int(found["port"]) > _MAX_PORT:
            raise BadInput(
                f"'{text}' is no HOST:PORT such as 127.0.0.1:7700, [::1]:7700 or attic.local:7700"
            )
        return cls(found["host"].strip("[]"), int(found["port"]))
