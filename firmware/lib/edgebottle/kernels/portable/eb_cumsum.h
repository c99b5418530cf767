/* Running sums; included by eb_cumsum.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_CUMSUM_H
#define EB_KERNELS_PORTABLE_CUMSUM_H

static inline float eb_cumsum_f32_sum(float a, float b)
{
    return a + b;
}

/* The kernel `name` for elements of a type, which `add` adds; `out` may be `in`. */
#define EB_CUMSUM(name, type, add)                                                                 \
    EB_KERNEL void name(const eb_cumsum *p, const type *in, type *out)                             \
    {                                                                                              \
        const int32_t step = p->reverse ? -p->inner : p->inner;                                    \
        const int32_t first = p->reverse ? (p->extent - 1) * p->inner : 0;                         \
        for (int32_t o = 0; o < p->outer; ++o) {                                                   \
            for (int32_t i = 0; i < p->inner; ++i) {                                               \
                int32_t at = o * p->extent * p->inner + first + i;                                 \
                type sum = 0;                                                                      \
                for (int32_t k = 0; k < p->extent; ++k) {                                          \
                    const type next = add(sum, in[at]);                                            \
                    out[at] = p->exclusive ? sum : next;                                           \
                    sum = next;                                                                    \
                    at += step;                                                                    \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

EB_CUMSUM(eb_cumsum_s32, int32_t, eb_add_wrap)
EB_CUMSUM(eb_cumsum_f32, float, eb_cumsum_f32_sum)

#endif /* EB_KERNELS_PORTABLE_CUMSUM_H */
