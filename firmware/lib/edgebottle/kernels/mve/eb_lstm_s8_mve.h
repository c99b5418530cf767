/* LSTM cells, int8, with vectors of sixteen: see eb_lstm.h and eb_mve.h. */
#ifndef EB_LSTM_S8_MVE_H
#define EB_LSTM_S8_MVE_H

#include "../../include/eb_mve.h"

/* Sixteen values times the weights of each gate. */
static inline const void *
eb_lstm_s8_dot_mve(const int8_t *values, const void *from, int32_t count, int32_t *sums)
{
    const int8_t *weights = (const int8_t *)from;
    const int8_t *weights1 = weights + count;
    const int8_t *weights2 = weights1 + count;
    const int8_t *weights3 = weights2 + count;
    int32_t sum0 = 0;
    int32_t sum1 = 0;
    int32_t sum2 = 0;
    int32_t sum3 = 0;
    for (int32_t i = 0; i < count; i += 16) {
        const int32_t left = count - i;
        const eb_s8x16 value = eb_load_s8x16(values + i, left);
        sum0 = eb_dot_s8x16(sum0, value, eb_load_s8x16(weights + i, left));
        sum1 = eb_dot_s8x16(sum1, value, eb_load_s8x16(weights1 + i, left));
        sum2 = eb_dot_s8x16(sum2, value, eb_load_s8x16(weights2 + i, left));
        sum3 = eb_dot_s8x16(sum3, value, eb_load_s8x16(weights3 + i, left));
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
    return weights3 + count;
}

/* As eb_lstm_s8_all, with the same weights. */
EB_KERNEL void eb_lstm_s8_mve_all(
    const eb_lstm_s8 *p, const int8_t *in, int8_t *out, int8_t *hidden, int16_t *cell)
{
    eb_lstm_s8_steps(eb_lstm_s8_dot_mve, p, in, out, hidden, cell);
}

#endif /* EB_LSTM_S8_MVE_H */
