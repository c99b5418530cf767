"""What a server has done, in the text format of Prometheus, and whether it is well, over HTTP."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

BOUNDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds: the upper ends of a histogram's parts."""

REQUEST_SECONDS = 5.0
MAX_LINES = 64

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Histogram:
    """How long something took, by parts of ``BOUNDS``."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Counts one."""
        self.counts[bisect.bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def lines(self, name: str, labels: str) -> Iterator[str]:
        """As Prometheus reads it."""
        seen = 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.counts, strict=True):
            seen += count
            yield f'{name}_bucket{{{labels},le="{bound}"}} {seen}'
        yield f"{name}_sum{{{labels}}} {self.total:.6f}"
        yield f"{name}_count{{{labels}}} {seen}"


class ServerMetrics:
    """Counters of a server; all of them only grow, but for what is there now."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self.requests: dict[tuple[str, str, str], int] = {}
        self.broken: dict[str, int] = {}
        self.received = self.sent = 0
        self.connections = self.waiting = self.connections_total = 0
        self.queue: dict[str, Histogram] = {}
        self.compute: dict[tuple[str, str], Histogram] = {}

    def answered(self, model: str, kind: str, outcome: str) -> None:
        """A request has had its reply.

        Args:
            model: Name of the network; "unknown" for all that are not served.
            kind: ``features`` or ``image``.
            outcome: ``result``, or why it was refused.
        """
        key = (model, kind, outcome)
        self.requests[key] = self.requests.get(key, 0) + 1

    def broke(self, reason: str) -> None:
        """A connection gave what is no frame."""
        self.broken[reason] = self.broken.get(reason, 0) + 1

    def took(self, model: str, kind: str, waited: float, computed: float) -> None:
        """Seconds that a request waited, and its answer took."""
        self.queue.setdefault(model, Histogram()).add(waited)
        self.compute.setdefault((model, kind), Histogram()).add(computed)

    @property
    def results(self) -> int:
        """Requests that were answered with a result."""
        return sum(n for (_, _, outcome), n in self.requests.items() if outcome == "result")

    def text(self) -> str:
        """Everything, in the format of Prometheus."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _head("requests_total", "counter", "Requests by what became of them.")
        for (model, kind, outcome), count in sorted(self.requests.items()):
            labels = f'model="{escaped(model)}",kind="{kind}",outcome="{outcome}"'
            yield f"edgebottle_requests_total{{{labels}}} {count}"
        yield from _head("broken_frames_total", "counter", "What came and was no frame.")
        for reason, count in sorted(self.broken.items()):
            yield f'edgebottle_broken_frames_total{{reason="{reason}"}} {count}'
        for name, kind, help_text, value in (
            ("received_bytes_total", "counter", "Bytes of frames that came.", self.received),
            ("sent_bytes_total", "counter", "Bytes of frames that were sent.", self.sent),
            ("connections_total", "counter", "Connections so far.", self.connections_total),
            ("connections", "gauge", "Connections now.", self.connections),
            ("waiting_requests", "gauge", "Requests that wait now.", self.waiting),
        ):
            yield from _head(name, kind, help_text)
            yield f"edgebottle_{name} {value}"
        yield from _head("queue_seconds", "histogram", "How long requests waited.")
        for model, histogram in sorted(self.queue.items()):
            yield from histogram.lines("edgebottle_queue_seconds", f'model="{escaped(model)}"')
        yield from _head("compute_seconds", "histogram", "How long their answers took.")
        for (model, kind), histogram in sorted(self.compute.items()):
            labels = f'model="{escaped(model)}",kind="{kind}"'
            yield from histogram.lines("edgebottle_compute_seconds", labels)


def _head(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP edgebottle_{name} {text}", f"# TYPE edgebottle_{name} {kind}"


def escaped(text: str) -> str:
    """As the value of a label."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


async def answer_http(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    metrics: ServerMetrics,
    is_well: Callable[[], bool],
) -> None:
    """Answers one request: ``/health`` with 200 or 503, ``/metrics``; then closes."""
    with contextlib.suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(REQUEST_SECONDS):
            words = (await reader.readline()).split()
            for _ in range(MAX_LINES):
                if not (await reader.readline()).strip():
                    break
            method, path = (words[0], words[1].partition(b"?")[0]) if len(words) > 1 else (b"", b"")
            writer.write(_http_reply(method, path, metrics, is_well()))
            await writer.drain()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _http_reply(method: bytes, path: bytes, metrics: ServerMetrics, is_well: bool) -> bytes:
    status, body = "404 Not Found", "there are /health and /metrics\n"
    if method not in (b"GET", b"HEAD"):
        status, body = "405 Method Not Allowed", "GET only\n"
    elif path == b"/metrics":
        status, body = "200 OK", metrics.text()
    elif path == b"/health":
        status = "200 OK" if is_well else "503 Service Unavailable"
        body = "well\n" if is_well else "stopping\n"
    data = body.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {_TEXT}\r\nContent-Length: {len(data)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if method == b"HEAD" else data)
