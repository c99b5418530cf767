/* UNIDIRECTIONAL_SEQUENCE_LSTM: a layer of LSTM cells that goes through a sequence.
 *
 * Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; with forget gates. Vectors of inputs
 * and outputs are numbered batch * batch_stride + step * time_stride. Weights are (cells, 4,
 * inputs) and (cells, 4, cells), biases (cells, 4): for the input, forget, cell and output gate.
 */
#ifndef EB_LSTM_H
#define EB_LSTM_H

#include <stdint.h>
#include <string.h>

#include "eb_dsp.h"
#include "eb_fixed_16.h"
#include "eb_math_f32.h"
#include "eb_requant.h"

typedef struct {
    int32_t batches;             /* >= 1 */
    int32_t length;              /* >= 1 */
    int32_t batch_stride;        /* >= 1 */
    int32_t time_stride;         /* >= 1 */
    int32_t inputs;              /* 1 .. 131071 */
    int32_t cells;               /* 1 .. 131071 */
    int32_t input_multiplier[4]; /* from sums to 12 fractional bits, 0 .. 2^31 - 1 */
    int32_t input_shift[4];      /* -31 .. 30 */
    int32_t recurrent_multiplier[4];
    int32_t recurrent_shift[4];
    int32_t hidden_multiplier; /* from 30 fractional bits to the output */
    int32_t hidden_shift;
    int32_t hidden_zero_point; /* -128 .. 127 */
    int32_t integer_bits;      /* of the cells, 0 .. 6 */
    int32_t limit;             /* of the cells, 0 .. 32767; 0 for none */
    const void *input_weights; /* int8_t; eb_lstm_s8_packed_all: uint32_t */
    const void *recurrent_weights;
    const int32_t *input_biases;     /* zero points included */
    const int32_t *recurrent_biases; /* zero points included */
} eb_lstm_s8;

typedef struct {
    int32_t batches;
    int32_t length;
    int32_t batch_stride;
    int32_t time_stride;
    int32_t inputs;
    int32_t cells;
    float clip; /* >= 0; 0 for none */
    const float *input_weights;
    const float *recurrent_weights;
    const float *biases;
} eb_lstm_f32; /* as eb_lstm_s8, for float */

#if EB_HAVE_DSP
#include "../kernels/dsp/eb_dot_s8.h"
#else
#include "../kernels/scalar/eb_dot_fours_s8.h"
#endif
#include "../kernels/portable/eb_lstm_f32.h"
#include "../kernels/portable/eb_lstm_s8.h"
#if EB_HAVE_DSP
#include "../kernels/dsp/eb_lstm_s8_packed.h"
#endif
#include "../kernels/mve/eb_lstm_s8_mve.h"

#endif /* EB_LSTM_H */
