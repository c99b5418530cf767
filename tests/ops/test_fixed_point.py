"""The fixed-point arithmetic against exact rational numbers, and its C twin against it."""

import subprocess
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from edgebottle.data import data_dir
from edgebottle.errors import ToolMissing, UnsupportedOp
from edgebottle.ir.dtypes import DType
from edgebottle.ir.graph import Quant, Tensor
from edgebottle.ops.base import Activation
from edgebottle.ops.fixed_point import (
    activation_range,
    checked_multiplier,
    exact_multiplier,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    quantize_multipliers,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
    scale_accumulator,
)

INT32 = 2**31


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (0.75, (3 << 29, 0)),
        (1.0 - 2.0**-40, (1 << 30, 1)),  # rounds up to 2^31, which does not fit
        (2.0**-32, (1 << 30, -31)),
        (2.0**-33, (0, 0)),
        (3.0 * 2.0**-60, (0, 0)),
        (100.0, (1677721600, 7)),
    ],
)
def test_quantize_multiplier(real, expected):
    assert quantize_multiplier(real) == expected
    multipliers, shifts = quantize_multipliers([1.5, real, -0.3])
    assert (multipliers[1], shifts[1]) == expected
    assert (multipliers[2], shifts[2]) == quantize_multiplier(-0.3)


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def half_away(value: Fraction) -> int:
    return half_up(value) if value >= 0 else -half_up(-value)


EDGES = (0, 1, 2, 3, 5, 127, 128, 2**15, 2**30 - 1, 2**30, INT32 - 1)
VALUES = sorted({*EDGES, *(-edge for edge in EDGES), -INT32})


@pytest.mark.parametrize("multiplier", [0, 1, 2**30, 2**30 + 1, 3 << 29, INT32 - 1])
def test_high_mul_rounds_half_up(multiplier):
    result = saturating_rounding_doubling_high_mul(np.array(VALUES), multiplier)
    assert result.tolist() == [half_up(Fraction(v * multiplier, INT32)) for v in VALUES]


def test_high_mul_saturates():
    assert saturating_rounding_doubling_high_mul(-INT32, -INT32) == INT32 - 1


@pytest.mark.parametrize("exponent", [0, 1, 2, 7, 30, 31])
def test_divide_by_pot_rounds_half_away(exponent):
    result = rounding_divide_by_pot(np.array(VALUES), exponent)
    assert result.tolist() == [half_away(Fraction(v, 1 << exponent)) for v in VALUES]


def test_a_left_shift_wraps():
    assert multiply_by_quantized_multiplier(2**30, 2**30, 2) == 0
    assert multiply_by_quantized_multiplier(3, 2**30, 2) == 6


@pytest.mark.parametrize("scale", [1 / 98, 1 / 6, 0.1, 0.5, 1.0, 3.25, 2.0**-20, 2.0**40])
def test_scaling_rounds_the_double_half_away(scale):
    acc = np.arange(-500, 501)
    expected = [half_away(Fraction(int(v) * scale)) for v in acc]
    assert np.clip(scale_accumulator(acc, scale), -(2**18), 2**18).tolist() == [
        max(min(v, 2**18), -(2**18)) for v in expected
    ]


@pytest.mark.parametrize("scale", [1 / 98, 0.1, 1.0, 511.5, 2.0**-33, 2.0**18])
def test_exact_multiplier_is_exact(scale):
    high, low, shift = exact_multiplier(scale)
    assert Fraction((high << 32) + low, 1) / 2**shift == Fraction(scale)
    assert high < 2**21 and low < 2**32 and 33 <= shift <= 86


@pytest.mark.parametrize(
    ("activation", "scale", "zero_point", "expected"),
    [
        (Activation.NONE, 0.1, 3, (-128, 127)),
        (Activation.RELU, 0.1, 3, (3, 127)),
        (Activation.RELU, 0.1, -128, (-128, 127)),
        (Activation.RELU6, 0.1, -10, (-10, 50)),
        (Activation.RELU6, 0.01, -10, (-10, 127)),
        (Activation.RELU_N1_TO_1, 0.03125, 1, (-31, 33)),
        (Activation.RELU_N1_TO_1, 1e-9, 1, (-128, 127)),
    ],
)
def test_activation_range(activation, scale, zero_point, expected):
    tensor = Tensor("t", (1,), DType.I8, Quant((scale,), (zero_point,)))
    assert activation_range(activation, tensor) == expected


