/* RELU, RELU6, RELU_N1_TO_1, LOGISTIC, TANH and HARD_SWISH of float32. */
#ifndef EB_ACTIVATION_H
#define EB_ACTIVATION_H

#include <float.h>

#include "../kernels/portable/eb_activation_f32.h"

#endif /* EB_ACTIVATION_H */
