/* Requantization with products of 32 bits: see edgebottle/ops/scaling.py. */
#ifndef EB_SCALE_S8_H
#define EB_SCALE_S8_H

/* Words of a channel's record: what is added; the multiplier's high and low 16 bits; the least sum
 * and the places of the shift; the most and the places of the low part's; and if it has a pivot,
 * that and what is subtracted from smaller sums. */
#define EB_SCALE_WORDS(has_pivot) ((has_pivot) ? 6 : 4)

/* A record without its pivot. */
typedef struct {
    uint32_t added;
    uint32_t high;
    int32_t low;
    int32_t least;
    int32_t places;
    int32_t most;
    int32_t low_places;
} eb_scale;

EB_INLINED eb_scale eb_scale_of(const int32_t *record)
{
    const eb_scale scale = {(uint32_t)record[0], (uint32_t)record[1] >> 16, record[1] & 0xffff,
                            record[2] >> 8,      record[2] & 0xff,          record[3] >> 8,
                            record[3] & 0xff};
    return scale;
}

/* What is shifted right by scale->places to become the output of a sum. */
EB_INLINED uint32_t eb_scaled(const eb_scale *scale,
                              const int32_t *record,
                              int has_pivot,
                              int32_t raw)
{
    const int32_t sum = eb_clamp(raw, scale->least, scale->most);
    const uint32_t low = (uint32_t)((sum * scale->low) >> scale->low_places);
    const uint32_t scaled = low + (uint32_t)sum * scale->high + scale->added;
    return has_pivot && sum < record[4] ? scaled - (uint32_t)record[5] : scaled;
}

/* The outputs of `count` >= 1 sums of a channel, without its bias: within a loop over channels. */
EB_INLINED void eb_scale_s8_inlined(const int32_t *record,
                                    int has_pivot,
                                    const int32_t *sums,
                                    int32_t count,
                                    int8_t *out,
                                    int32_t out_stride)
{
    const eb_scale scale = eb_scale_of(record);
    const int32_t *end = sums + count;
#pragma GCC unroll 1
    do {
        const uint32_t scaled = eb_scaled(&scale, record, has_pivot, *sums++);
        *out = (int8_t)((int32_t)scaled >> scale.places);
        out += out_stride;
    } while (sums != end);
}

/* The same, one copy for all that call it. */
EB_KERNEL void eb_scale_s8(const int32_t *record,
                           int has_pivot,
                           const int32_t *sums,
                           int32_t count,
                           int8_t *out,
                           int32_t out_stride)
{
    eb_scale_s8_inlined(record, has_pivot, sums, count, out, out_stride);
}

/* The same of outputs from 0 on that are stored with few bits: `place` bits above the lowest one of
 * their bytes, over 0 there, or behind what is there already. */
EB_INLINED void eb_scale_bits_inlined(const int32_t *record,
                                      int has_pivot,
                                      const int32_t *sums,
                                      int32_t count,
                                      uint8_t *out,
                                      int32_t out_stride,
                                      int32_t place,
                                      int is_first)
{
    const eb_scale scale = eb_scale_of(record);
    const int32_t *end = sums + count;
#pragma GCC unroll 1
    do {
        const uint32_t scaled = eb_scaled(&scale, record, has_pivot, *sums++);
        const uint32_t code = scaled >> scale.places;
        *out = (uint8_t)(is_first ? code : code << place | *out);
        out += out_stride;
    } while (sums != end);
}

/* The same, for any place. */
EB_KERNEL void eb_scale_bits(const int32_t *record,
                             int has_pivot,
                             const int32_t *sums,
                             int32_t count,
                             uint8_t *out,
                             int32_t out_stride,
                             int32_t place)
{
    if (place == 0) {
        eb_scale_bits_inlined(record, has_pivot, sums, count, out, out_stride, 0, 1);
    } else {
        eb_scale_bits_inlined(record, has_pivot, sums, count, out, out_stride, place, 0);
    }
}

/* Words of a record of eb_scale_twice: what is added to a sum, multiplier and shift. */
#define EB_SCALE_TWICE_WORDS 3

/* The outputs of `count` >= 1 sums of a channel that no short multiplier suits, rounded twice as
 * LiteRT does; the shift: see eb_requantize_sum. */
EB_KERNEL void eb_scale_twice(const int32_t *record,
                              const eb_output_s8 *output,
                              const int32_t *sums,
                              int32_t count,
                              int8_t *out,
                              int32_t out_stride)
{
    const int32_t *end = sums + count;
#pragma GCC unroll 1
    do {
        const int32_t sum = eb_add_wrap(*sums++, record[0]);
        *out = eb_requantize_sum(sum, record[1], record[2], *output);
        out += out_stride;
    } while (sums != end);
}

#endif /* EB_SCALE_S8_H */
