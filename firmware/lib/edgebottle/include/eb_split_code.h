/* Split computing on a device: the levels of a bottleneck as a payload, and back.
 *
 * edgebottle/split/payload.py and range_coder.py are the same in Python, to the last bit. Nothing
 * is allocated, and nothing is written beyond the size that the caller gives.
 */
#ifndef EB_SPLIT_CODE_H
#define EB_SPLIT_CODE_H

#include "eb_split.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EB_SPLIT_TABLE_BITS 14 /* a table shares out 2^14 */
#define EB_SPLIT_LEAST_RANGE 0x1000000u

/* How the levels of a bottleneck become bytes, and what it stores for them. */
typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels; /* of the bottleneck; height * width * channels is at most 65536 */
    int32_t bits;     /* of a level: 1 .. 4 */
    int32_t lowest;   /* what is stored for level 0; lowest + step * level lies in -128 .. 127 */
    int32_t step;     /* 1 .. 255 */
    int32_t absent;   /* the level of channels that are not sent: 0 .. 2^bits - 1 */
    int32_t rates;    /* 1 .. 255 */
    const int32_t *channels_at; /* of each rate, from 1 on: ascending, the last is `channels` */
    /* Of each channel, behind each level (the last: behind nothing): where the parts of the levels
     * but the first begin; ascending, 1 .. 2^14 - 1. */
    const uint16_t *starts;
} eb_split_code;

/* A bottleneck in memory, pixel by pixel. */
typedef struct {
    const int8_t *data;
    int32_t row;   /* bytes from one row to the next */
    int32_t pixel; /* bytes from one pixel to the next */
} eb_split_map;

static inline eb_split_map eb_split_map_of(const eb_tensor *tensor)
{
    const int32_t channels = tensor->shape[3];
    const int32_t is_slice = tensor->pixel_bytes < tensor->pixel_stride;
    const eb_split_map map = {
        (const int8_t *)tensor->data,
        is_slice ? tensor->row_stride : tensor->shape[2] * channels,
        is_slice ? tensor->pixel_stride : channels,
    };
    return map;
}

/* Whether there is such a rate. */
static inline int eb_split_is_rate(const eb_split_code *code, int32_t rate)
{
    return rate >= 1 && rate <= code->rates;
}

/* Bytes of a payload with a fixed number of bits for each level: no payload has more.
 *
 * rate: 1 .. code->rates
 */
static inline int32_t eb_split_packed_bytes(const eb_split_code *code, int32_t rate)
{
    const int32_t values = code->height * code->width * code->channels_at[rate - 1];
    return (values * code->bits + 7) / 8;
}

/* The level of a stored value, -1 where it is none. */
static inline int32_t eb_split_level(const eb_split_code *code, int32_t stored)
{
    const int32_t offset = stored - code->lowest;
    if (offset < 0 || offset % code->step != 0 || offset / code->step >= 1 << code->bits) {
        return -1;
    }
    return offset / code->step;
}

/* The table of a channel for what comes behind a level; behind nothing: 2^bits. */
static inline const uint16_t *
eb_split_table(const eb_split_code *code, int32_t channel, int32_t before)
{
    const int32_t levels = 1 << code->bits;
    return code->starts + (channel * (levels + 1) + before) * (levels - 1);
}

/* Where the part of a level begins: 0 .. 2^bits - 1. */
static inline uint32_t eb_split_first(const uint16_t *table, int32_t level)
{
    return level == 0 ? 0u : table[level - 1];
}

/* Where it ends. */
static inline uint32_t
eb_split_last(const eb_split_code *code, const uint16_t *table, int32_t level)
{
    return level == (1 << code->bits) - 1 ? 1u << EB_SPLIT_TABLE_BITS : table[level];
}

/* What the bytes that found no room are. Zeros at the end are no part of a payload and need none;
 * a carry makes zeros of bytes that are all 0xFF. No other bytes become zeros: the interval is
 * never longer than one in the last byte, so that what is written grows by one at most. */
typedef enum { EB_SPLIT_ZEROS, EB_SPLIT_ONES, EB_SPLIT_LOST } eb_split_excess;

/* A range coder, after Martin (1979), over a buffer of a fixed size. */
typedef struct {
    uint8_t *bytes;
    int32_t capacity; /* >= 0 */
    int32_t written;  /* in all; those from `capacity` on are nowhere */
    eb_split_excess excess;
    uint32_t low;
    uint32_t range;
} eb_split_encoder;

static inline void eb_split_put(eb_split_encoder *coder, uint8_t byte)
{
    const int is_first = coder->written == coder->capacity;
    if (coder->written < coder->capacity) {
        coder->bytes[coder->written] = byte;
    } else if (byte == 0xFF && (is_first || coder->excess == EB_SPLIT_ONES)) {
        coder->excess = EB_SPLIT_ONES;
    } else if (byte != 0 || coder->excess == EB_SPLIT_ONES) {
        coder->excess = EB_SPLIT_LOST;
    }
    ++coder->written;
}

