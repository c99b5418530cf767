"""Requests over links and servers that fail all the time, in real time.

``python -m tests.bench.split_chaos --minutes 30``: two servers in processes of their own
(``edgebottle serve``), each behind a simulated link; outages, losses, steps of the rate, and
servers that are killed and started again, by lot. At the end: how many requests had no answer, and
when the others had theirs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgebottle.errors import EdgebottleError
from edgebottle.ir.graph import Array
from edgebottle.split.addresses import Address
from edgebottle.split.client import SplitClient
from edgebottle.split.demo import made_up
from edgebottle.split.description import SplitFile
from edgebottle.split.device import PythonDevice, tried_ways
from edgebottle.split.frames import ImageForm
from edgebottle.split.link import LinkShape, RateStep
from edgebottle.split.policy import PolicyRules
from edgebottle.split.proxy import LinkProxy
from edgebottle.split.serving import LiteRTWorker, ServedModel
from edgebottle.split.session import SplitAnswer, SplitSession

SERVERS = 2

EVENTS = ("outage", "loss", "rate", "good", "good", "kill", "start", "start")
"""What happens next, each as often as it stands here."""

GOOD = LinkShape.steady(25e6, 0.01, 0.002)
GONE = LinkShape((RateStep(0, 0.0),))


class SlowDevice(PythonDevice):
    """Computes the whole network slowly, so that asking is worth it."""

    local_seconds = 0.0

    def local(self, image: Array) -> Array:
        time.sleep(self.local_seconds)
        return super().local(image)


@dataclass
class ChaosBench:
    """Server processes behind links, and what has become of requests."""

    path: Path
    ports: list[int]
    draw: random.Random
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    proxies: list[LinkProxy] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    answered: list[SplitAnswer] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def start(self, number: int) -> None:
        """Starts a server."""
        words = ["serve", str(self.path), "--insecure", "--json"]
        listen = ["--listen", f"127.0.0.1:{self.ports[number]}"]
        command = [sys.executable, "-m", "edgebottle", *words, *listen]
        self.processes[number] = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def kill(self, number: int) -> None:
        """Kills it, as a power cut would."""
        process = self.processes.pop(number)
        process.kill()
        process.wait()

    async def trouble(self, end: float, pause: float) -> None:
        """Something happens to a link or a server, again and again."""
        while time.monotonic() < end:
            await asyncio.sleep(self.draw.uniform(0.2, 2 * pause))
            proxy = self.draw.choice(self.proxies)
            number = self.draw.randrange(SERVERS)
            event = self.draw.choice(EVENTS)
            if event == "outage":
                proxy.reshape(GONE)
            elif event == "loss":
                loss = self.draw.uniform(0, 0.3)
                proxy.reshape(LinkShape.steady(1e6, 0.02, 0.02, loss))
            elif event == "rate":
                rate = self.draw.choice([50e3, 250e3, 1e6, 5e6])
                proxy.reshape(LinkShape.steady(rate, 0.02, 0.005))
            elif event == "good":
                proxy.reshape(GOOD)
            elif event == "kill" and number in self.processes:
                self.kill(number)
            elif event == "start" and number not in self.processes:
                self.start(number)
            else:
                continue
            self.events[event] += 1


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


async def answers(server: Address) -> bool:
    """Whether a server listens already: the link in front of it does in any case."""
    try:
        _, writer = await asyncio.open_connection(server.host, server.port)
    except OSError:
        return False
    writer.close()
    return True


async def chaos(bench: ChaosBench, file: SplitFile, options: argparse.Namespace) -> None:
    """Asks until the time is over."""
    images = made_up(file.graph, 16)
    worker = LiteRTWorker({file.model: ServedModel("chaos", file)})
    with SlowDevice(file) as device:
        device.local_seconds = options.local
        forms = (ImageForm.JPEG, ImageForm.WEBP)
        ways = tried_ways(file, device, worker, images, None, forms)
        worker.close()
        for number in range(SERVERS):
            bench.start(number)
        targets = [Address("127.0.0.1", port) for port in bench.ports]
        bench.proxies = [LinkProxy(one, GOOD, seed) for seed, one in enumerate(targets)]
        session = SplitSession(device, ways, PolicyRules(options.deadline))
        where = [await proxy.start() for proxy in bench.proxies]
        client = SplitClient(where, file.model, heard=session.heard)
        session.client = client
        async with client:
            for connection in client.connections:
                await connection.opened.wait()
            while not all(await asyncio.gather(*map(answers, targets))):
                await asyncio.sleep(0.5)
            end = time.monotonic() + 60 * options.minutes
            trouble = asyncio.create_task(bench.trouble(end, options.pause))
            number = 0
            while time.monotonic() < end:
                due = time.monotonic() + options.period
                try:
                    bench.answered.append(await session.answer(images[number % len(images)]))
                except EdgebottleError as error:
                    bench.lost.append(str(error))
                number += 1
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await trouble
            await session.close()
        for proxy in bench.proxies:
            await proxy.stop()


def figures(bench: ChaosBench, deadline: float) -> dict[str, object]:
    """What became of the requests."""
    seconds = [one.seconds for one in bench.answered]
    late = [one for one in bench.answered if one.seconds > 1.1 * deadline]
    return {
        "requests": len(bench.answered) + len(bench.lost),
        "lost": len(bench.lost),
        "answered_by": dict(Counter(one.by.value for one in bench.answered)),
        "ways": dict(Counter(one.way for one in bench.answered)),
        "fallbacks": sum(bool(one.fallback) for one in bench.answered),
        "deadline_ms": 1e3 * deadline,
        "median_ms": round(1e3 * float(np.quantile(seconds, 0.5)), 1),
        "p99_ms": round(1e3 * float(np.quantile(seconds, 0.99)), 1),
        "max_ms": round(1e3 * max(seconds), 1),
        "beyond_deadline_and_a_tenth": len(late),
        "events": dict(bench.events),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it; the exit status is 1 where a request was lost, or p99 is too late."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.split_chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--model", type=Path, help="a split network (default: one of the tests)")
    parser.add_argument("--deadline", type=float, default=0.5, help="seconds (0.5)")
    parser.add_argument("--period", type=float, default=0.1, help="seconds from one to the next")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two events (1)")
    parser.add_argument(
        "--local",
        type=float,
        default=0.15,
        help="seconds of the device for all of it (0.15)",
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = options.model
        if path is None:
            from tests.split.split_networks import untrained_split

            path = Path(folder) / "small.tflite"
            path.write_bytes(untrained_split().data)
        file = ServedModel.of_path(path).file
        bench = ChaosBench(path, free_ports(SERVERS), random.Random(options.seed))
        try:
            asyncio.run(chaos(bench, file, options))
        finally:
            for number in tuple(bench.processes):
                bench.kill(number)
    found = figures(bench, options.deadline)
    print(json.dumps(found, indent=1))
    is_good = not bench.lost and float(str(found["p99_ms"])) <= 1.1e3 * options.deadline
    return 0 if is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
