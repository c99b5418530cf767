/* Functions of single elements, float32: ABS, ELU, EXP, GELU, HARD_SWISH, LEAKY_RELU, LOG,
 * LOGISTIC, RELU, TANH. */
#ifndef EB_ACTIVATION_H
#define EB_ACTIVATION_H

#include <float.h>

#include "../kernels/portable/eb_activation_f32.h"

#endif /* EB_ACTIVATION_H */
