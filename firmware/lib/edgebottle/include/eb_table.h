/* LOGISTIC, TANH, HARD_SWISH, RELU and requantization of 8-bit tensors, all by table. */
#ifndef EB_TABLE_H
#define EB_TABLE_H

#include "../kernels/portable/eb_table_s8.h"

#endif /* EB_TABLE_H */
