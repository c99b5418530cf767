"""``edgebottle serve``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgebottle.cli.voice import note

if TYPE_CHECKING:
    from edgebottle.split.addresses import Address
    from edgebottle.split.server import ServerLimits
    from edgebottle.split.serving import ServedModel
    from edgebottle.split.tls import Security

PORT = 7700


def address_value(ctx: click.Context, param: click.Parameter, value: str | None) -> Address | None:
    """Callback of an option that takes HOST:PORT."""
    from edgebottle.errors import BadInput
    from edgebottle.split.addresses import Address

    try:
        return None if value is None else Address.of_text(value)
    except BadInput as error:
        raise click.BadParameter(str(error), ctx, param) from error


_FILE = click.Path(path_type=Path, readable=False)


@click.command("serve")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True, type=_FILE)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default=f"127.0.0.1:{PORT}",
    callback=address_value,
    help=f"Where devices connect (default: 127.0.0.1:{PORT}; port 0: any that is free).",
)
@click.option(
    "--status",
    metavar="HOST:PORT",
    callback=address_value,
    help="Where /health and /metrics (Prometheus) are read over HTTP (default: nowhere).",
)
@click.option("--certificate", type=_FILE, help="What the server shows devices, PEM.")
@click.option("--key", type=_FILE, help="Of the certificate, where its file has none, PEM.")
@click.option(
    "--authority", type=_FILE, help="Take only devices with a certificate signed by this one, PEM."
)
@click.option("--insecure", is_flag=True, help="Without TLS: anybody on the way can read and lie.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    help="Requests that are computed at once (default: 1).",
)
@click.option(
    "--waiting",
    type=click.IntRange(1, 65536),
    default=64,
    help="Requests that may wait; one more is refused (default: 64).",
)
@click.option(
    "--deadline",
    type=click.FloatRange(0, 60, min_open=True),
    default=1.0,
    help="Seconds after which a request that waits is refused (default: 1).",
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object once it listens, one when it stops."
)
def command(
    models: tuple[Path, ...],
    listen: Address,
    status: Address | None,
    certificate: Path | None,
    key: Path | None,
    authority: Path | None,
    insecure: bool,
    workers: int,
    waiting: int,
    deadline: float,
    as_json: bool,
) -> None:
    """Compute the rest of split networks, or the whole of them, for devices that ask.

    MODEL is a file of `edgebottle split train`. The server keeps nothing from one request to the
    next: start as many as are needed, behind any load balancer. It stops with Ctrl-C or SIGTERM,
    after it has answered what waits.

    \b
    Examples:
      edgebottle serve split.tflite --insecure
      edgebottle serve split.tflite --listen 0.0.0.0:7700 --certificate server.pem
      edgebottle serve split.tflite --insecure --status 127.0.0.1:9700
    """  # noqa: D301 - click reads the backspace as "keep these lines"
    from edgebottle.split.server import ServerLimits
    from edgebottle.split.serving import ServedModel, by_id, longest_payload
    from edgebottle.split.tls import Security

    security = Security(certificate, key, authority)
    check_security(security, insecure, is_server=True)
    served = by_id([ServedModel.of_path(path) for path in models])
    limits = ServerLimits(longest_payload(tuple(served.values())), waiting, deadline)
    asyncio.run(_serve(served, limits, workers, listen, status, security, as_json))


def check_security(security: Security, insecure: bool, *, is_server: bool) -> None:
    """Raises a usage error where it is not clear whether connections are to be secured."""
    if insecure and not security.is_none:
        raise click.UsageError("--insecure is without TLS: leave the certificates out, or it.")
    if insecure or not (security.is_none or (is_server and security.certificate is None)):
        return
    needed = "--certificate FILE" if is_server else "--authority FILE"
    raise click.UsageError(
        f"Connections are secured by TLS: give {needed} (docs/split.md shows how to make one), or "
        "say --insecure to have them in clear text."
    )


async def _serve(
    served: dict[bytes, ServedModel],
    limits: ServerLimits,
    workers: int,
    listen: Address,
    status: Address | None,
    security: Security,
    as_json: bool,
) -> None:
    from edgebottle.split.server import SplitServer
    from edgebottle.split.serving import LiteRTWorker

    tls = None if security.is_none else security.server_context()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends it at once
            loop.add_signal_handler(number, stopped.set)
    names = {number: model.name for number, model in served.items()}
    server = SplitServer(names, [LiteRTWorker(served) for _ in range(workers)], limits)
    try:
        where = (status.host, status.port) if status else None
        port, status_port = await server.start(listen.host, listen.port, tls, where)
        found = type(listen)(listen.host, port)
        state = type(listen)(status.host, status_port or 0) if status else None
        _say_ready(names, found, state, tls is not None, as_json)
        await stopped.wait()
    finally:
        await server.stop()
    metrics = server.metrics
    if as_json:
        print(json.dumps({"results": metrics.results, "received": metrics.received}), flush=True)
    else:
        note(f"stopped after {metrics.results:,} results")


def _say_ready(
    names: dict[bytes, str], found: Address, state: Address | None, is_secure: bool, as_json: bool
) -> None:
    if as_json:
        about = {
            "listen": str(found),
            "status": state and str(state),
            "tls": is_secure,
            "models": {name: number.hex() for number, name in names.items()},
        }
        print(json.dumps(about), flush=True)
        return
    served = ", ".join(f"{name} ({number.hex()})" for number, name in names.items())
    how = "TLS" if is_secure else "clear text"
    print(f"serving {served} on {found} in {how}", flush=True)
    if state is not None:
        print(f"health and metrics: http://{state}/health, http://{state}/metrics", flush=True)
