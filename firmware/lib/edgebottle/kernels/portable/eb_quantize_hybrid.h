/* Quantization of inputs when they are there; included by eb_hybrid.h. Portable C. */
#ifndef EB_QUANTIZE_HYBRID_H
#define EB_QUANTIZE_HYBRID_H

/* What quantized inputs mean: scale * (value - zero_point). */
typedef struct {
    float scale;
    int32_t zero_point; /* -128 .. 127 */
} eb_hybrid_range;

/* Scale and zero point of values from `least` (<= 0) to `most` (>= 0), not both 0, on
 * -128 .. 127. */
static inline eb_hybrid_range eb_hybrid_asymmetric(float least, float most)
{
    eb_hybrid_range range = {(most - least) / 255.0f, -128};
    const float below = least / range.scale;
    const float above = most / range.scale;
    /* From the end that rounds less. */
    const float exact = 128.0f - below < 127.0f + above ? -128.0f - below : 127.0f - above;
    if (exact > -128.0f) { /* else, or not a number: the lowest */
        range.zero_point = eb_round_f32(exact < 127.0f ? exact : 127.0f);
    }
    return range;
}

/* Quantizes `count` values, and says how. A symmetric range has no zero point. */
EB_KERNEL eb_hybrid_range eb_hybrid_quantize(const float *in,
                                             int32_t count,
                                             int8_t *out,
                                             int32_t is_symmetric)
{
    float least = 0.0f;
    float most = 0.0f;
    for (int32_t i = 0; i < count; ++i) {
        least = in[i] < least ? in[i] : least;
        most = in[i] > most ? in[i] : most;
    }
    const float reach = -least > most ? -least : most;
    eb_hybrid_range range = {1.0f, 0};
    float inverse = 0.0f;
    if (reach > 0.0f && is_symmetric) {
        range.scale = reach / 127.0f;
        inverse = 127.0f / reach;
    } else if (reach > 0.0f) {
        range = eb_hybrid_asymmetric(least, most);
        inverse = 1.0f / range.scale;
    }
    for (int32_t i = 0; i < count; ++i) {
        const float steps = (float)range.zero_point + in[i] * inverse;
        const float above = steps > -128.0f ? steps : -128.0f; /* NaN as well */
        out[i] = (int8_t)eb_round_f32(above < 127.0f ? above : 127.0f);
    }
    return range;
}

#endif /* EB_QUANTIZE_HYBRID_H */
