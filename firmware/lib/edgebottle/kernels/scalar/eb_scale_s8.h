/* Requantization with products of 32 bits: see edgebottle/ops/scaling.py. */
#ifndef EB_SCALE_S8_H
#define EB_SCALE_S8_H

/* Words of a channel's record: what is added; the multiplier's high and low 16 bits; the least sum
 * and the places of the shift; the most and the places of the low part's; and if it has a pivot,
 * that and what is subtracted from smaller sums. */
#define EB_SCALE_WORDS(has_pivot) ((has_pivot) ? 6 : 4)

/* The outputs of `count` >= 1 sums of a channel, without its bias: within a loop over channels. */
EB_INLINED void eb_scale_s8_inlined(const int32_t *record,
                                    int has_pivot,
                                    const int32_t *sums,
                                    int32_t count,
                                    int8_t *out,
                                    int32_t out_stride)
{
    const uint32_t added = (uint32_t)record[0];
    const uint32_t high = (uint32_t)record[1] >> 16;
    const int32_t low = record[1] & 0xffff;
    const int32_t least = record[2] >> 8;
    const int32_t places = record[2] & 0xff;
    const int32_t most = record[3] >> 8;
    const int32_t low_places = record[3] & 0xff;
    const int32_t *end = sums + count;
#pragma GCC unroll 1
    do {
        const int32_t sum = eb_clamp(*sums++, least, most);
        uint32_t scaled = (uint32_t)((sum * low) >> low_places) + (uint32_t)sum * high + added;
        if (has_pivot && sum < record[4]) {
            scaled -= (uint32_t)record[5];
        }
        *out = (int8_t)((int32_t)scaled >> places);
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
    const uint32_t added = (uint32_t)record[0];
    const uint32_t high = (uint32_t)record[1] >> 16;
    const int32_t low = record[1] & 0xffff;
    const int32_t least = record[2] >> 8;
    const int32_t places = record[2] & 0xff;
    const int32_t most = record[3] >> 8;
    const int32_t low_places = record[3] & 0xff;
    const int32_t *end = sums + count;
#pragma GCC unroll 1
    do {
        const int32_t sum = eb_clamp(*sums++, least, most);
        uint32_t scaled = (uint32_t)((sum * low) >> low_places) + (uint32_t)sum * high + added;
        if (has_pivot && sum < record[4]) {
            scaled -= (uint32_t)record[5];
        }
        const uint32_t code = scaled >> places;
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

#endif /* EB_SCALE_S8_H */