def test_bounds_beyond_int32_are_refused():
    tensor = Tensor("t", (1,), DType.I8, Quant((1e-30,), (1,)))
    with pytest.raises(UnsupportedOp, match=r"gives 't' scales by 1e\+30"):
        activation_range(Activation.RELU_N1_TO_1, tensor)


@pytest.mark.parametrize("scale", [0.0, 2.0**-200, 0.75, 2.0**7 * (1 - 2.0**-20)])
def test_multipliers_that_are_taken(scale):
    assert checked_multiplier("a layer", scale, 7) == quantize_multiplier(scale)


@pytest.mark.parametrize("scale", [-0.5, 2.0**7, 2.0**7 * (1 - 2.0**-40), np.inf, np.nan])
def test_multipliers_that_are_refused(scale):
    with pytest.raises(UnsupportedOp, match=r"^a layer scales by .* 0 to 2\^7; quantize"):
        checked_multiplier("a layer", scale, 7)


PROGRAM = """
#include <stdio.h>
#include "eb_requant.h"

int main(void)
{
    long a, b, c, d;
    while (scanf("%ld %ld %ld %ld", &a, &b, &c, &d) == 4) {
        if (d < 0) {
            printf("%ld\\n", (long)eb_requantize((int32_t)a, (int32_t)b, (int32_t)c));
        } else {
            printf("%ld\\n",
                   (long)eb_scale_accumulator((int32_t)a, (uint32_t)b, (uint32_t)c, (int32_t)d));
        }
    }
    return 0;
}
"""


def run_c(rows, folder):
    from edgebottle.build.toolchains import host_compiler

    try:
        compiler = host_compiler("gcc")  # links its sanitizers faster than zig does
    except ToolMissing:
        compiler = host_compiler()
    (folder / "program.c").write_text(PROGRAM)
    include = data_dir("firmware") / "lib" / "edgebottle" / "include"
    command = [*compiler.command, "-std=c99", "-fsanitize=undefined", f"-I{include}"]
    flags = ["-fno-sanitize-recover=all", "-o", str(folder / "program"), str(folder / "program.c")]
    subprocess.run([*command, *flags], check=True, timeout=300)
    text = "\n".join(" ".join(str(int(item)) for item in row) for row in rows)
    program = [folder / "program"]
    done = subprocess.run(program, input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def test_c_equals_numpy(tmp_path):
    rng = np.random.default_rng(7)
    count = 20000
    acc = rng.integers(-INT32, INT32, count) >> rng.integers(0, 31, count)
    acc[: len(VALUES)] = VALUES
    multiplier = rng.integers(2**30, INT32, count)
    multiplier[::5] = 2**30
    multiplier[::17] = 0
    shift = rng.integers(-31, 31, count)
    rows = np.stack([acc, multiplier, shift, np.full(count, -1)], axis=1)
    expected = multiply_by_quantized_multiplier(acc, multiplier, shift)

    scale = 2.0 ** rng.uniform(-34, 21, count)
    scale[::3] = 1 / rng.integers(1, 2000, len(scale[::3]))
    scale[1::3] = rng.integers(1, 99, len(scale[1::3])) / rng.integers(1, 2000, len(scale[1::3]))
    ties = np.clip((rng.integers(-300, 300, count) + 0.5) / scale, -INT32, INT32 - 1)
    near = np.clip(ties.astype(np.int64) + rng.integers(-1, 2, count), -INT32, INT32 - 1)
    exact = np.array([(a, *exact_multiplier(s)) for a, s in zip(near, scale, strict=True)])
    scaled = np.clip(scale_accumulator(near, scale), -(2**30), 2**30)

    result = run_c([*rows, *exact], tmp_path)
    np.testing.assert_array_equal(result[:count], expected)
    np.testing.assert_array_equal(result[count:], scaled)
