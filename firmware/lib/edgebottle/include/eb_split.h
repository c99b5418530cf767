/* Split computing on a device: the frames between it and a server.
 *
 * edgebottle/split/frames.py is the same in Python, docs/split.md has the format. Nothing is
 * allocated, and no size in a frame is believed before it is held to what there is.
 */
#ifndef EB_SPLIT_H
#define EB_SPLIT_H

#include "edgebottle.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EB_SPLIT_HEADER_BYTES 20
#define EB_SPLIT_CHECKED_BYTES 16 /* of the header, that its checksum covers */
#define EB_SPLIT_MODEL_BYTES 4
#define EB_SPLIT_MAX_PAYLOAD 1048575
#define EB_SPLIT_VERSION 1u

/* What a payload is. */
typedef enum {
    EB_SPLIT_FEATURES = 1, /* what the head computed; flags: EB_SPLIT_PACKED */
    EB_SPLIT_IMAGE = 2,    /* the input; flags: 0 raw, 1 JPEG, 2 WebP, 3 PNG */
    EB_SPLIT_RESULT = 3,   /* the output of the network: float32 values */
    EB_SPLIT_REFUSAL = 4   /* why there is none: text; flags: an eb_split_reason */
} eb_split_kind;

#define EB_SPLIT_PACKED 1 /* a fixed number of bits for each level: coding would be longer */

/* Why a server gives no result. */
typedef enum {
    EB_SPLIT_REASON_BAD_FRAME = 1,
    EB_SPLIT_REASON_UNKNOWN_MODEL = 2,
    EB_SPLIT_REASON_BAD_PAYLOAD = 3,
    EB_SPLIT_REASON_BUSY = 4,
    EB_SPLIT_REASON_TOO_LATE = 5,
    EB_SPLIT_REASON_FAILED = 6
} eb_split_reason;

/* What is wrong. All are negative: what answers a number of bytes answers one of them instead. */
typedef enum {
    EB_SPLIT_OK = 0,
    EB_SPLIT_NOT_A_FRAME = -1, /* it does not begin as a frame does */
    EB_SPLIT_UNKNOWN_VERSION = -2,
    EB_SPLIT_UNKNOWN_KIND = -3,
    EB_SPLIT_TOO_LONG = -4,  /* a payload longer than what is accepted */
    EB_SPLIT_CUT_SHORT = -5, /* fewer bytes than announced, or more */
    EB_SPLIT_DAMAGED = -6,   /* the checksum is wrong */
    EB_SPLIT_BAD_PAYLOAD = -7,
    EB_SPLIT_BAD_RATE = -8,       /* there is no such rate */
    EB_SPLIT_NO_ROOM = -9,        /* the buffer is too small */
    EB_SPLIT_BAD_LEVEL = -10,     /* a stored value that is no level */
    EB_SPLIT_NOT_READY = -11,     /* rows of the input are missing */
    EB_SPLIT_OTHER_MODEL = -12,   /* a frame of another network */
    EB_SPLIT_OTHER_REQUEST = -13, /* the reply to another request */
    EB_SPLIT_NO_REPLY = -14       /* neither a result nor a refusal */
} eb_split_error;

/* A frame that was read; the payload lies where it was read from. */
typedef struct {
    eb_split_kind kind;
    uint8_t flags;
    uint8_t rate;
    uint8_t model[EB_SPLIT_MODEL_BYTES];
    uint32_t request;
    int32_t length; /* bytes of the payload: 0 .. EB_SPLIT_MAX_PAYLOAD */
    const uint8_t *payload;
} eb_split_message;

/* CRC32C (Castagnoli) of more bytes; begins with 0. */
static inline uint32_t eb_split_crc32c(uint32_t crc, const uint8_t *data, int32_t count)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x105EC76Fu, 0x20BD8EDEu, 0x30E349B1u, 0x417B1DBCu, 0x5125DAD3u,
        0x61C69362u, 0x7198540Du, 0x82F63B78u, 0x92A8FC17u, 0xA24BB5A6u, 0xB21572C9u,
        0xC38D26C4u, 0xD3D3E1ABu, 0xE330A81Au, 0xF36E6F75u,
    };
    crc = ~crc;
    for (int32_t i = 0; i < count; ++i) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15u];
        crc = crc >> 4 ^ table[crc & 15u];
    }
    return ~crc;
}

static inline void eb_split_put_32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; ++i) {
        to[i] = (uint8_t)(value >> 8 * i);
    }
}

static inline uint32_t eb_split_get_32(const uint8_t *from)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
        value |= (uint32_t)from[i] << 8 * i;
    }
    return value;
}

/* Writes the header of the payload that lies behind it; answers the bytes of the whole frame, or
 * EB_SPLIT_TOO_LONG.
 *
 * about: kind, flags, rate, model, request and length of the frame; its `payload` is not used.
 * frame: EB_SPLIT_HEADER_BYTES bytes to be written, and behind them the payload.
 */
