"""``edgebottle bench``."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.bench_compare import compare
from edgebottle.cli.bench_mlperf import mlperf
from edgebottle.cli.bench_options import bench_option, required_bench
from edgebottle.cli.bench_remote import remote
from edgebottle.cli.bench_run import run
from edgebottle.cli.options import board_option, json_option, print_json
from edgebottle.cli.voice import progress_bar

if TYPE_CHECKING:
    from hil.bench.entries import BenchEntry
    from hil.bench.remote_boards import AskedHost


WATCH_SECONDS = 1.0
"""Between two looks at all boards."""


@click.group("bench")
def command() -> None:
    """Many boards at once: which there are, whether they work, and jobs for all of them."""


command.add_command(run)
command.add_command(compare)
command.add_command(mlperf)
command.add_command(remote)


@command.command("list", short_help="List the boards of the bench.")
@bench_option
@json_option
def list_boards(bench: Path | None, as_json: bool) -> None:
    """List the boards of the bench: where each is, and whether it is there, in use or left out.

    \b
    Examples:
      edgebottle bench list
      edgebottle bench list --bench lab/bench.toml --json
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from hil.bench.entries import read_bench
    from hil.bench.remote_boards import ask_hosts
    from hil.bench.state import state_of

    found = read_bench(required_bench(bench))
    asked = ask_hosts(found.hosts)
    rows: list[tuple[BenchEntry, str]] = [(entry, state_of(entry)) for entry in found.entries]
    rows += [(entry, entry.state) for one in asked for entry in one.entries]
    if as_json:
        hosts = [_host_json(one) for one in asked]
        boards = [{**_json(entry), "state": state} for entry, state in rows]
        print_json({"boards": boards, "hosts": hosts})
        return
    from edgebottle.report.terminal import add_row, new_table, show

    table = new_table(f"Bench ({found.path})", "name", "board", "where?", "state~")
    for entry, state in rows:
        add_row(table, entry.name, entry.board, entry.place, state)
    for one in asked:
        if one.error is not None and not one.entries:
            add_row(table, f"{one.host.name}/?", "", one.host.address, f"absent: {one.error}")
    show(table)


