/* One slope above zero and one below, int16; included by eb_slopes.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_SLOPES_S16_H
#define EB_KERNELS_PORTABLE_SLOPES_S16_H

/* The pixels of a row, out_pixel_stride elements apart in the output; `out` may be `in`. */
EB_KERNEL void eb_slopes_s16_row(int32_t pixels,
                                 int32_t channels,
                                 const int16_t *in,
                                 int16_t *out,
                                 int32_t out_pixel_stride,
                                 const eb_slopes *p)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t scaled =
                in[c] >= 0 ? eb_requantize(in[c], p->positive_multiplier, p->positive_shift)
                           : eb_requantize(in[c], p->negative_multiplier, p->negative_shift);
            out[c] = (int16_t)eb_clamp(scaled, p->low, p->high);
        }
        in += channels;
        out += out_pixel_stride;
    }
}

/* Magnitudes, likewise. shift: at most 14. */
EB_KERNEL void eb_abs_s16_row(int32_t pixels,
                              int32_t channels,
                              const int16_t *in,
                              int16_t *out,
                              int32_t out_pixel_stride,
                              int32_t multiplier,
                              int32_t shift)
{
    for (int32_t x = 0; x < pixels; ++x) {
        for (int32_t c = 0; c < channels; ++c) {
            const int32_t magnitude = in[c] < 0 ? -in[c] : in[c];
            out[c] = (int16_t)eb_min(eb_requantize(magnitude, multiplier, shift), INT16_MAX);
        }
        in += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_SLOPES_S16_H */
