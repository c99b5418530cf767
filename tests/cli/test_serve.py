"""``edgebottle serve`` as a user runs it: two servers, TLS, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgebottle.exporters.tflite import write_tflite
from edgebottle.split.addresses import Address
from edgebottle.split.client import SplitClient
from edgebottle.split.frames import FrameKind, ImageForm
from edgebottle.split.pictures import encoded, pixels
from tests.cli.command_line import SCRIPT, edgebottle
from tests.split.serving import run
from tests.split.split_networks import samples, untrained_split
from tests.waiting import HANG_SECONDS, deadline


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(untrained_split().data)
    return path


@contextmanager
def serving(*words: str | Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A server in a process of its own, and what it says once it listens."""
    command = [str(SCRIPT), "serve", *map(str, words), "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


async def ask(servers: Sequence[str], count: int) -> set[str]:
    """Sends pictures; which servers answered."""
    addresses = [Address.of_text(one) for one in servers]
    picture = encoded(pixels(samples(1)), ImageForm.PNG)
    found = set()
    async with SplitClient(addresses, untrained_split().model) as client:
        for connection in client.connections:
            await asyncio.wait_for(connection.opened.wait(), HANG_SECONDS)
        for _ in range(count):
            reply = await client.request(
                FrameKind.IMAGE, picture, deadline(HANG_SECONDS), flags=ImageForm.PNG
            )
            assert reply.values.shape == (5,)
            found.add(str(reply.server))
    return found


def test_two_servers_share_requests_and_stop_when_told(model: Path) -> None:
    with serving(model, "--insecure") as (first, one), serving(model, "--insecure") as (_, two):
        assert one["models"] == {"small": untrained_split().model.hex()}
        assert run(ask([one["listen"], two["listen"]], 4)) == {one["listen"], two["listen"]}
        first.send_signal(signal.SIGTERM)
        assert first.wait(HANG_SECONDS) == 0
        assert first.stdout is not None
        assert json.loads(first.stdout.readline())["results"] == 2


def test_what_cannot_be_served_is_said(tmp_path: Path, model: Path) -> None:
    (tmp_path / "whole.tflite").write_bytes(write_tflite(untrained_split().graph))
    (tmp_path / "broken.tflite").write_bytes(b"no network")
    (tmp_path / "no.pem").write_text("no certificate")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        rows = [
            ("small.tflite", 2, "say --insecure to have them in clear text"),
            ("small.tflite --insecure --certificate no.pem", 2, "--insecure is without TLS"),
            ("small.tflite --authority no.pem", 2, "give --certificate FILE"),
            ("small.tflite --certificate gone.pem", 1, "cannot read gone.pem: No such file"),
            ("small.tflite --certificate no.pem", 1, "no.pem: no certificate in PEM with its key"),
            ("gone.tflite --insecure", 1, "cannot read gone.tflite: No such file"),
            ("whole.tflite --insecure", 1, "whole.tflite: the network is not split"),
            ("broken.tflite --insecure", 1, "broken.tflite: "),
            ("small.tflite small.tflite --insecure", 1, "are one network"),
            ("small.tflite --insecure --listen 7700", 2, "'7700' is no HOST:PORT such as"),
            (f"small.tflite --insecure --listen 127.0.0.1:{port}", 1, "Address already in use"),
            ("small.tflite --insecure --listen 203.0.113.1:0", 1, "cannot listen on 203.0.113.1:0"),
            ("small.tflite --insecure --deadline 0", 2, "0"),
            ("--insecure", 2, "Missing argument 'MODEL...'"),
        ]
        for words, code, said in rows:
            done = edgebottle("serve", *words.split(), cwd=tmp_path)
            assert (done.code, said in done.err) == (code, True), (words, done.err)
            assert "Traceback" not in done.err
