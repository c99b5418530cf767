"""``edgebottle boards``."""

from __future__ import annotations

import click

from edgebottle.cli.options import json_option, print_json


@click.command("boards")
@json_option
def command(as_json: bool) -> None:
    """List the boards: CPU, clock, RAM, flash, and whether a virtual one exists.

    A core stands for every chip that has it: `build` makes the library alone, for a project of
    your own, and `verify` and `measure` run it on a virtual core with memory in plenty.

    "untried" means that the clock and UART set-up of the port has not been tried on the real
    board yet: it has run on the virtual board only.

    \b
    Examples:
      edgebottle boards
      edgebottle boards --json
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.boards import all_boards, all_cores, all_variants

    boards = sorted(all_boards() + all_variants(), key=lambda board: board.id)
    cores = all_cores()
    if as_json:
        print_json(
            {
                "boards": [
                    {
                        "id": board.id,
                        "name": board.name,
                        "cpu": board.cpu,
                        "dsp": board.processor.dsp,
                        "fpu": board.fpu,
                        "clock_hz": board.clock_hz,
                        "ram": 0 if board.is_computer else board.region("ram").size,
                        "flash": 0 if board.is_computer else board.region("flash").size,
                        "virtual": board.virtual,
                        "tried_on_hardware": board.tried_on_hardware,
                    }
                    for board in boards
                ],
                "cores": [
                    {
                        "id": core.id,
                        "name": core.name,
                        "cpu": core.cpu,
                        "dsp": core.processor.dsp,
                        "mve": core.processor.mve,
                        "virtual": core.virtual,
                    }
                    for core in cores
                ],
            }
        )
        return
    from edgebottle.cli.tables import boards_table, cores_table
    from edgebottle.report.terminal import show

    show(*boards_table(boards), "", cores_table(cores))
