/* The square of a difference, one row; included by eb_squared_difference.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_SQUARED_DIFFERENCE_H
#define EB_KERNELS_PORTABLE_SQUARED_DIFFERENCE_H

/* The kernel `name`: `result`, an expression of the elements a and b. */
#define EB_SQUARED_DIFFERENCE_ROW(name, parameters, type, result)                                  \
    static inline void name(const parameters *p, const type *row_a, const type *row_b, type *out,  \
                            int32_t out_pixel_stride)                                              \
    {                                                                                              \
        for (int32_t o = 0; o < p->extent[0]; ++o) {                                               \
            for (int32_t i = 0; i < p->extent[1]; ++i) {                                           \
                const type *from_a = row_a + o * p->a_stride[0] + i * p->a_stride[1];              \
                const type *from_b = row_b + o * p->b_stride[0] + i * p->b_stride[1];              \
                for (int32_t c = 0; c < p->extent[2]; ++c) {                                       \
                    const type a = from_a[c * p->a_stride[2]];                                     \
                    const type b = from_b[c * p->b_stride[2]];                                     \
                    out[c] = (result);                                                             \
                }                                                                                  \
                out += out_pixel_stride;                                                           \
            }                                                                                      \
        }                                                                                          \
    }

/* One element of int8. */
static inline int8_t
eb_squared_difference_s8_element(const eb_squared_difference_s8 *p, int32_t a, int32_t b)
{
    const int32_t wide_a = (a - p->a_zero_point) * 128;
    const int32_t wide_b = (b - p->b_zero_point) * 128;
    const int32_t difference = eb_requantize(wide_a, p->a_multiplier, p->a_shift) -
                               eb_requantize(wide_b, p->b_multiplier, p->b_shift);
    return eb_requantize_s8(difference * difference, p->out_multiplier, p->out_shift,
                            p->out_zero_point, -128, 127);
}

/* One element of int32, wrapping. */
static inline int32_t eb_squared_difference_s32_element(int32_t a, int32_t b)
{
    const uint32_t difference = (uint32_t)a - (uint32_t)b;
    return (int32_t)(difference * difference);
}

EB_SQUARED_DIFFERENCE_ROW(eb_squared_difference_s8_row,
                          eb_squared_difference_s8,
                          int8_t,
                          eb_squared_difference_s8_element(p, a, b))
EB_SQUARED_DIFFERENCE_ROW(eb_squared_difference_s32_row,
                          eb_squared_difference,
                          int32_t,
                          eb_squared_difference_s32_element(a, b))
EB_SQUARED_DIFFERENCE_ROW(eb_squared_difference_f32_row,
                          eb_squared_difference,
                          float,
                          (a - b) * (a - b))

#endif /* EB_KERNELS_PORTABLE_SQUARED_DIFFERENCE_H */
