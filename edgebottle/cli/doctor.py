"""``edgebottle doctor``."""

from __future__ import annotations

import sys

import click

from edgebottle.cli.options import json_option, print_json
from edgebottle.errors import ToolMissing


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Check toolchains, PlatformIO and serial ports, and say how to mend each.

    Exit code 3 if something that edgebottle cannot do without is missing.

    \b
    Examples:
      edgebottle doctor
      edgebottle doctor --json
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from dataclasses import asdict

    from edgebottle.build.doctor import run_checks

    checks = run_checks()
    healthy = all(check.ok for check in checks if check.required)
    if as_json:
        print_json({"ok": healthy, "checks": [asdict(check) for check in checks]})
    else:
        from edgebottle.cli.tables import doctor_table
        from edgebottle.report.terminal import show

        show(doctor_table(checks))
    sys.exit(0 if healthy else ToolMissing.exit_code)
