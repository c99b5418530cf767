/* PRELU, one row; included by eb_prelu.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_PRELU_H
#define EB_KERNELS_PORTABLE_PRELU_H

/* One element of int8. */
static inline int8_t eb_prelu_s8_element(const eb_prelu_s8 *p, int32_t a, int32_t b)
{
    const int32_t value = a - p->a_zero_point;
    if (value >= 0) {
        return eb_requantize_s8(value, p->multiplier, p->shift, p->out_zero_point, p->low, p->high);
    }
    return eb_requantize_s8(value * (b - p->b_zero_point), p->product_multiplier, p->product_shift,
                            p->out_zero_point, p->low, p->high);
}

EB_KERNEL void eb_prelu_s8_row(
    const eb_prelu_s8 *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int8_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int8_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                out[c] =
                    eb_prelu_s8_element(p, from_a[c * p->a_stride[2]], from_b[c * p->b_stride[2]]);
            }
            out += out_pixel_stride;
        }
    }
}

/* int16 with slopes of int8; p->a_zero_point and p->out_zero_point are 0. */
EB_KERNEL void eb_prelu_s16_row(
    const eb_prelu_s8 *p, const int16_t *a, const int8_t *b, int16_t *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const int16_t *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const int8_t *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const int32_t value = from_a[c * p->a_stride[2]];
                const int32_t slope = from_b[c * p->b_stride[2]] - p->b_zero_point;
                const int32_t scaled =
                    value >= 0
                        ? eb_requantize(value, p->multiplier, p->shift)
                        : eb_requantize(value * slope, p->product_multiplier, p->product_shift);
                out[c] = (int16_t)eb_clamp(scaled, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

EB_KERNEL void eb_prelu_f32_row(
    const eb_prelu_f32 *p, const float *a, const float *b, float *out, int32_t out_pixel_stride)
{
    for (int32_t o = 0; o < p->extent[0]; ++o) {
        for (int32_t x = 0; x < p->extent[1]; ++x) {
            const float *from_a = a + o * p->a_stride[0] + x * p->a_stride[1];
            const float *from_b = b + o * p->b_stride[0] + x * p->b_stride[1];
            for (int32_t c = 0; c < p->extent[2]; ++c) {
                const float value = from_a[c * p->a_stride[2]];
                const float scaled = value >= 0.0f ? value : value * from_b[c * p->b_stride[2]];
                out[c] = eb_clamp_f32(scaled, p->low, p->high);
            }
            out += out_pixel_stride;
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_PRELU_H */
