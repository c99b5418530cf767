"""Weights of few bits as words of codes: read back as the tables are indexed."""

import numpy as np
import pytest

from edgebottle.ops.code_tables import CODES, TableForm


@pytest.mark.parametrize(
    "form",
    [
        TableForm(weight_bits=2, bits=2, depth=5, window=6, outputs=9),
        TableForm(weight_bits=1, bits=1, depth=70, window=3, outputs=4),
        TableForm(weight_bits=1, bits=8, depth=3, window=3, outputs=6),
        TableForm(weight_bits=2, bits=4, depth=32, window=9, outputs=8),
        TableForm(weight_bits=4, bits=8, depth=21, window=1, outputs=4),
    ],
)
def test_words_hold_the_codes_of_runs(form: TableForm) -> None:
    """The first word lacks its lowest codes; taps that fill a byte, and channels a four, are 0."""
    random, taps = np.random.default_rng(1), form.window * form.depth
    codes = random.integers(0, 1 << form.weight_bits, (form.outputs, taps), np.uint8)
    words, at = form.pack(codes), 0
    found: list[list[int]] = [[] for _ in range(-(-form.outputs // 4) * 4)]
    for first in range(0, form.words, form.run_words):
        count = min(form.run_words, form.words - first)
        for channel in range(len(found)):
            start = at + channel // 4 * 4 * count + channel % 4
            for word in words[start : start + 4 * count : 4]:
                for place in range(0, 32, form.weight_bits):
                    found[channel].append(int(word) >> place & ((1 << form.weight_bits) - 1))
        at += len(found) * count
    assert at == len(words)
    skipped = (form.words * CODES - form.codes) * 4 // form.weight_bits
    for channel, row in enumerate(found):
        assert not any(row[:skipped])
        end = skipped + form.window * form.pixel_taps
        pixels = np.array(row[skipped:end]).reshape(form.window, -1)
        wanted = codes[channel].reshape(form.window, -1) if channel < form.outputs else 0
        assert (pixels[:, : form.depth] == wanted).all()
        assert not pixels[:, form.depth :].any() and not any(row[end:])


@pytest.mark.parametrize("weight_bits", [1, 2, 4])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_no_field_overflows_in_a_run(weight_bits: int, bits: int) -> None:
    form = TableForm(weight_bits, bits, depth=1000, window=1, outputs=4)
    taps = form.run_words * CODES * 4 // weight_bits
    code, value = form.centres
    products = [
        (one - code) * (other - value)
        for one in range(1 << weight_bits)
        for other in range(1 << bits)
    ]
    assert (form.run_words == 0) == ((weight_bits, bits) == (4, 2))
    assert form.start + taps * min(products) >= 0
    assert form.start + taps * max(products) < 1 << form.field_bits