/* Adds one to the number that the written bytes are. */
static inline void eb_split_carry(eb_split_encoder *coder)
{
    int32_t place = coder->written - 1;
    if (place >= coder->capacity) {
        if (coder->excess != EB_SPLIT_ONES) {
            coder->excess = EB_SPLIT_LOST;
            return;
        }
        coder->excess = EB_SPLIT_ZEROS;
        place = coder->capacity - 1;
    }
    while (place >= 0 && ++coder->bytes[place] == 0) {
        --place;
    }
}

/* Adds a symbol whose part of the table is first .. last - 1. */
static inline void eb_split_encode_symbol(eb_split_encoder *coder, uint32_t first, uint32_t last)
{
    const uint32_t share = coder->range >> EB_SPLIT_TABLE_BITS;
    const uint32_t low = coder->low + share * first;
    if (low < coder->low) {
        eb_split_carry(coder);
    }
    coder->low = low;
    coder->range = share * (last - first);
    while (coder->range < EB_SPLIT_LEAST_RANGE) {
        eb_split_put(coder, (uint8_t)(coder->low >> 24));
        coder->low <<= 8;
        coder->range <<= 8;
    }
}

/* Writes the last byte. Answers how many there are, without zeros at the end, or EB_SPLIT_NO_ROOM.
 */
static inline int32_t eb_split_finish(eb_split_encoder *coder)
{
    const uint32_t top = (coder->low >> 24) + ((coder->low & 0xFFFFFFu) != 0);
    if (top > 255u) {
        eb_split_carry(coder);
    }
    eb_split_put(coder, (uint8_t)(top & 255u));
    if (coder->excess != EB_SPLIT_ZEROS) {
        return EB_SPLIT_NO_ROOM;
    }
    int32_t count = coder->written < coder->capacity ? coder->written : coder->capacity;
    while (count > 0 && coder->bytes[count - 1] == 0) {
        --count;
    }
    return count;
}

/* Codes the levels of the first channels. Answers the number of bytes, EB_SPLIT_NO_ROOM where they
 * are more than `capacity`, or EB_SPLIT_BAD_LEVEL. */
static inline int32_t eb_split_encode(const eb_split_code *code,
                                      const eb_split_map *map,
                                      int32_t rate,
                                      uint8_t *bytes,
                                      int32_t capacity)
{
    eb_split_encoder coder = {bytes, capacity, 0, EB_SPLIT_ZEROS, 0, UINT32_MAX};
    for (int32_t channel = 0; channel < code->channels_at[rate - 1]; ++channel) {
        int32_t above = 1 << code->bits;
        for (int32_t row = 0; row < code->height; ++row) {
            const int8_t *stored = map->data + row * map->row + channel;
            int32_t before = above;
            for (int32_t column = 0; column < code->width; ++column, stored += map->pixel) {
                const int32_t level = eb_split_level(code, *stored);
                if (level < 0) {
                    return EB_SPLIT_BAD_LEVEL;
                }
                const uint16_t *table = eb_split_table(code, channel, before);
                eb_split_encode_symbol(&coder, eb_split_first(table, level),
                                       eb_split_last(code, table, level));
                before = level;
                above = column == 0 ? level : above;
            }
        }
        if (coder.excess == EB_SPLIT_LOST) {
            return EB_SPLIT_NO_ROOM; /* it only grows */
        }
    }
    return eb_split_finish(&coder);
}

/* Packs the levels of the first channels, the first in the lowest bits; EB_SPLIT_BAD_LEVEL, or the
 * number of bytes, eb_split_packed_bytes(). */
static inline int32_t
eb_split_pack(const eb_split_code *code, const eb_split_map *map, int32_t rate, uint8_t *bytes)
{
    uint32_t pool = 0;
    int32_t held = 0, count = 0; /* bits of `pool`, bytes */
    for (int32_t channel = 0; channel < code->channels_at[rate - 1]; ++channel) {
        for (int32_t row = 0; row < code->height; ++row) {
            const int8_t *stored = map->data + row * map->row + channel;
            for (int32_t column = 0; column < code->width; ++column, stored += map->pixel) {
                const int32_t level = eb_split_level(code, *stored);
                if (level < 0) {
                    return EB_SPLIT_BAD_LEVEL;
                }
                pool |= (uint32_t)level << held;
                held += code->bits;
                if (held >= 8) {
                    bytes[count++] = (uint8_t)(pool & 255u);
                    pool >>= 8;
                    held -= 8;
                }
            }
        }
    }
    if (held > 0) {
        bytes[count++] = (uint8_t)(pool & 255u);
    }
    return count;
}

/* Writes the frame of a bottleneck: coded or packed, whichever is shorter. Answers its bytes, or an
 * eb_split_error.
 *
 * tensor: int8, (1, height, width, channels) of the code; model: EB_SPLIT_MODEL_BYTES bytes
 * frame: `capacity` bytes; those of the header and of a packed payload are needed
 */
