/* The largest or smallest element along some axes; included by eb_reduce_extreme.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_REDUCE_EXTREME_H
#define EB_KERNELS_PORTABLE_REDUCE_EXTREME_H

#include <float.h>

/* The kernel `name` for elements of a type, of the whole tensor; `out` may be `in`. `one` finds the
 * extreme of the reduced axes, from `in` on; `first` is what the elements have to beat, of `p`
 * and `in`. What is no number beats none. */
#define EB_REDUCE_EXTREME(name, one, type, first)                                                  \
    static inline type one(const eb_reduce_extreme *p, const type *in)                             \
    {                                                                                              \
        type found = (first);                                                                      \
        for (int32_t i = 0; i < p->reduced[0]; ++i) {                                              \
            for (int32_t j = 0; j < p->reduced[1]; ++j) {                                          \
                const type *from = in + i * p->reduced_strides[0] + j * p->reduced_strides[1];     \
                for (int32_t k = 0; k < p->reduced[2]; ++k) {                                      \
                    const type value = from[k * p->reduced_strides[2]];                            \
                    found = (p->larger ? value > found : value < found) ? value : found;           \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        return found;                                                                              \
    }                                                                                              \
    EB_KERNEL void name(const eb_reduce_extreme *p, const type *in, type *out)                     \
    {                                                                                              \
        for (int32_t i = 0; i < p->kept[0]; ++i) {                                                 \
            for (int32_t j = 0; j < p->kept[1]; ++j) {                                             \
                for (int32_t k = 0; k < p->kept[2]; ++k) {                                         \
                    *out++ = one(p, in + i * p->kept_strides[0] + j * p->kept_strides[1] +         \
                                        k * p->kept_strides[2]);                                   \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

EB_REDUCE_EXTREME(eb_reduce_extreme_s8, eb_reduce_extreme_s8_one, int8_t, *in)
EB_REDUCE_EXTREME(eb_reduce_extreme_s16, eb_reduce_extreme_s16_one, int16_t, *in)
EB_REDUCE_EXTREME(eb_reduce_extreme_s32, eb_reduce_extreme_s32_one, int32_t, *in)
EB_REDUCE_EXTREME(eb_reduce_extreme_f32,
                  eb_reduce_extreme_f32_one,
                  float,
                  p->begins_inside ? *in
                  : p->larger      ? -FLT_MAX
                                   : FLT_MAX)
EB_REDUCE_EXTREME(eb_reduce_extreme_bool, eb_reduce_extreme_bool_one, uint8_t, *in)

#endif /* EB_KERNELS_PORTABLE_REDUCE_EXTREME_H */
