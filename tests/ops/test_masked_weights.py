"""Weights of few bits in words that are masked: read back as the kernels mask them."""

from itertools import product

import numpy as np
import pytest

from edgebottle.ops.masked_weights import SUMS, MaskedForm

FORMS = [
    MaskedForm(weight_bits, bits, inputs=150, outputs=11)
    for weight_bits, bits in product((1, 2, 4), (1, 2, 4, 8))
    if (weight_bits, 8 if bits <= 2 else 16) in SUMS
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_words_hold_the_codes_of_groups(form: MaskedForm) -> None:
    """What fills the words has codes of the centre, whose products with any value are 0."""
    codes = np.random.default_rng(1).integers(0, 1 << form.weight_bits, (11, 150), np.uint8)
    words = form.pack(codes).reshape(-1, form.words // form.codes, 4)
    found = np.full((len(words) * form.group, form.words * form.word_values), -1)
    for group, word, k, code in np.ndindex(*words.shape, form.codes):
        kept = int(words[group, word, k]) >> code * form.weight_bits & form.mask
        value = word * form.codes + code
        for lane in range(form.lanes):
            one = kept >> lane * form.lane_bits & (1 << form.lane_bits) - 1
            if form.lane_bits == 16:
                found[group * form.group + 2 * k + lane, value] = one
            else:
                found[group * form.group + k, 4 * value + 3 - lane] = one
    assert (found[:11, :150] == codes).all()
    assert (found[11:] == form.centre).all() and (found[:, 150:] == form.centre).all()


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_no_lane_overflows_in_a_run(form: MaskedForm) -> None:
    low = -128 if form.bits == 8 else -form.middle
    codes, values = range(1 << form.weight_bits), (low, low + (1 << form.bits) - 1)
    ends = [(code - form.centre) * value for code in codes for value in values]
    count = form.run_words * form.word_values
    assert form.start + count * min(ends) >= 0
    assert form.start + count * max(ends) < 1 << form.lane_bits
    if form.lane_bits == 8:
        below, partial = (
            form.start_word & 0xFF,
            [code * value for code in codes for value in values],
        )
        assert below + 3 * form.run_words * min(partial) >= 0
        assert below + 3 * form.run_words * max(partial) < 1 << 8
