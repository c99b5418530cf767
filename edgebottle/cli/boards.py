"""``edgebottle boards``."""

from __future__ import annotations

import click

from edgebottle.cli.options import json_option, print_json


@click.command("boards")
@json_option
def command(as_json: bool) -> None:
    """List the boards: CPU, clock, RAM, flash, and whether a virtual one exists.

    "untried" means that the clock and UART set-up of the port has not been tried on the real
    board yet: it has run on the virtual board only.

    \b
    Examples:
      edgebottle boards
      edgebottle boards --json
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.boards import all_boards

    boards = all_boards()
    if as_json:
        print_json(
            {
                "boards": [
                    {
                        "id": board.id,
                        "name": board.name,
                        "cpu": board.cpu,
                        "dsp": board.dsp,
                        "fpu": board.fpu,
                        "clock_hz": board.clock_hz,
                        "ram": 0 if board.is_host else board.region("ram").size,
                        "flash": 0 if board.is_host else board.region("flash").size,
                        "virtual": board.virtual,
                        "tried_on_hardware": board.tried_on_hardware,
                    }
                    for board in boards
                ]
            }
        )
        return
    from edgebottle.cli.tables import boards_table
    from edgebottle.report.terminal import show

    show(*boards_table(boards))
