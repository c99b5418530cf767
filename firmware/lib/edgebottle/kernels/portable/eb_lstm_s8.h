/* LSTM cells, int8 with cells of int16: see eb_lstm.h. The variants differ in their dot products.
 */
#ifndef EB_LSTM_S8_H
#define EB_LSTM_S8_H

#include "../../include/eb_lstm.h"

/* Adds to four sums the products of `count` values with the weights of a cell's gates; returns
 * where those of the next cell are. */
typedef const void *(*eb_lstm_s8_dot)(const int8_t *values,
                                      const void *weights,
                                      int32_t count,
                                      int32_t *sums);

/* Weights as eb_lstm.h says. */
static inline const void *
eb_lstm_s8_dot_plain(const int8_t *values, const void *from, int32_t count, int32_t *sums)
{
    const int8_t *weights = (const int8_t *)from;
#if EB_HAVE_DSP
    eb_dot_bytes_1x2(values, weights, weights + count, count, sums);
    eb_dot_bytes_1x2(values, weights + 2 * count, weights + 3 * count, count, sums + 2);
#else
    eb_dot_fours(values, count, weights, sums);
#endif
    return weights + 4 * count;
}

/* Adds the scaled sums of the four gates of a cell to `gates`, within int16.
 *
 * weights: those of the cell. biases, multiplier, shift: 4. Returns the next cell's weights.
 */
EB_INLINED const void *eb_lstm_s8_sums(eb_lstm_s8_dot dot,
                                       const int8_t *values,
                                       const void *weights,
                                       int32_t count,
                                       const int32_t *biases,
                                       const int32_t *multiplier,
                                       const int32_t *shift,
                                       int32_t *gates)
{
    int32_t sums[4] = {0, 0, 0, 0};
    weights = dot(values, weights, count, sums);
    for (int32_t gate = 0; gate < 4; ++gate) {
        const int32_t sum = eb_add_wrap(sums[gate], biases[gate]);
        const int32_t scaled = eb_requantize(sum, multiplier[gate], shift[gate]);
        /* Limited before it is added, so that the sum cannot overflow. */
        const int32_t total = eb_clamp(scaled, -(1 << 17), 1 << 17) + gates[gate];
        gates[gate] = eb_clamp(total, INT16_MIN, INT16_MAX);
    }
    return weights;
}

/* One step of one cell, whose gates are given: its output. */
static inline int8_t eb_lstm_s8_cell(const eb_lstm_s8 *p, const int32_t *gates, int16_t *cell)
{
    const int32_t input = eb_fixed_16_logistic(gates[0], 3);
    const int32_t forget = eb_fixed_16_logistic(gates[1], 3);
    const int32_t kept = eb_rounding_shift_right(forget * *cell, 15);
    const int32_t added =
        eb_rounding_shift_right(input * eb_fixed_16_tanh(gates[2], 3), 15 + p->integer_bits);
    int32_t value = eb_clamp(kept + added, INT16_MIN, INT16_MAX);
    if (p->limit > 0) {
        value = eb_clamp(value, -p->limit, p->limit);
    }
    *cell = (int16_t)value;
    const int32_t output = eb_fixed_16_logistic(gates[3], 3);
    return eb_requantize_s8(output * eb_fixed_16_tanh(value, p->integer_bits), p->hidden_multiplier,
                            p->hidden_shift, p->hidden_zero_point, INT8_MIN, INT8_MAX);
}

/* All steps. hidden, cell: (batches, cells), of the step before and of the last one. */
EB_INLINED void eb_lstm_s8_steps(eb_lstm_s8_dot dot,
                                 const eb_lstm_s8 *p,
                                 const int8_t *in,
                                 int8_t *out,
                                 int8_t *hidden,
                                 int16_t *cell)
{
    const int32_t cells = p->cells;
    for (int32_t batch = 0; batch < p->batches; ++batch) {
        for (int32_t step = 0; step < p->length; ++step) {
            const int32_t number = batch * p->batch_stride + step * p->time_stride;
            const void *input_weights = p->input_weights;
            const void *recurrent_weights = p->recurrent_weights;
            for (int32_t c = 0; c < cells; ++c) {
                int32_t gates[4] = {0, 0, 0, 0};
                input_weights = eb_lstm_s8_sums(dot, in + number * p->inputs, input_weights,
                                                p->inputs, p->input_biases + 4 * c,
                                                p->input_multiplier, p->input_shift, gates);
                recurrent_weights = eb_lstm_s8_sums(
                    dot, hidden, recurrent_weights, cells, p->recurrent_biases + 4 * c,
                    p->recurrent_multiplier, p->recurrent_shift, gates);
                out[number * cells + c] = eb_lstm_s8_cell(p, gates, cell + c);
            }
            memcpy(hidden, out + number * cells, (size_t)cells);
        }
        hidden += cells;
        cell += cells;
    }
}

/* Weights as eb_lstm.h says; the other kernels have them in an order of their own. */
EB_KERNEL void
eb_lstm_s8_all(const eb_lstm_s8 *p, const int8_t *in, int8_t *out, int8_t *hidden, int16_t *cell)
{
    eb_lstm_s8_steps(eb_lstm_s8_dot_plain, p, in, out, hidden, cell);
}

#endif /* EB_LSTM_S8_H */
