"""Instructions of Linux boards, counted exactly."""

from pathlib import Path

from edgebottle.exporters.tflite import write_tflite
from edgebottle.pipeline import load
from tests.bench.linux_counts import layer_counts
from tests.bench.low_bits import network


def test_few_bits_take_less_than_half_of_int8(tmp_path: Path) -> None:
    file = tmp_path / "few.tflite"
    file.write_bytes(write_tflite(network("windows", 2, 2)))
    model = load(str(file), io="int8")
    wide = layer_counts(model, "raspberry_pi_3", narrow=False)
    few = layer_counts(model, "raspberry_pi_3")
    assert [few[name] < 0.5 * wide[name] for name in few] == [False, True, True, True]
    assert layer_counts(model, "raspberry_pi_3") == few
