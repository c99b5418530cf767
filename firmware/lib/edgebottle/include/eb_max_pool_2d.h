/* MAX_POOL_2D. There is no DSP variant yet. */
#ifndef EB_MAX_POOL_2D_H
#define EB_MAX_POOL_2D_H

#include "../kernels/portable/eb_max_pool_2d_f32.h"
#include "../kernels/portable/eb_max_pool_2d_int.h"

#endif /* EB_MAX_POOL_2D_H */
