/* The tiles of eb_counts.h in C: the same sums of fields, from the same words. */
#ifndef EB_COUNTS_TWIN_H
#define EB_COUNTS_TWIN_H

/* The number of bits set in two sums of fields of 2 bits. */
static inline uint32_t eb_counts_fold(uint32_t even, uint32_t odd, uint32_t sum)
{
    const uint32_t low = (even & 0x33333333u) + (odd & 0x33333333u);
    const uint32_t both = low + ((even >> 2) & 0x33333333u) + ((odd >> 2) & 0x33333333u);
    return eb_sum_of_bytes((both & 0x0f0f0f0fu) + ((both >> 4) & 0x0f0f0f0fu), sum);
}

static inline void eb_counts_add(eb_counts_tile *t, int32_t highest)
{
    const int32_t words = (int32_t)t->weight_bytes / 4;
    for (; t->channels > 0; --t->channels) {
        const uint32_t *values = t->values;
        const int32_t first = words % 3 == 0 ? 3 : words % 3;
        uint32_t total = 0;
        for (int32_t i = 0; i < words;) {
            const int32_t count = i == 0 ? first : 3;
            uint32_t even = 0;
            uint32_t odd = 0;
            for (int32_t k = 0; k < count; ++k) {
                even += values[k] & t->weights[i + k];
                odd += values[count + k] & (t->weights[i + k] >> 1);
            }
            total = eb_counts_fold(even, odd, total);
            values += 2 * count;
            i += count;
        }
        const int32_t base = eb_add_wrap(t->base, t->requant[0]);
        const int32_t twice = eb_add_wrap(base, (int32_t)total * t->twice_step);
        const int32_t product = eb_high_product(twice, t->requant[1], t->requant[2]);
        const int32_t code = (product + (twice >> 31)) >> t->requant[3];
        *t->out++ = (int8_t)(eb_clamp(code, 0, highest) + t->low);
        t->requant += 4;
        t->weights += words;
    }
}

EB_KERNEL void eb_counts_of_1(eb_counts_tile *t)
{
    eb_counts_add(t, 1);
}

EB_KERNEL void eb_counts_clamped(eb_counts_tile *t)
{
    eb_counts_add(t, t->span);
}

#endif /* EB_COUNTS_TWIN_H */
