/* SVDF: a fully connected layer of low rank with a memory of the last inputs.
 *
 * Nakkiran et al., Compressing Deep Neural Networks using a Rank-Constrained Topology, 2015.
 */
#ifndef EB_SVDF_H
#define EB_SVDF_H

#include <stdint.h>
#include <string.h>

#include "eb_requant.h"

typedef struct {
    int32_t batch;              /* >= 1 */
    int32_t input_size;         /* >= 1 */
    int32_t units;              /* outputs of one batch, >= 1 */
    int32_t rank;               /* filters of one unit, >= 1 */
    int32_t memory;             /* steps a filter remembers, >= 1 */
    int32_t input_zero_point;   /* -128 .. 127 */
    int32_t state_zero_point;   /* within the range of the state's type */
    int32_t output_zero_point;  /* -128 .. 127 */
    int32_t feature_multiplier; /* from input * feature weight to state, 0 .. 2^31 - 1 */
    int32_t feature_shift;      /* -31 .. 30 */
    int32_t output_multiplier;  /* from state * time weight to output, 0 .. 2^31 - 1 */
    int32_t output_shift;       /* -31 .. 30 */
} eb_svdf;

typedef struct {
    int32_t batch;
    int32_t input_size;
    int32_t units;
    int32_t rank;
    int32_t memory;
    float activation_min;
    float activation_max;
} eb_svdf_f32; /* as eb_svdf, for float */

#include "../kernels/portable/eb_svdf_f32.h"
#include "../kernels/portable/eb_svdf_s8.h"

#endif /* EB_SVDF_H */
