/* Functions of single elements: CEIL, COS, FLOOR, NEG, ROUND, RSQRT, SIN, SQRT, SQUARE. */
#ifndef EB_FUNCTION_H
#define EB_FUNCTION_H

#include <stdint.h>

#include "eb_math_f32.h"

#include "../kernels/portable/eb_trigonometry_f32.h"
#include "../kernels/portable/eb_function.h"

#endif /* EB_FUNCTION_H */