@command.command("add", short_help="Write a board that was plugged in into bench.toml.")
@click.argument("name", required=False)
@board_option
@click.option("--serial", metavar="NUMBER", help="Serial number of its USB device.")
@click.option("--port", metavar="PORT", help="Its port; a URL is taken as it is.")
@click.option("--probe", metavar="SERIAL", help="Serial number of its probe, if it is another.")
@click.option("--virtual", is_flag=True, help="The virtual board, to try everything out.")
@click.option(
    "--meter",
    "volts",
    type=click.FloatRange(0.8, 5.0),
    metavar="VOLTS",
    help="The power meter that is plugged in measures this board, which it supplies with so much.",
)
@bench_option
@json_option
def add(
    name: str | None,
    board: str | None,
    serial: str | None,
    port: str | None,
    probe: str | None,
    virtual: bool,
    volts: float | None,
    bench: Path | None,
    as_json: bool,
) -> None:
    """Find the board that was plugged in, and write it into bench.toml under NAME.

    Without --serial or --port it is the only device with a serial port that the bench does not have
    yet. Some interfaces say which board they are on; the others need --board.

    \b
    Examples:
      edgebottle bench add --board nucleo_l4r5zi
      edgebottle bench add attic --board microbit --port rfc2217://attic:4001 --probe 9904360254
      edgebottle bench add double --board stm32f746 --virtual
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.files import write_file
    from hil.bench.adding import free_name, new_meter, new_port, section_of
    from hil.bench.attached import likely_board
    from hil.bench.entries import FILE, VIRTUAL, BenchEntry, added, bench_path, read_bench

    path = bench_path(bench) or Path(FILE)
    known = read_bench(path) if path.exists() else None
    if virtual and (serial or port or probe):
        raise click.UsageError("--virtual is of no real board: leave its port and probe out.")
    if virtual and volts is not None:
        raise click.UsageError("--virtual takes no energy: leave --meter out.")
    _check_words(name, board)
    where: dict[str, Any] = {"probe": probe}
    if virtual:
        where = {"driver": VIRTUAL}
    elif port is not None and "://" in port:
        where["port"] = port
    else:
        found = new_port(known, device=port, serial=serial)
        board = board or likely_board(found)
        where |= {"usb": found.usb, "serial": found.serial or None}
        if not found.serial:  # nothing tells it from others of its kind but where it is
            where |= {"usb": None, "port": found.device}
    if board is None:
        raise click.UsageError("Say which board it is with --board ID; `edgebottle boards` lists.")
    if volts is not None:
        where["meter"] = new_meter(known, volts)
    entry = BenchEntry(name or free_name(board, known), board, **where)
    write_file(path, added(path, section_of(entry)).encode())
    if as_json:
        print_json({"bench": str(path), **_json(entry)})
    else:
        meter = f", measured by {entry.meter.kind}" if entry.meter else ""
        print(f"wrote {path}: {entry.name} is a {entry.board} at {entry.place}{meter}")


@command.command("check", short_help="Check whether the boards could do a job now.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--power", is_flag=True, help="Switch the power of each board off and on as well.")
@bench_option
@json_option
def check(names: tuple[str, ...], power: bool, bench: Path | None, as_json: bool) -> None:
    """Check whether the boards (all, or those named) could do a job now; exit code 3 if one cannot.

    Asked are: the programmer, the power switch, the meter, the port, the probe, and whether the
    firmware answers. Boards in use are left alone. Nothing is flashed.

    \b
    Examples:
      edgebottle bench check
      edgebottle bench check l4-left --power
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.bench.checking import check_entry, check_host
    from hil.bench.entries import read_bench

    found = read_bench(required_bench(bench))
    there = {host: [name for name in names if host.owns(name)] for host in found.hosts}
    remote = set().union(*there.values())
    here = [found.entry(name) for name in names if name not in remote]
    entries = here if names else found.entries
    hosts = [host for host in found.hosts if there[host] or not names]
    findings = {}
    with progress_bar(quiet=as_json) as progress:
        for number, entry in enumerate(entries):
            progress(f"check {entry.name}", number, len(entries) + len(hosts))
            findings[entry.name] = tuple(check_entry(entry, power=power))
        for number, host in enumerate(hosts):
            progress(f"check {host.name}", len(entries) + number, len(entries) + len(hosts))
            findings |= check_host(host, there[host], power=power)
    is_good = all(one.is_good for each in findings.values() for one in each)
    if as_json:
        boards = {name: [asdict(one) for one in each] for name, each in findings.items()}
        print_json({"good": is_good, "boards": boards})
    else:
        from edgebottle.report.terminal import add_row, new_table, show

        table = new_table(f"Bench ({found.path})", "name", "part", "", "found~")
        for name, each in findings.items():
            for one in each:
                add_row(table, name, one.part, "ok" if one.is_good else "WRONG", one.words)
                for step in one.steps:
                    add_row(table, name, f"- {step.step}", "", f"{step.did}: {step.saw}")
        show(table)
    sys.exit(0 if is_good else 3)


@command.command("watch", short_help="Watch which boards come, go and are in use.")
@bench_option
@json_option
def watch(bench: Path | None, as_json: bool) -> None:
    """Watch the boards until Ctrl-C: which come, go, and are in use, and for what.

    On a terminal a line a board; in a pipe, and with --json, a line for each change.

    \b
    Examples:
      edgebottle bench watch
      edgebottle bench watch --json
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.cli.bench_lines import state_lines
    from hil.bench.entries import read_bench
    from hil.bench.remote_boards import HostWatch
    from hil.bench.state import state_of

    found = read_bench(required_bench(bench))
    watches = [HostWatch(host) for host in found.hosts]
    with state_lines(as_json=as_json) as shown:
        while True:
            for entry in found.entries:
                shown(entry.name, state_of(entry))
            for watched in watches:
                for name, state in watched.states().items():
                    shown(name, state)
            time.sleep(WATCH_SECONDS)


def _check_words(name: str | None, board: str | None) -> None:
    """Raises ``BadInput`` for what could be no entry, whatever is plugged in."""
    from edgebottle.boards import load_board
    from hil.bench.entries import check_name

    if name is not None:
        check_name(name)
    if board is not None:
        load_board(board)


def _json(entry: BenchEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "board": entry.board,
        "driver": entry.driver,
        "port": entry.port,
        "usb": entry.usb,
        "serial": entry.serial,
        "probe": entry.probe,
        "power": entry.power is not None,
        "meter": None if entry.meter is None else asdict(entry.meter),
        "place": entry.place,
    }


def _host_json(asked: AskedHost) -> dict[str, Any]:
    error = None if asked.error is None else str(asked.error)
    return {"name": asked.host.name, "address": asked.host.address, "error": error}
