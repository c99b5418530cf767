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
    const double scale = (double)(most - least) / 255.0;
    const double below = (double)least / scale;
    const double above = (double)most / scale;
    /* From the end that rounds less. LiteRT has doubles here too: they decide near halves. */
    const double exact = 128.0 - below < 127.0 + above ? -128.0 - below : 127.0 - above;
    eb_hybrid_range range = {(float)scale, -128};
    if (exact > -128.0) { /* else, or not a number: the lowest */
        const double bounded = exact < 127.0 ? exact : 127.0;
        const int32_t whole = (int32_t)bounded;
        const double rest = bounded - (double)whole;
        range.zero_point = whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0);
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
    const int32_t lowest = is_symmetric ? -127 : -128;
    if (reach > 0.0f && is_symmetric) {
        range.scale = reach / 127.0f;
        inverse = 127.0f / reach;
    } else if (reach > 0.0f) {
        range = eb_hybrid_asymmetric(least, most);
        inverse = 1.0f / range.scale;
    }
    for (int32_t i = 0; i < count; ++i) {
        const float steps = in[i] * inverse;
        const float above = steps > -256.0f ? steps : -256.0f; /* NaN as well */
        const float bounded = above < 256.0f ? above : 256.0f;
        /* LiteRT adds a half to eight at once, which makes one of the float just below a half. */
        const float half = i < count / 8 * 8 ? 0.5f : 0x1.fffffep-2f;
        const int32_t whole =
            (int32_t)(bounded + (bounded < 0.0f ? -half : half)) + range.zero_point;
        out[i] = (int8_t)(whole < lowest ? lowest : whole < 127 ? whole : 127);
    }
    return range;
}

#endif /* EB_QUANTIZE_HYBRID_H */
