/* LSTM cells, int8, with packed weights: see eb_lstm.h and eb_tile_s8.h. */
#ifndef EB_LSTM_S8_PACKED_H
#define EB_LSTM_S8_PACKED_H

/* The bytes of the last one to three values. */
static inline uint32_t eb_lstm_s8_last(const int8_t *values, int32_t count)
{
    uint32_t word = 0;
#pragma GCC unroll 1
    for (int32_t i = count - 1; i >= 0; --i) {
        word = word << 8 | (uint8_t)values[i];
    }
    return word;
}

/* Two gates share a lane of the weights as 256 * a + b, so that a product of the raw word sums
 * 256 * A + B.
 *
 * weights: for four values a word of gates 0 and 1, and one of 2 and 3, of values 0 and 2, then of
 * 1 and 3; those behind the last value are zero.
 */
static inline const void *
eb_lstm_s8_dot_packed(const int8_t *values, const void *from, int32_t count, int32_t *sums)
{
    const uint32_t *weights = (const uint32_t *)from;
    int32_t raw0 = 0;
    int32_t raw1 = 0;
    int32_t low0 = 0;
    int32_t low1 = 0;
    for (; count > 0; count -= 4) {
        const uint32_t word = count >= 4 ? eb_load_word(values) : eb_lstm_s8_last(values, count);
        const uint32_t even = eb_sxtb16(word);
        const uint32_t odd = eb_sxtb16_ror8(word);
        const uint32_t even0 = weights[0];
        const uint32_t even1 = weights[1];
        const uint32_t odd0 = weights[2];
        const uint32_t odd1 = weights[3];
        raw0 = eb_smlad(even0, even, raw0);
        raw1 = eb_smlad(even1, even, raw1);
        low0 = eb_smlad(eb_sxtb16(even0), even, low0);
        low1 = eb_smlad(eb_sxtb16(even1), even, low1);
        raw0 = eb_smlad(odd0, odd, raw0);
        raw1 = eb_smlad(odd1, odd, raw1);
        low0 = eb_smlad(eb_sxtb16(odd0), odd, low0);
        low1 = eb_smlad(eb_sxtb16(odd1), odd, low1);
        values += 4;
        weights += 4;
    }
    sums[0] = (raw0 - low0) >> 8;
    sums[1] = low0;
    sums[2] = (raw1 - low1) >> 8;
    sums[3] = low1;
    return weights;
}

/* As eb_lstm_s8_all. */
EB_KERNEL void eb_lstm_s8_packed_all(
    const eb_lstm_s8 *p, const int8_t *in, int8_t *out, int8_t *hidden, int16_t *cell)
{
    eb_lstm_s8_steps(eb_lstm_s8_dot_packed, p, in, out, hidden, cell);
}

#endif /* EB_LSTM_S8_PACKED_H */
