/* The counters of eb_slices.h in C: the same words, tap by tap. */
#ifndef EB_SLICES_TWIN_H
#define EB_SLICES_TWIN_H

EB_KERNEL void eb_slices_count(eb_slices_tile *t)
{
    for (uint32_t i = 0; i < t->halves * EB_SLICES_TAPS; ++i) {
        uint32_t carry = ((uint32_t)t->window[i / 8u] >> i % 8u & 1u) != 0u ? t->weights[i] : 0u;
        for (int32_t k = 0; k < EB_SLICES; ++k) {
            const uint32_t next = t->slices[k] & carry;
            t->slices[k] ^= carry;
            carry = next;
        }
    }
    t->weights += t->halves * EB_SLICES_TAPS;
}

#endif /* EB_SLICES_TWIN_H */
