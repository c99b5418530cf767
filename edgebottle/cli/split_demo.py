"""``edgebottle split demo``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgebottle.cli.options import json_option, print_json
from edgebottle.cli.voice import Volume, progress_bar, volume
from edgebottle.errors import BadInput

if TYPE_CHECKING:
    from rich.table import Table

    from edgebottle.boards import Board
    from edgebottle.ir.graph import Array, Graph, Quant
    from edgebottle.split.demo import DemoPlan, DemoTally, Shown
    from edgebottle.split.description import SplitFile
    from edgebottle.split.device import DemoDevice, DeviceFacts
    from edgebottle.split.link import LinkShape

MADE_UP = 32
"""Samples where there are none."""


def _written(name: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Callback of an option whose text a function of ``split.link`` reads."""

    def read(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        from edgebottle.split import link

        try:
            return None if value is None else getattr(link, name)(value)
        except BadInput as error:
            raise click.BadParameter(str(error), ctx, param) from error

    return read


_RATE, _SECONDS, _SHARE = map(_written, ("parse_rate", "parse_seconds", "parse_share"))

_FILE = click.Path(path_type=Path, readable=False)


@click.command("demo")
@click.argument("model", type=_FILE)
@click.option("--data", metavar="SOURCE", help="Samples with classes, as of `edgebottle train`.")
@click.option("--rate", metavar="RATE", callback=_RATE, help="Of the link (default: 1M).")
@click.option("--delay", metavar="TIME", default="20ms", callback=_SECONDS, help="One way (20ms).")
@click.option("--jitter", metavar="TIME", default="0ms", callback=_SECONDS, help="At most (0ms).")
@click.option("--loss", metavar="SHARE", default="0%", callback=_SHARE, help="Of packets (0%).")
@click.option("--trace", type=_FILE, help="Rates over time, a line each: `12.5s 250k`.")
@click.option("--deadline", metavar="TIME", default="1s", callback=_SECONDS, help="Default: 1s.")
@click.option(
    "--fallback",
    type=click.Choice(["never", "error", "deadline", "hedged"]),
    default="deadline",
    help="When the device computes by itself what it asked for (default: deadline).",
)
@click.option(
    "--goal",
    type=click.Choice(["latency", "energy"]),
    default="latency",
    help="What is to be small (default: latency); energy is modelled.",
)
@click.option("--only", metavar="WAY", multiple=True, help="No other way: local, jpeg, split 3 ...")
@click.option(
    "--board",
    "-b",
    metavar="ID",
    help="The device's part runs as C: on this virtual board, or with `host` on this computer "
    "(default: in Python).",
)
@click.option(
    "--slowdown",
    type=click.FloatRange(1, 10000),
    default=20.0,
    help="How many times slower than this computer the device is (default: 20), by waiting; of a "
    "virtual board pictures only.",
)
@click.option("--quality", type=click.IntRange(1, 100), default=75, help="Of JPEG and WebP (75).")
@click.option("--requests", type=click.IntRange(1), default=200, help="How many (200).")
@click.option("--period", metavar="TIME", default="100ms", callback=_SECONDS, help="100ms.")
@click.option("--seed", type=int, default=0, help="Of losses and jitter (0).")
@json_option
def demo(
    model: Path,
    data: str | None,
    rate: float | None,
    delay: float,
    jitter: float,
    loss: float,
    trace: Path | None,
    board: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Run device, link and server on this computer, and show what goes which way, and why.

    The link is simulated: its rate, delay, jitter, and losses as stalls of TCP. Without --data the
    samples are made up, and right is what the whole network says.

    With --board the device's part is the C that `edgebottle build` makes for it. What a virtual
    microcontroller takes is modelled; where its emulator is slower here, that is what counts.

    \b
    Examples:
      edgebottle split demo split.tflite --rate 250k --delay 40ms --loss 2%
      edgebottle split demo split.tflite --board stm32f746 --rate 250k
      edgebottle split demo split.tflite --data digits.npz --trace tunnel.txt --json
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.split.demo import DemoPlan, DemoTally, run_demo
    from edgebottle.split.policy import Goal, PolicyRules
    from edgebottle.split.serving import ServedModel
    from edgebottle.split.session import Fallback

    shape = _shape(rate, delay, jitter, loss, trace)
    file = ServedModel.of_path(model).file
    images, labels = _samples(file.graph, data)
    _check_only(options["only"], file.split.code.rates)
    target = _target(board)
    names = ("requests", "period", "seed", "only")
    plan = DemoPlan(
        shape,
        PolicyRules(options["deadline"], goal=Goal(options["goal"])),
        Fallback(options["fallback"]),
        **{name: options[name] for name in names},
    )
    tally = DemoTally()
    try:
        with (
            _device(file, target, plan, options, quiet=as_json) as device,
            _view(as_json=as_json) as shown,
        ):
            asyncio.run(run_demo(file, device, images, labels, plan, tally, shown))
    finally:
        if tally.answers and as_json:
            print_json(tally.to_json())
        elif tally.answers:
            _show(tally)


def _target(board: str | None) -> Board | None:
    """The board that is asked for; said before anything is built."""
    if board is None:
        return None
    from edgebottle.boards import load_board
    from edgebottle.split.board_device import check_emulated

    found = load_board(board)
    check_emulated(found)
    return found


@contextmanager
def _device(
    file: SplitFile, board: Board | None, plan: DemoPlan, options: dict[str, Any], *, quiet: bool
) -> Iterator[DemoDevice]:
    """The device's half, which is up."""
    how = {name: options[name] for name in ("slowdown", "quality")}
    with ExitStack() as opened:
        device: DemoDevice
        if board is None:
            from edgebottle.split.device import PythonDevice

            device = opened.enter_context(PythonDevice(file, **how))
        else:
            from edgebottle.split.board_device import open_board_device
            from edgebottle.split.session import Fallback

            needed = plan.fallback is not Fallback.NEVER
            with progress_bar(quiet=quiet) as progress:
                device = opened.enter_context(
                    open_board_device(file, board, needs_local=needed, progress=progress, **how)
                )
        yield device


def _shape(
    rate: float | None, delay: float, jitter: float, loss: float, trace: Path | None
) -> LinkShape:
    from edgebottle.split.link import LinkShape, read_trace

    if trace is not None and rate is not None:
        raise click.UsageError("--trace says the rates: leave --rate out.")
    if rate == 0:
        raise click.UsageError("--rate 0 is no link; --trace can have outages.")
    shape = LinkShape.steady(1e6 if rate is None else rate, delay, jitter, loss)
    return shape if trace is None else read_trace(trace, shape)


def _check_only(only: tuple[str, ...], rates: int) -> None:
    known = ("local", "jpeg", "webp", *(f"split {rate}" for rate in range(1, rates + 1)))
    for name in only:
        if name not in known:
            raise click.UsageError(f"There is no way '{name}'; there are {', '.join(known)}.")


def _samples(graph: Graph, data: str | None) -> tuple[list[Array], list[int] | None]:
    """Inputs with their batch, and their classes."""
    if data is not None:
        from edgebottle.sample_sources import PixelScale, check_source, read_samples
        from edgebottle.samples import load_samples

        check_source(data)
        if data.endswith(".npz"):
            found = load_samples(Path(data), graph)
        else:
            quant = graph.tensors[graph.inputs[0]].quant
            ends = (0.0, 0.0) if quant is None else _real_ends(quant)
            scale = min(PixelScale, key=lambda one: _distance(one.bounds, ends))
            found = read_samples(data, graph, scale)
        labels = None if found.labels is None else list(found.labels)
        return [each[0] for each in found.inputs], labels
    from edgebottle.split.demo import made_up

    return made_up(graph, MADE_UP), None


def _real_ends(quant: Quant) -> tuple[float, float]:
    """What the lowest and the highest value of an int8 input stand for."""
    scale, zero = quant.scale[0], quant.zero_point[0]
    return scale * (-128 - zero), scale * (127 - zero)


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


@contextmanager
def _view(*, as_json: bool) -> Iterator[Shown]:
    """A table that moves on a terminal; in a pipe a line now and then."""
    if as_json or volume() is Volume.QUIET or not sys.stderr.isatty():
        with progress_bar(quiet=as_json) as progress:
            progress("try every way", 0, 0)
            yield lambda tally: progress("ask over the link", len(tally.answers), 0)
        return
    from rich.live import Live

    from edgebottle.report.terminal import console

    with Live(console=console(sys.stderr), refresh_per_second=4, transient=True) as live:
        yield lambda tally: live.update(_picture(tally))


def _picture(tally: DemoTally) -> Table:
    """How it stands, and the last answers."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    rate, rtt = tally.link
    for name, words in (
        ("device", _facts(tally.device)),
        ("requests", f"{len(tally.answers)}, {tally.accuracy:.1%} right"),
        ("bytes", f"{tally.sent:,} sent, {tally.received:,} received"),
        ("link, as known", f"{rate / 1e3:,.0f} kbit/s, {rtt * 1e3:.0f} ms there and back"),
        ("latency", f"{tally.latency(0.5) * 1e3:.0f} ms, p99 {tally.latency(0.99) * 1e3:.0f} ms"),
        ("on average", _means(tally)),
        ("fallbacks", str(tally.fallbacks())),
        ("ways", ", ".join(f"{name} {count}" for name, count in tally.chosen().most_common())),
    ):
        table.add_row(Text(name, "dim"), Text(words))
    for answer in tally.answers[-8:]:
        words = f"{answer.seconds * 1e3:6.0f} ms  {answer.way}: {answer.why}"
        if answer.fallback:
            words += f"; by the device: {answer.fallback}"
        table.add_row("", Text(words))
    return table


def _facts(device: DeviceFacts) -> str:
    """What computes, and what is known of it."""
    words = device.name
    if device.head_instructions is not None:
        words += f", head: {device.head_instructions:,} instructions"
    if device.head_seconds is not None:
        words += f", {device.head_seconds * 1e3:.1f} ms modelled"
    return words


def _means(tally: DemoTally) -> str:
    """Phases, those that there were."""
    means = vars(tally.phases()).items()
    return ", ".join(f"{name} {1e3 * took:.1f}" for name, took in means if took) + " ms"


def _show(tally: DemoTally) -> None:
    """The figures of all requests."""
    from dataclasses import asdict

    from edgebottle.report.terminal import add_row, new_table, show

    answers = tally.answers
    ways = new_table("Ways", "way", "chosen>", "device, ms>", "bytes>", "server, ms?>", "right>")
    chosen = tally.chosen()
    for way in tally.ways:
        add_row(
            ways,
            way.name,
            str(chosen[way.name]),
            f"{way.device * 1e3:.1f}",
            f"{way.sent:.0f}",
            f"{way.server * 1e3:.1f}",
            f"{way.accuracy:.1%}",
        )
    title = f"{len(answers)} requests; the device: {_facts(tally.device)}"
    table = new_table(title, "", ">", "~")
    add_row(table, "right", f"{tally.accuracy:.1%}", "")
    add_row(table, "sent", f"{tally.sent / len(answers):,.0f} B", "a request, at the socket")
    add_row(table, "received", f"{tally.received / len(answers):,.0f} B", "a request")
    late = sum(one.is_late for one in answers)
    for name, share in (("median", 0.5), ("p99", 0.99)):
        words = f"latency; {late} were late" if name == "p99" else "latency"
        add_row(table, name, f"{tally.latency(share) * 1e3:.1f} ms", words)
    for name, seconds in asdict(tally.phases()).items():
        add_row(table, name, f"{seconds * 1e3:.1f} ms", _PHASES[name])
    add_row(table, "fallbacks", str(tally.fallbacks()), "the device computed what it had asked for")
    show(ways, table)


_PHASES = {
    "capture": "until the device has the picture",
    "head": "the device's part, on average",
    "encode": "payload or picture",
    "link": "there and back",
    "queue": "at the server",
    "tail": "the server's part, or all of it",
    "local": "all of it on the device",
}
