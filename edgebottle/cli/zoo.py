"""``edgebottle zoo``."""

from __future__ import annotations

from pathlib import Path

import click

from edgebottle.cli.options import json_option, print_json
from edgebottle.cli.voice import progress_bar


@click.group("zoo")
def command() -> None:
    """List or train the networks that come with edgebottle."""


@command.command("list")
@json_option
def list_networks(as_json: bool) -> None:
    """List the networks."""
    from dataclasses import asdict

    from edgebottle.zoo import NETWORKS

    if as_json:
        print_json({"networks": [asdict(network) for network in NETWORKS.values()]})
        return
    from edgebottle.cli.tables import zoo_table
    from edgebottle.report.terminal import show

    show(zoo_table(tuple(NETWORKS.values())))


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from edgebottle.zoo import NETWORKS

    return [name for name in NETWORKS if name.startswith(incomplete)]


@command.command("train")
@click.argument("name", shell_complete=_complete)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, readable=False),
    default=Path(),
    help="Folder to write to (default: this one).",
)
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path, readable=False),
    help="Folder of the training data.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Of the training (default 0).",
)
@json_option
def train_network(name: str, out: Path, data: Path | None, seed: int, as_json: bool) -> None:
    """Train NAME with its recipe and write NAME.tflite; needs `pip install 'edgebottle[train]'`.

    \b
    Examples:
      edgebottle zoo train digits --out networks
      edgebottle zoo train fashion --data fashion-mnist --seed 1
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.zoo.training import train

    with progress_bar(quiet=as_json) as progress:
        progress(f"load the data of {name}", 0, 0)
        result = train(
            name,
            out,
            data=data,
            seed=seed,
            progress=lambda done, total, what: progress(what, done, total),
        )
    if as_json:
        print_json({"file": str(result.path), "accuracy": result.accuracy})
    else:
        print(f"{result.path}: accuracy {result.accuracy:.1%} (int8, on the whole test set)")
