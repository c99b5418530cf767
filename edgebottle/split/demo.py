"""Device, link and server on one computer: a split network over a link of one's choosing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from edgebottle.errors import BadInput
from edgebottle.ir.graph import Array, Graph
from edgebottle.split.addresses import Address
from edgebottle.split.client import SplitClient
from edgebottle.split.description import SplitFile
from edgebottle.split.device import DemoDevice, DeviceFacts, tried_ways, whole_class
from edgebottle.split.frames import ImageForm
from edgebottle.split.link import LinkShape
from edgebottle.split.policy import PolicyRules, Way
from edgebottle.split.proxy import LinkProxy
from edgebottle.split.server import ServerLimits, SplitServer
from edgebottle.split.serving import LiteRTWorker, ServedModel
from edgebottle.split.session import Fallback, PhaseSeconds, SplitAnswer, SplitSession

CONNECT_SECONDS = 5.0
"""How long the first connection is waited for."""

TRIED_SAMPLES = 24
"""With which every way is tried before the link is looked at."""


@dataclass(frozen=True)
class DemoPlan:
    """What a demonstration does.

    Attributes:
        shape: Of the link.
        rules: Of the policy.
        fallback: When the device computes by itself.
        requests: How many there are.
        period: Seconds from one to the next.
        seed: Of the link.
        only: Names of ways, of which alone the policy chooses; empty for all.
    """

    shape: LinkShape
    rules: PolicyRules
    fallback: Fallback = Fallback.DEADLINE
    requests: int = 200
    period: float = 0.1
    seed: int = 0
    only: tuple[str, ...] = ()


@dataclass
class DemoTally:
    """What has happened so far.

    Attributes:
        ways: What the policy chooses from.
        answers: Of all requests so far.
        right: How many of them were right.
        sent: Bytes from the device to the server, at the socket.
        received: Bytes from the server to the device.
        link: The link's rate and round-trip time as the device takes them to be.
        device: What computes on the device.
    """

    ways: tuple[Way, ...] = ()
    answers: list[SplitAnswer] = field(default_factory=list)
    right: int = 0
    sent: int = 0
    received: int = 0
    link: tuple[float, float] = (0.0, 0.0)
    device: DeviceFacts = field(default_factory=lambda: DeviceFacts("Python"))

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.right / len(self.answers) if self.answers else 0.0

    def chosen(self) -> Counter[str]:
        """How many requests went which way."""
        return Counter(one.way for one in self.answers)

    def fallbacks(self) -> int:
        """Requests that the device computed although a server was asked."""
        return sum(bool(one.fallback) for one in self.answers)

    def latency(self, share: float) -> float:
        """Seconds within which this share of the answers was there."""
        return float(np.quantile([one.seconds for one in self.answers], share))

    def phases(self) -> PhaseSeconds:
        """Means."""
        names = PhaseSeconds.__dataclass_fields__
        each = {name: [getattr(one.phases, name) for one in self.answers] for name in names}
        return PhaseSeconds(**{name: float(np.mean(values)) for name, values in each.items()})

    def to_json(self) -> dict[str, Any]:
        """All of it, in milliseconds and bytes."""
        found: dict[str, Any] = {
            "device": self.device.to_json(),
            "requests": len(self.answers),
            "accuracy": self.accuracy,
            "sent_bytes": self.sent,
            "received_bytes": self.received,
            "ways": [asdict(way) for way in self.ways],
            "chosen": dict(self.chosen()),
            "answered_by": dict(Counter(one.by.value for one in self.answers)),
            "fallbacks": self.fallbacks(),
            "late": sum(one.is_late for one in self.answers),
        }
        if self.answers:
            found["latency_ms"] = {
                name: 1e3 * self.latency(share)
                for name, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))
            }
            found["phases_ms"] = {
                name: 1e3 * value for name, value in asdict(self.phases()).items()
            }
        return found


def made_up(graph: Graph, count: int, seed: int = 0) -> list[Array]:
    """Smooth random pictures, each with its batch, for a network that takes one."""
    tensor = graph.tensors[graph.inputs[0]]
    _, height, width, channels = tensor.shape
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        coarse = draw.integers(0, 256, (-(-height // 8), -(-width // 8), channels), np.uint8)
        fine = coarse.repeat(8, axis=0).repeat(8, axis=1)[None, :height, :width]
        found.append(np.ascontiguousarray(fine).view(tensor.dtype.numpy))
    return found


Shown = Callable[[DemoTally], None]
"""Called after each answer."""


async def run_demo(
    file: SplitFile,
    device: DemoDevice,
    images: Sequence[Array],
    labels: Sequence[int] | None,
    plan: DemoPlan,
    tally: DemoTally,
    shown: Shown,
) -> None:
    """Sends requests over the link; what happens stands in ``tally``, if it is cut short too.

    Args:
        file: The network.
        device: Its half of it.
        images: Inputs, each with its batch; used in turn.
        labels: Their classes; None: right is what the whole network says.
        plan: What to do.
        tally: Filled.
        shown: Called after each answer.

    Raises:
        NoReply: the fallback is NEVER, and a request has no reply.
    """
    model = ServedModel("demo", file)
    worker = LiteRTWorker({file.model: model})
    server = SplitServer({file.model: "demo"}, [worker], ServerLimits(model.longest))
    forms = (ImageForm.JPEG, ImageForm.WEBP)
    tried, stop = min(len(images), TRIED_SAMPLES), threading.Event()
    try:
        expected = labels or [whole_class(file, worker, image) for image in images]
        given = (images[:tried], expected[:tried], forms, stop.is_set)
        ways = await asyncio.to_thread(tried_ways, file, device, worker, *given)
    except BaseException:
        stop.set()  # or the end would wait for all that is to be tried
        worker.close()
        raise
    local = next((way.device for way in ways if way.is_local), None)
    tally.device = device.facts
    tally.ways = tuple(way for way in ways if not plan.only or way.name in plan.only)
    if not tally.ways:
        raise BadInput(f"{device.facts.name} has none of the ways {', '.join(plan.only)}")
    port, _ = await server.start("127.0.0.1", 0)
    proxy = LinkProxy(Address("127.0.0.1", port), plan.shape, plan.seed)
    try:
        session = SplitSession(device, tally.ways, plan.rules, plan.fallback, local_seconds=local)
        client = SplitClient([await proxy.start()], file.model, heard=session.heard)
        session.client = client
        async with client:
            await client.connected(CONNECT_SECONDS)
            await _ask_all(session, proxy, images, expected, plan, tally, shown)
            await session.close()
    finally:
        await proxy.stop()
        await server.stop()


async def _ask_all(
    session: SplitSession,
    proxy: LinkProxy,
    images: Sequence[Array],
    expected: Sequence[int],
    plan: DemoPlan,
    tally: DemoTally,
    shown: Shown,
) -> None:
    due = time.monotonic()
    for number in range(plan.requests):
        place = number % len(images)
        answer = await session.answer(images[place])
        tally.answers.append(answer)
        tally.right += int(answer.values.argmax()) == expected[place]
        tally.sent, tally.received = proxy.sent, proxy.received
        link = session.state.link
        tally.link = (link.bits_per_second, link.rtt)
        shown(tally)
        due = max(due + plan.period, time.monotonic())
        await asyncio.sleep(due - time.monotonic())
