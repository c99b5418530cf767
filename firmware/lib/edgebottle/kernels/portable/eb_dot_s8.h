/* Dot products of int8 weights with values, portable C. */
#ifndef EB_DOT_S8_H
#define EB_DOT_S8_H

#include <stdint.h>

/* `count` bytes times two weight vectors: acc[0], acc[1]. */
static inline void eb_dot_bytes_1x2(const int8_t *values,
                                    const int8_t *weights0,
                                    const int8_t *weights1,
                                    int32_t count,
                                    int32_t *acc)
{
    int32_t acc0 = acc[0];
    int32_t acc1 = acc[1];
    for (int32_t i = 0; i < count; ++i) {
        const int32_t value = values[i];
        acc0 += value * weights0[i];
        acc1 += value * weights1[i];
    }
    acc[0] = acc0;
    acc[1] = acc1;
}

#endif /* EB_DOT_S8_H */
