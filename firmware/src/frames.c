#include "frames.h"

#include "bench_model.h"
#include "crc32.h"
#include "format.h"
#include "loader.h"
#include "results.h"
#include "tensor_bytes.h"

#define COMMAND_END '%'
#define LINE_END '\n'
#define CRC_BYTES 4u
#define LONGEST_RUN 254u /* of bytes without a zero, of which one count says */

/* The frame being received. */
static struct {
    uint32_t sent_crc;
    uint32_t crc;   /* of its place and of the bytes that have come */
    uint32_t count; /* bytes, unstuffed */
    uint8_t run;    /* bytes until the next count */
    bool zero;      /* a zero stands before it */
} frame;

void bench_frame_start(void)
{
    uint32_t place = bench_load_start(); /* the cores are little-endian */
    frame.crc = bench_crc32(BENCH_CRC32_START, &place, sizeof place);
    frame.count = 0;
    frame.run = 0;
    frame.zero = false;
}

static void take(uint8_t byte)
{
    if (frame.count++ < CRC_BYTES) {
        frame.sent_crc = frame.sent_crc >> 8 | (uint32_t)byte << 24;
        return;
    }
    frame.crc = bench_crc32(frame.crc, &byte, 1);
    bench_load_byte(byte);
}

void bench_frame_byte(uint8_t byte)
{
    byte ^= COMMAND_END;
    if (frame.run > 0) {
        frame.run--;
        take(byte);
        return;
    }
    if (frame.zero) {
        take(0);
    }
    frame.run = (uint8_t)(byte - 1u);
    frame.zero = frame.run < LONGEST_RUN;
}

bool bench_frame_finish(void)
{
    return bench_load_finish_frame(frame.count > CRC_BYTES && frame.run == 0 &&
                                   frame.crc == frame.sent_crc);
}

#if EB_BENCH_OUTPUT_FRAMES

/* What `get` sends of an output, byte by byte. */
typedef struct {
    tensor_walk walk;
    uint32_t crc; /* what is left of it */
    uint32_t count;
} sent_bytes;

static uint8_t next(sent_bytes *bytes, const eb_tensor *output)
{
    if (bytes->count++ >= CRC_BYTES) {
        return *tensor_walk_next(&bytes->walk, output);
    }
    uint8_t byte = (uint8_t)bytes->crc;
    bytes->crc >>= 8;
    return byte;
}

void bench_put_output_frame(int index)
{
    const eb_tensor output = EB_MODEL(output)(index);
    const uint32_t end = (uint32_t)output.bytes + CRC_BYTES;
    sent_bytes bytes = {tensor_walk_start(&output), bench_tensor_crc(&output), 0};
    bench_put_number("m-get-[", (uint64_t)index);
    bench_put_char(' ');
    bool zero = true;
    while (zero || bytes.count < end) {
        sent_bytes ahead = bytes;
        uint32_t run = 0;
        zero = false;
        while (!zero && run < LONGEST_RUN && ahead.count < end) {
            zero = next(&ahead, &output) == 0;
            run += zero ? 0u : 1u;
        }
        bench_put_char((char)((run + 1u) ^ LINE_END));
        for (; run > 0; run--) {
            bench_put_char((char)(next(&bytes, &output) ^ LINE_END));
        }
        bytes = ahead;
    }
    bench_put_line("]");
}

#endif
