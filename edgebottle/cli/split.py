"""``edgebottle split``: each of its commands is a module of its own."""

from __future__ import annotations

import click

from edgebottle.cli.split_cut import cut
from edgebottle.cli.split_demo import demo
from edgebottle.cli.split_train import train


@click.group("split")
def command() -> None:
    """Split a network: its head runs on a device, the rest on a server, few bytes go between."""


command.add_command(train)
command.add_command(cut)
command.add_command(demo)
