"""Secured connections: only who has the right certificate is heard."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from edgebottle.errors import BadInput
from edgebottle.split.client import SplitClient
from edgebottle.split.connection import NoReply
from edgebottle.split.frames import FrameKind
from edgebottle.split.tls import Security
from tests.split.serving import MODEL, run, served
from tests.waiting import HANG_SECONDS, deadline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two certificates that their owners signed, each with its key in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    path = tmp_path_factory.mktemp("certificates")
    for name in ("server", "other"):
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 "
            f"-subj /CN={name} -addext subjectAltName=IP:127.0.0.1 -keyout key -out certificate"
        )
        subprocess.run(command.split(), check=True, capture_output=True, cwd=path)
        (path / f"{name}.pem").write_bytes(
            (path / "key").read_bytes() + (path / "certificate").read_bytes()
        )
    return path


async def heard(server: Security, client: Security | None) -> bool:
    """Whether a client gets an answer; False once its connection has failed."""
    context = None if client is None else client.client_context()
    async with (
        served(tls=server.server_context()) as (_, where),
        SplitClient([where], MODEL, context) as asking,
    ):
        connection = asking.connections[0]
        while connection.trouble == "not connected yet":
            await asyncio.sleep(0.01)
            try:
                end = deadline(HANG_SECONDS)
                reply = await asking.request(FrameKind.IMAGE, bytes(8), end)
            except NoReply:
                continue
            return reply.values.tolist() == [0.0, 0.0]
        return False


CASES = [
    ("the certificate is known", "", "", True),
    ("the client believes others", "", "other", False),
    ("the client believes what this computer does", "", None, False),
    ("clear text", "", "clear", False),
    ("both are known", "other", "", True),
    ("the client is not known", "server", "", False),
]


@pytest.mark.parametrize(
    ("server_believes", "client_believes", "expected"),
    [row[1:] for row in CASES],
    ids=[row[0] for row in CASES],
)
def test_who_is_heard(
    folder: Path, server_believes: str, client_believes: str | None, expected: bool
) -> None:
    """The client shows ``other.pem`` where it is asked."""
    pem = {name: folder / f"{name}.pem" for name in ("server", "other")}
    server = Security(pem["server"], authority=pem.get(server_believes))
    client: Security | None = Security(
        pem["other"],
        authority=None if client_believes is None else pem.get(client_believes, pem["server"]),
    )
    if client_believes == "clear":
        client = None
    assert run(heard(server, client)) is expected


def test_bad_files_are_said(folder: Path) -> None:
    (folder / "text.pem").write_text("no certificate")
    key = folder / "key"
    rows = [
        (Security(folder / "gone.pem"), "cannot read .*gone.pem"),
        (Security(folder / "text.pem"), "text.pem: no certificate in PEM with its key"),
        (Security(folder / "server.pem", key), "no certificate in PEM .*key values mismatch"),
        (
            Security(folder / "server.pem", authority=folder / "text.pem"),
            "text.pem: no certificate",
        ),
        (Security(), "give one with --certificate"),
    ]
    for security, words in rows:
        with pytest.raises(BadInput, match=words):
            security.server_context()
