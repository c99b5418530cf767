/* SOFTMAX over the last axis. */
#ifndef EB_SOFTMAX_H
#define EB_SOFTMAX_H

#include "../kernels/portable/eb_softmax_f32.h"
#include "../kernels/portable/eb_softmax_s16.h"
#include "../kernels/portable/eb_softmax_s8.h"

#endif /* EB_SOFTMAX_H */
