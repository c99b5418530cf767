/* Operators on bool, one row; included by eb_logical.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_LOGICAL_H
#define EB_KERNELS_PORTABLE_LOGICAL_H

/* Any function of two. */
static inline void eb_logical_row(const eb_logical *p,
                                  const uint8_t *row_a,
                                  const uint8_t *row_b,
                                  uint8_t *out,
                                  int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t i = 0; i < p->extent[1]; ++i) {
            const uint8_t *from_a = row_a + o * p->a_stride[0] + i * p->a_stride[1];
            const uint8_t *from_b = row_b + o * p->b_stride[0] + i * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int32_t which = 2 * from_a[c * p->a_stride[2]] + from_b[c * p->b_stride[2]];
                out[c] = (uint8_t)(p->truth >> which & 1);
            }
            out += out_pixel_stride;
        }
    }
}

/* The other of 0 and 1. */
static inline void eb_logical_not_row(
    int32_t pixels, int32_t channels, const uint8_t *row, uint8_t *out, int32_t out_pixel_stride)
{
    for (int32_t i = 0; i < pixels; ++i) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = row[c] ^ 1u;
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* The kernel `name`, for elements of a type. */
#define EB_SELECT_ROW(name, type)                                                                  \
    static inline void name(const eb_select *p, const uint8_t *condition, const type *row_b,       \
                            const type *row_c, type *out, int32_t out_pixel_stride)                \
    {                                                                                              \
        for (int32_t o = 0; o < p->extent[0]; ++o) {                                               \
            for (int32_t i = 0; i < p->extent[1]; ++i) {                                           \
                const uint8_t *from_a = condition + o * p->a_stride[0] + i * p->a_stride[1];       \
                const type *from_b = row_b + o * p->b_stride[0] + i * p->b_stride[1];              \
                const type *from_c = row_c + o * p->c_stride[0] + i * p->c_stride[1];              \
                for (int32_t c = 0; c < p->extent[2]; ++c) {                                       \
                    const int is_first = from_a[c * p->a_stride[2]] != 0;                          \
                    out[c] = is_first ? from_b[c * p->b_stride[2]] : from_c[c * p->c_stride[2]];   \
                }                                                                                  \
                out += out_pixel_stride;                                                           \
            }                                                                                      \
        }                                                                                          \
    }

EB_SELECT_ROW(eb_select_bool_row, uint8_t)
EB_SELECT_ROW(eb_select_s8_row, int8_t)
EB_SELECT_ROW(eb_select_s16_row, int16_t)
EB_SELECT_ROW(eb_select_s32_row, int32_t)
EB_SELECT_ROW(eb_select_f32_row, float)

#endif /* EB_KERNELS_PORTABLE_LOGICAL_H */