static inline int32_t eb_split_write_features(const eb_split_code *code,
                                              const eb_tensor *tensor,
                                              const uint8_t *model,
                                              uint32_t request,
                                              int32_t rate,
                                              uint8_t *frame,
                                              int32_t capacity)
{
    if (!eb_split_is_rate(code, rate)) {
        return EB_SPLIT_BAD_RATE;
    }
    const int32_t packed = eb_split_packed_bytes(code, rate);
    if (capacity < EB_SPLIT_HEADER_BYTES + packed) {
        return EB_SPLIT_NO_ROOM;
    }
    const eb_split_map map = eb_split_map_of(tensor);
    eb_split_message about = {EB_SPLIT_FEATURES, 0, (uint8_t)rate, {0}, request, 0, NULL};
    for (int i = 0; i < EB_SPLIT_MODEL_BYTES; ++i) {
        about.model[i] = model[i];
    }
    uint8_t *payload = frame + EB_SPLIT_HEADER_BYTES;
    about.length = eb_split_encode(code, &map, rate, payload, packed - 1);
    if (about.length == EB_SPLIT_NO_ROOM) {
        about.flags = EB_SPLIT_PACKED;
        about.length = eb_split_pack(code, &map, rate, payload);
    }
    return about.length < 0 ? about.length : eb_split_write_header(&about, frame);
}

/* The inverse of the encoder; behind the last byte it reads zeros. */
typedef struct {
    const uint8_t *bytes;
    int32_t length;
    int32_t read;
    uint32_t number;
    uint32_t range;
} eb_split_decoder;

static inline void eb_split_take(eb_split_decoder *decoder)
{
    const int32_t place = decoder->read++;
    decoder->number = decoder->number << 8 | (place < decoder->length ? decoder->bytes[place] : 0u);
}

static inline int32_t
eb_split_decode_symbol(const eb_split_code *code, const uint16_t *table, eb_split_decoder *decoder)
{
    const uint32_t share = decoder->range >> EB_SPLIT_TABLE_BITS;
    const uint32_t place = decoder->number / share; /* beyond the table: its last part */
    int32_t level = 0;
    while (level < (1 << code->bits) - 1 && table[level] <= place) {
        ++level;
    }
    const uint32_t first = eb_split_first(table, level);
    decoder->number -= share * first;
    decoder->range = share * (eb_split_last(code, table, level) - first);
    while (decoder->range < EB_SPLIT_LEAST_RANGE) {
        eb_split_take(decoder);
        decoder->range <<= 8;
    }
    return level;
}

/* Level number `index` of a packed payload. */
static inline int32_t
eb_split_unpack(const eb_split_code *code, const eb_split_message *frame, int32_t index)
{
    const int32_t bit = index * code->bits, place = bit / 8;
    uint32_t pool = frame->payload[place];
    if (place + 1 < frame->length) {
        pool |= (uint32_t)frame->payload[place + 1] << 8;
    }
    return (int32_t)(pool >> bit % 8 & ((1u << code->bits) - 1u));
}

/* Reads the bottleneck that a frame holds; channels that it does not hold are absent.
 *
 * stored: height * width * channels values, pixel by pixel
 */
static inline eb_split_error
eb_split_read_features(const eb_split_code *code, const eb_split_message *frame, int8_t *stored)
{
    if (!eb_split_is_rate(code, frame->rate)) {
        return EB_SPLIT_BAD_RATE;
    }
    const int32_t most = eb_split_packed_bytes(code, frame->rate);
    const int is_packed = frame->flags == EB_SPLIT_PACKED;
    if (frame->kind != EB_SPLIT_FEATURES || frame->flags > EB_SPLIT_PACKED ||
        (is_packed ? frame->length != most : frame->length > most)) {
        return EB_SPLIT_BAD_PAYLOAD;
    }
    eb_split_decoder decoder = {frame->payload, frame->length, 0, 0, UINT32_MAX};
    for (int i = 0; i < 4; ++i) {
        eb_split_take(&decoder);
    }
    const int32_t pixels = code->height * code->width;
    for (int32_t channel = 0; channel < code->channels; ++channel) {
        const int is_sent = channel < code->channels_at[frame->rate - 1];
        int32_t before = 1 << code->bits, above = before;
        for (int32_t pixel = 0; pixel < pixels; ++pixel) {
            before = pixel % code->width == 0 ? above : before;
            const uint16_t *table = eb_split_table(code, channel, before);
            const int32_t level = !is_sent ? code->absent
                                  : is_packed
                                      ? eb_split_unpack(code, frame, channel * pixels + pixel)
                                      : eb_split_decode_symbol(code, table, &decoder);
            stored[pixel * code->channels + channel] = (int8_t)(code->lowest + code->step * level);
            above = pixel % code->width == 0 ? level : above;
            before = level;
        }
    }
    return EB_SPLIT_OK;
}

#ifdef __cplusplus
}
#endif

#endif /* EB_SPLIT_CODE_H */
