/* ADD_N: the sum of any number of tensors of one shape, which are added one after the other. */
#ifndef EB_ADD_N_H
#define EB_ADD_N_H

#include <stdint.h>

#include "eb_requant.h"

#include "../kernels/portable/eb_add_n.h"

#endif /* EB_ADD_N_H */