static inline int32_t eb_split_write_header(const eb_split_message *about, uint8_t *frame)
{
    if (about->length < 0 || about->length > EB_SPLIT_MAX_PAYLOAD) {
        return EB_SPLIT_TOO_LONG;
    }
    frame[0] = 'e';
    frame[1] = 'B';
    frame[2] = (uint8_t)(EB_SPLIT_VERSION << 4 | (uint32_t)about->kind);
    frame[3] = about->flags;
    for (int i = 0; i < EB_SPLIT_MODEL_BYTES; ++i) {
        frame[4 + i] = about->model[i];
    }
    eb_split_put_32(frame + 8, about->request);
    eb_split_put_32(frame + 12, about->rate | (uint32_t)about->length << 8);
    const uint32_t check = eb_split_crc32c(eb_split_crc32c(0, frame, EB_SPLIT_CHECKED_BYTES),
                                           frame + EB_SPLIT_HEADER_BYTES, about->length);
    eb_split_put_32(frame + EB_SPLIT_CHECKED_BYTES, check);
    return EB_SPLIT_HEADER_BYTES + about->length;
}

/* Reads a header, of which nothing is checked by its sum yet; `frame->payload` is NULL.
 *
 * data: `size` bytes, of which EB_SPLIT_HEADER_BYTES are read; longest: payload that is accepted.
 */
static inline eb_split_error
eb_split_read_header(const uint8_t *data, int32_t size, int32_t longest, eb_split_message *frame)
{
    if ((size > 0 && data[0] != 'e') || (size > 1 && data[1] != 'B')) {
        return EB_SPLIT_NOT_A_FRAME;
    }
    if (size < EB_SPLIT_HEADER_BYTES) {
        return EB_SPLIT_CUT_SHORT;
    }
    if (data[2] >> 4 != EB_SPLIT_VERSION) {
        return EB_SPLIT_UNKNOWN_VERSION;
    }
    const uint32_t kind = data[2] & 15u;
    if (kind < EB_SPLIT_FEATURES || kind > EB_SPLIT_REFUSAL) {
        return EB_SPLIT_UNKNOWN_KIND;
    }
    const uint32_t rate_and_length = eb_split_get_32(data + 12);
    frame->kind = (eb_split_kind)kind;
    frame->flags = data[3];
    frame->rate = (uint8_t)(rate_and_length & 255u);
    for (int i = 0; i < EB_SPLIT_MODEL_BYTES; ++i) {
        frame->model[i] = data[4 + i];
    }
    frame->request = eb_split_get_32(data + 8);
    frame->length = (int32_t)(rate_and_length >> 8);
    frame->payload = NULL;
    return frame->length > longest || frame->length > EB_SPLIT_MAX_PAYLOAD ? EB_SPLIT_TOO_LONG
                                                                           : EB_SPLIT_OK;
}

/* Reads the frame that `size` bytes are, no more and no less. */
static inline eb_split_error
eb_split_read(const uint8_t *data, int32_t size, eb_split_message *frame)
{
    const eb_split_error error = eb_split_read_header(data, size, EB_SPLIT_MAX_PAYLOAD, frame);
    if (error != EB_SPLIT_OK) {
        return error;
    }
    if (size - EB_SPLIT_HEADER_BYTES != frame->length) {
        return EB_SPLIT_CUT_SHORT;
    }
    const uint8_t *payload = data + EB_SPLIT_HEADER_BYTES;
    const uint32_t check =
        eb_split_crc32c(eb_split_crc32c(0, data, EB_SPLIT_CHECKED_BYTES), payload, frame->length);
    if (check != eb_split_get_32(data + EB_SPLIT_CHECKED_BYTES)) {
        return EB_SPLIT_DAMAGED;
    }
    frame->payload = payload;
    return EB_SPLIT_OK;
}

/* Reads the reply to a request, a result or a refusal. */
static inline eb_split_error eb_split_read_answer(const uint8_t *data,
                                                  int32_t size,
                                                  const uint8_t *model,
                                                  uint32_t request,
                                                  eb_split_message *reply)
{
    const eb_split_error error = eb_split_read(data, size, reply);
    if (error != EB_SPLIT_OK) {
        return error;
    }
    if (reply->kind != EB_SPLIT_RESULT && reply->kind != EB_SPLIT_REFUSAL) {
        return EB_SPLIT_NO_REPLY;
    }
    if (reply->request != request) {
        return EB_SPLIT_OTHER_REQUEST;
    }
    for (int i = 0; i < EB_SPLIT_MODEL_BYTES; ++i) {
        if (reply->model[i] != model[i]) {
            return EB_SPLIT_OTHER_MODEL;
        }
    }
    const int is_whole = reply->kind == EB_SPLIT_REFUSAL || reply->length % 4 == 0;
    return is_whole ? EB_SPLIT_OK : EB_SPLIT_BAD_PAYLOAD;
}

/* Value i of a result: 0 .. length / 4 - 1. */
static inline float eb_split_value(const eb_split_message *result, int32_t i)
{
    union {
        uint32_t bits;
        float real;
    } value = {eb_split_get_32(result->payload + 4 * i)};
    return value.real;
}

#ifdef __cplusplus
}
#endif

#endif /* EB_SPLIT_H */
