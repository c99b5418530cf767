/* The larger or the smaller of two elements, one row; included by eb_extreme.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_EXTREME_H
#define EB_KERNELS_PORTABLE_EXTREME_H

static inline void eb_extreme_s8_row(
    const eb_extreme_s8 *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int8_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int8_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int8_t left = from_a[c * p->a_stride[2]];
                const int8_t right = from_b[c * p->b_stride[2]];
                const int8_t one = (p->larger ? left > right : left < right) ? left : right;
                out[c] = (int8_t)eb_clamp(one, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

static inline void eb_extreme_s16_row(const eb_extreme_s8 *p,
                                      const int16_t *a,
                                      const int16_t *b,
                                      int16_t *out,
                                      int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int16_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int16_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int16_t left = from_a[c * p->a_stride[2]];
                const int16_t right = from_b[c * p->b_stride[2]];
                const int16_t one = (p->larger ? left > right : left < right) ? left : right;
                out[c] = (int16_t)eb_clamp(one, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

static inline void eb_extreme_s32_row(const eb_extreme_s32 *p,
                                      const int32_t *a,
                                      const int32_t *b,
                                      int32_t *out,
                                      int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int32_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int32_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int32_t left = from_a[c * p->a_stride[2]];
                const int32_t right = from_b[c * p->b_stride[2]];
                const int32_t one = (p->larger ? left > right : left < right) ? left : right;
                out[c] = eb_clamp(one, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

static inline void eb_extreme_f32_row(
    const eb_extreme_f32 *p, const float *a, const float *b, float *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const float *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const float *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const float left = from_a[c * p->a_stride[2]];
                const float right = from_b[c * p->b_stride[2]];
                const float one = (p->larger ? left > right : left < right) ? left : right;
                out[c] = eb_clamp_f32(one, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_EXTREME_H */
