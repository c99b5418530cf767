/* LSTM cells, float: see eb_lstm.h. */
#ifndef EB_LSTM_F32_H
#define EB_LSTM_F32_H

#include "../../include/eb_lstm.h"

/* The sum of the products of two vectors. */
static inline float eb_lstm_f32_dot(const float *a, const float *b, int32_t count)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < count; ++i) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* All steps; arguments as eb_lstm_s8_all. */
EB_KERNEL void
eb_lstm_f32_all(const eb_lstm_f32 *p, const float *in, float *out, float *hidden, float *cell)
{
    const int32_t cells = p->cells;
    for (int32_t batch = 0; batch < p->batches; ++batch) {
        for (int32_t step = 0; step < p->length; ++step) {
            const int32_t number = batch * p->batch_stride + step * p->time_stride;
            for (int32_t c = 0; c < cells; ++c) {
                float gates[4];
                for (int32_t gate = 0; gate < 4; ++gate) {
                    const int32_t row = 4 * c + gate;
                    gates[gate] =
                        p->biases[row] +
                        eb_lstm_f32_dot(in + number * p->inputs, p->input_weights + row * p->inputs,
                                        p->inputs) +
                        eb_lstm_f32_dot(hidden, p->recurrent_weights + row * cells, cells);
                }
                const float value = eb_logistic_f32(gates[1]) * cell[c] +
                                    eb_logistic_f32(gates[0]) * eb_tanh_f32(gates[2]);
                cell[c] = p->clip > 0.0f ? eb_clamp_f32(value, -p->clip, p->clip) : value;
                out[number * cells + c] = eb_logistic_f32(gates[3]) * eb_tanh_f32(cell[c]);
            }
            memcpy(hidden, out + number * cells, (size_t)cells * sizeof(*hidden));
        }
        hidden += cells;
        cell += cells;
    }
}

#endif /* EB_LSTM_F32_H */
