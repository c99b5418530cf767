/* L2_POOL_2D. */
#ifndef EB_L2_POOL_2D_H
#define EB_L2_POOL_2D_H

#include "../kernels/portable/eb_l2_pool_2d_f32.h"

#endif /* EB_L2_POOL_2D_H */
