/* One row of one more tensor; included by eb_add_n.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_ADD_N_H
#define EB_KERNELS_PORTABLE_ADD_N_H

/* `row` to `out`: as it is, where it is the first; pixels of out are out_pixel_stride apart. */
static inline void eb_add_n_s32_row(int32_t pixels,
                                    int32_t channels,
                                    const int32_t *row,
                                    int32_t *out,
                                    int32_t out_pixel_stride,
                                    int32_t is_first)
{
    for (int32_t i = 0; i < pixels; ++i) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = is_first ? row[c] : eb_add_wrap(out[c], row[c]);
        }
        row += channels;
        out += out_pixel_stride;
    }
}

/* The same of float32. */
static inline void eb_add_n_f32_row(int32_t pixels,
                                    int32_t channels,
                                    const float *row,
                                    float *out,
                                    int32_t out_pixel_stride,
                                    int32_t is_first)
{
    for (int32_t i = 0; i < pixels; ++i) {
        for (int32_t c = 0; c < channels; ++c) {
            out[c] = is_first ? row[c] : out[c] + row[c];
        }
        row += channels;
        out += out_pixel_stride;
    }
}

#endif /* EB_KERNELS_PORTABLE_ADD_N_H */
