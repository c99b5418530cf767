/* Conversions, one row each; included by eb_cast.h. Portable C.
 *
 * All: row has pixels * channels elements; out may be row where out_pixel_stride == channels and
 * the elements take as many bytes.
 */
#ifndef EB_KERNELS_PORTABLE_CAST_H
#define EB_KERNELS_PORTABLE_CAST_H

/* The kernel `name`: `result`, an expression of the element x, of each element. */
#define EB_CAST_ROW(name, from_type, to_type, result)                                              \
    static inline void name(int32_t pixels, int32_t channels, const from_type *row, to_type *out,  \
                            int32_t out_pixel_stride)                                              \
    {                                                                                              \
        for (int32_t i = 0; i < pixels; ++i) {                                                     \
            for (int32_t c = 0; c < channels; ++c) {                                               \
                const from_type x = row[c];                                                        \
                out[c] = (to_type)(result);                                                        \
            }                                                                                      \
            row += channels;                                                                       \
            out += out_pixel_stride;                                                               \
        }                                                                                          \
    }

/* Without the fraction, within int32; the largest for what is no number. */
static inline int32_t eb_cast_f32_to_s32(float x)
{
    if (!(x < 2147483648.0f)) {
        return INT32_MAX;
    }
    return x > -2147483648.0f ? (int32_t)x : INT32_MIN;
}

EB_CAST_ROW(eb_cast_s8_s32_row, int8_t, int32_t, x)
EB_CAST_ROW(eb_cast_s8_f32_row, int8_t, float, x)
EB_CAST_ROW(eb_cast_s8_bool_row, int8_t, uint8_t, x != 0)
EB_CAST_ROW(eb_cast_s8_s16_row, int8_t, int16_t, x)
EB_CAST_ROW(eb_cast_s16_s8_row, int16_t, int8_t, x)
EB_CAST_ROW(eb_cast_s16_s32_row, int16_t, int32_t, x)
EB_CAST_ROW(eb_cast_s16_f32_row, int16_t, float, x)
EB_CAST_ROW(eb_cast_s16_bool_row, int16_t, uint8_t, x != 0)
EB_CAST_ROW(eb_cast_bool_s32_row, uint8_t, int32_t, x)
EB_CAST_ROW(eb_cast_bool_f32_row, uint8_t, float, x)
EB_CAST_ROW(eb_cast_s32_s8_row, int32_t, int8_t, x)
EB_CAST_ROW(eb_cast_s32_s16_row, int32_t, int16_t, x)
EB_CAST_ROW(eb_cast_s32_f32_row, int32_t, float, x)
EB_CAST_ROW(eb_cast_s32_bool_row, int32_t, uint8_t, x != 0)
EB_CAST_ROW(eb_cast_s64_s32_row, int64_t, int32_t, x)
EB_CAST_ROW(eb_cast_s64_f32_row, int64_t, float, x)
EB_CAST_ROW(eb_cast_f32_s8_row, float, int8_t, eb_cast_f32_to_s32(eb_clamp_f32(x, -128.0f, 127.0f)))
EB_CAST_ROW(eb_cast_f32_s16_row,
            float,
            int16_t,
            eb_cast_f32_to_s32(eb_clamp_f32(x, -32768.0f, 32767.0f)))
EB_CAST_ROW(eb_cast_f32_s32_row, float, int32_t, eb_cast_f32_to_s32(x))
EB_CAST_ROW(eb_cast_f32_bool_row, float, uint8_t, x != 0.0f)

#endif /* EB_KERNELS_PORTABLE_CAST_H */
