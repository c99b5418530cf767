/* CAST: elements of one type as those of another. */
#ifndef EB_CAST_H
#define EB_CAST_H

#include <stdint.h>

#include "eb_math_f32.h"

#include "../kernels/portable/eb_cast.h"

#endif /* EB_CAST_H */
