/* AVERAGE_POOL_2D. There is no DSP variant yet. */
#ifndef EB_AVERAGE_POOL_2D_H
#define EB_AVERAGE_POOL_2D_H

#include "../kernels/portable/eb_average_pool_2d_f32.h"
#include "../kernels/portable/eb_average_pool_2d_int.h"

#endif /* EB_AVERAGE_POOL_2D_H */
