/* L2_NORMALIZATION over the last axis. */
#ifndef EB_L2_NORMALIZATION_H
#define EB_L2_NORMALIZATION_H

#include <stdint.h>

#include "eb_fixed_functions.h"
#include "eb_math_f32.h"
#include "eb_requant.h"

#include "../kernels/portable/eb_l2_normalization.h"

#endif /* EB_L2_NORMALIZATION_H */
