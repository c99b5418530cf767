/* LOGISTIC and TANH of int16, whose results lie between the entries of one table. */
#ifndef EB_SIGMOID_H
#define EB_SIGMOID_H

#include "../kernels/portable/eb_sigmoid_s16.h"

#endif /* EB_SIGMOID_H */
