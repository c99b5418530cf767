/* Functions of single elements, one row each; included by eb_function.h. Portable C.
 *
 * All: row has pixels * channels elements; out may be row where out_pixel_stride == channels.
 */
#ifndef EB_KERNELS_PORTABLE_FUNCTION_H
#define EB_KERNELS_PORTABLE_FUNCTION_H

/* The kernel `name`: `result`, an expression of the element x, of each element. */
#define EB_FUNCTION_ROW(name, type, result)                                                        \
    static inline void name(int32_t pixels, int32_t channels, const type *row, type *out,          \
                            int32_t out_pixel_stride)                                              \
    {                                                                                              \
        for (int32_t i = 0; i < pixels; ++i) {                                                     \
            for (int32_t c = 0; c < channels; ++c) {                                               \
                const type x = row[c];                                                             \
                out[c] = (result);                                                                 \
            }                                                                                      \
            row += channels;                                                                       \
            out += out_pixel_stride;                                                               \
        }                                                                                          \
    }

/* The largest integer that is not above x. */
static inline float eb_floor_f32(float x)
{
    if (!(x > -8388608.0f && x < 8388608.0f)) { /* 2^23: it is an integer, or no number */
        return x;
    }
    const float whole = (float)(int32_t)x;
    return whole > x ? whole - 1.0f : whole;
}

/* The nearest integer, halves to the even one. */
static inline float eb_round_to_even_f32(float x)
{
    const float below = eb_floor_f32(x);
    const float rest = x - below; /* exact */
    const int is_odd = rest == 0.5f && ((int32_t)below & 1) != 0;
    return rest > 0.5f || is_odd ? below + 1.0f : below;
}

EB_FUNCTION_ROW(eb_ceil_f32_row, float, -eb_floor_f32(-x))
EB_FUNCTION_ROW(eb_cos_f32_row, float, eb_cos_f32(x))
EB_FUNCTION_ROW(eb_floor_f32_row, float, eb_floor_f32(x))
EB_FUNCTION_ROW(eb_neg_f32_row, float, -x)
EB_FUNCTION_ROW(eb_neg_s32_row, int32_t, (int32_t)(0u - (uint32_t)x))
EB_FUNCTION_ROW(eb_round_f32_row, float, eb_round_to_even_f32(x))
EB_FUNCTION_ROW(eb_rsqrt_f32_row, float, 1.0f / eb_sqrt_f32(x))
EB_FUNCTION_ROW(eb_sin_f32_row, float, eb_sin_f32(x))
EB_FUNCTION_ROW(eb_sqrt_f32_row, float, eb_sqrt_f32(x))
EB_FUNCTION_ROW(eb_square_f32_row, float, x *x)

#endif /* EB_KERNELS_PORTABLE_FUNCTION_H */
