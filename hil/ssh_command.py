"""How the system's own ``ssh`` is called, and what it says where it fails.

It asks for nothing, and notices a line that is dead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CONNECT_SECONDS = 10
ALIVE_SECONDS = 5
"""Until ssh gives a connection up; between two signs of life, of which three may be missing."""

OPTIONS = (
    *("-T", "-o", "BatchMode=yes"),
    *("-o", f"ConnectTimeout={CONNECT_SECONDS}"),
    *("-o", f"ServerAliveInterval={ALIVE_SECONDS}", "-o", "ServerAliveCountMax=3"),
)

FAILED = 255
"""Exit code of ssh where it is ssh that failed; all others are of the command on the far side."""


@dataclass(frozen=True)
class SshFailure:
    """Why ssh could not connect.

    Attributes:
        pattern: A regular expression for what ssh says.
        words: What that means, of ``{target}``; ``{last}`` is the last line of ssh.
        is_refusal: Nobody is let in as things are set up: trying again does not help.
    """

    pattern: str
    words: str
    is_refusal: bool = False


_FAILURES = (
    SshFailure(
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its host key is another than the last time: if it was set up anew, `ssh-keygen -R` its "
        "name, and connect once with `ssh {target}`",
        True,
    ),
    SshFailure(
        "Host key verification failed",
        "its host key is not known here: connect once with `ssh {target}`, and compare it",
        True,
    ),
    SshFailure(
        "Permission denied",
        "it lets nobody in with the keys that are here: `ssh-copy-id {target}` gives it yours",
        True,
    ),
    SshFailure(
        "Bad configuration option|keyword .* extra arguments|Bad owner", "ssh says: {last}", True
    ),
    SshFailure("Could not resolve hostname", "there is no such host"),
    SshFailure("Connection refused", "no SSH server listens there"),
    SshFailure("timed out", f"it does not answer within {CONNECT_SECONDS} s"),
    SshFailure("No route to host", "there is no way to it from here"),
)


def failure_of(said: str, target: str) -> SshFailure | None:
    """What has failed, its words filled in; None for what is not known.

    Args:
        said: By ssh, on standard error.
        target: Whom it should have reached, as it was told.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for one in _FAILURES:
        if re.search(one.pattern, said):
            words = one.words.format(target=target, last=lines[-1] if lines else "")
            return SshFailure(one.pattern, words, one.is_refusal)
    return None
