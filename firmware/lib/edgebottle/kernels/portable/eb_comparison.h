/* Comparisons of two elements, one row; included by eb_comparison.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_COMPARISON_H
#define EB_KERNELS_PORTABLE_COMPARISON_H

/* The kernel `name`: compares `left` and `right`, expressions of the elements a and b. */
#define EB_COMPARISON_ROW(name, parameters, type, common, left, right)                             \
    static inline void name(const parameters *p, const type *row_a, const type *row_b,             \
                            uint8_t *out, int32_t out_pixel_stride)                                \
    {                                                                                              \
        for (int32_t o = 0; o < p->extent[0]; ++o) {                                               \
            for (int32_t i = 0; i < p->extent[1]; ++i) {                                           \
                const type *from_a = row_a + o * p->a_stride[0] + i * p->a_stride[1];              \
                const type *from_b = row_b + o * p->b_stride[0] + i * p->b_stride[1];              \
                for (int32_t c = 0; c < p->extent[2]; ++c) {                                       \
                    const type a = from_a[c * p->a_stride[2]];                                     \
                    const type b = from_b[c * p->b_stride[2]];                                     \
                    const common x = (left);                                                       \
                    const common y = (right);                                                      \
                    const int32_t unordered = x == y ? p->equal : p->less & p->greater;            \
                    out[c] = (uint8_t)(x < y ? p->less : x > y ? p->greater : unordered);          \
                }                                                                                  \
                out += out_pixel_stride;                                                           \
            }                                                                                      \
        }                                                                                          \
    }

/* An int8 or int16 operand at the common scale. */
static inline int32_t
eb_comparison_s8_operand(int32_t value, int32_t zero_point, int32_t multiplier, int32_t shift)
{
    return eb_requantize((value - zero_point) * 256, multiplier, shift);
}

EB_COMPARISON_ROW(eb_comparison_bool_row, eb_comparison, uint8_t, int32_t, a, b)
EB_COMPARISON_ROW(eb_comparison_s16_row, eb_comparison, int16_t, int32_t, a, b)
EB_COMPARISON_ROW(eb_comparison_s32_row, eb_comparison, int32_t, int32_t, a, b)
EB_COMPARISON_ROW(eb_comparison_f32_row, eb_comparison, float, float, a, b)
EB_COMPARISON_ROW(eb_comparison_s8_row,
                  eb_comparison_s8,
                  int8_t,
                  int32_t,
                  eb_comparison_s8_operand(a, p->a_zero_point, p->a_multiplier, p->a_shift),
                  eb_comparison_s8_operand(b, p->b_zero_point, p->b_multiplier, p->b_shift))
EB_COMPARISON_ROW(eb_comparison_s16_scaled_row,
                  eb_comparison_s8,
                  int16_t,
                  int32_t,
                  eb_comparison_s8_operand(a, p->a_zero_point, p->a_multiplier, p->a_shift),
                  eb_comparison_s8_operand(b, p->b_zero_point, p->b_multiplier, p->b_shift))

#endif /* EB_KERNELS_PORTABLE_COMPARISON_H */
