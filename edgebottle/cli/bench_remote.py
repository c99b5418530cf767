"""``edgebottle bench remote``, which other computers start."""

from __future__ import annotations

import os
import sys

import click


@click.command("remote", hidden=True)
def remote() -> None:
    """Answer another computer that has this one as a host in its bench.toml.

    One request comes on standard input; ssh starts this command, nobody else needs it.
    """
    from edgebottle.bench.remote_side import RemoteSide

    # What a library prints is no answer: standard output is kept for those.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        RemoteSide(sys.stdin.buffer, out).serve()
