/* QUANTIZE from or to int16 or int32, one row; included by eb_quantize.h. Portable C.
 *
 * Between 8-bit types eb_table.h serves. */
#ifndef EB_KERNELS_PORTABLE_RESCALE_S16_H
#define EB_KERNELS_PORTABLE_RESCALE_S16_H

#include <stdint.h>

#include "../../include/eb_requant.h"

/* One value. A difference from the zero point wraps. */
static inline int32_t eb_rescale_value(const eb_rescale *p, int32_t stored)
{
    const int32_t scaled =
        eb_requantize(eb_add_wrap(stored, -p->in_zero_point), p->multiplier, p->shift);
    const int32_t limited =
        eb_clamp(scaled, p->low - p->out_zero_point, p->high - p->out_zero_point);
    return limited + p->out_zero_point;
}

/* The kernel `name`: a row from one type to another. */
#define EB_RESCALE_ROW(name, source, target)                                                       \
    static inline void name(int32_t pixels, int32_t channels, const source *row, target *out,      \
                            int32_t out_pixel_stride, const eb_rescale *p)                         \
    {                                                                                              \
        for (int32_t x = 0; x < pixels; ++x) {                                                     \
            for (int32_t c = 0; c < channels; ++c) {                                               \
                out[c] = (target)eb_rescale_value(p, row[c]);                                      \
            }                                                                                      \
            row += channels;                                                                       \
            out += out_pixel_stride;                                                               \
        }                                                                                          \
    }

EB_RESCALE_ROW(eb_rescale_s16_s8_row, int16_t, int8_t)
EB_RESCALE_ROW(eb_rescale_s16_s16_row, int16_t, int16_t)
EB_RESCALE_ROW(eb_rescale_s16_s32_row, int16_t, int32_t)
EB_RESCALE_ROW(eb_rescale_s8_s16_row, int8_t, int16_t)
EB_RESCALE_ROW(eb_rescale_s32_s8_row, int32_t, int8_t)
EB_RESCALE_ROW(eb_rescale_s32_s16_row, int32_t, int16_t)

#undef EB_RESCALE_ROW

#endif /* EB_KERNELS_PORTABLE_RESCALE_S16_H */
