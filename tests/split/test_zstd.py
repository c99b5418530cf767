"""Payloads are no larger than what zstd makes of the same levels, and near their cross-entropy."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from edgebottle.litert import LiteRTModel
from tests.split.split_networks import samples, untrained_split


def zstd_bytes(data: bytes) -> int:
    """Without a checksum, which frames have too."""
    command = ["zstd", "-19", "--no-check", "-c"]
    return len(subprocess.run(command, input=data, capture_output=True, check=True).stdout)


def test_payload_is_no_larger_than_zstd_makes_it() -> None:
    if shutil.which("zstd") is None:
        pytest.skip("zstd is not installed")
    split = untrained_split().split
    code, head, total, bound = split.code, LiteRTModel(untrained_split().head), 0, 0.0
    images = samples(20, seed=9)
    for image in images:
        levels = split.levels(head.run([image[None]])[0])
        payload, _ = code.encode(levels, code.rates)
        plain = levels.transpose(2, 0, 1).tobytes()
        assert len(payload) <= min(map(zstd_bytes, (plain, code.pack(levels, code.rates))))
        total, bound = total + len(payload), bound + code.entropy_bits(levels, code.rates) / 8
    assert total <= 1.02 * bound + len(images)  # a byte ends each
