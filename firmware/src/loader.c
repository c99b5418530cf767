#include "loader.h"

#include <stddef.h>

#include "bench_model.h"
#include "floats.h"
#include "format.h"
#include "results.h"
#include "rows.h"
#include "tensor_bytes.h"

/* What differs in a signed byte from an unsigned one that is 128 more. */
#define SIGN (EB_BENCH_UNSIGNED ? 0x80 : 0)

static int selected;                 /* the input that `db load` fills */
static eb_tensor target;             /* where the bytes of the present load go */
static int target_input;             /* the input it belongs to */
static uint32_t load_bytes;          /* of the present load; 0 before the first */
static uint32_t position;            /* bytes of it that have arrived */
static tensor_walk walk;             /* at `position` */
static bool loaded[EB_BENCH_INPUTS]; /* the inputs that are complete */

/* The chunk being received. */
static struct {
    uint32_t position; /* as before the chunk */
    tensor_walk walk;
    char pair[3]; /* the digits of the present byte */
    char bad[3];  /* the first pair that is not hex, or empty */
    bool odd;
    bool ended;    /* a space: what follows it is not looked at */
    bool too_much; /* bytes that nobody asked for */
    bool no_room;  /* more at once than a row-fed model can take */
} chunk;

#if EB_BENCH_ROW_BYTES > 0
/* What a command may bring beyond the end of a row: those of the stock runner carry less. */
#define SPARE_BYTES 40

static uint8_t buffer[EB_BENCH_ROW_BYTES + SPARE_BYTES] __attribute__((aligned(4)));

static eb_tensor storage(int input)
{
    eb_tensor tensor = EB_MODEL(input)(input);
    tensor.data = buffer; /* no more than the next row lies there: one pixel that never ends */
    tensor.row_bytes = tensor.pixel_bytes = INT32_MAX;
    return tensor;
}

static bool has_room(void)
{
    return walk.in_pixel < (int32_t)sizeof buffer;
}

/* Hands over the rows that are complete and keeps what has come of the next. */
static void hand_over(void)
{
    while (walk.in_pixel >= EB_BENCH_ROW_BYTES) {
        bench_rows_feed(buffer);
        walk.in_pixel -= EB_BENCH_ROW_BYTES;
        for (int32_t i = 0; i < walk.in_pixel; i++) {
            buffer[i] = buffer[EB_BENCH_ROW_BYTES + i];
        }
    }
}

void bench_load_apply(void)
{
    loaded[0] = false; /* used up by the run */
}
#elif EB_BENCH_DB_BYTES > 0
static uint8_t buffer[EB_BENCH_DB_BYTES];

/* The part of the buffer that belongs to an input, as a contiguous tensor. */
static eb_tensor storage(int input)
{
    int32_t offset = 0;
    for (int i = 0; i < input; i++) {
        offset += EB_MODEL(input)(i).bytes;
    }
    eb_tensor tensor = EB_MODEL(input)(input);
    if (offset + tensor.bytes > (int32_t)EB_BENCH_DB_BYTES) {
        tensor.bytes = 0; /* nothing fits: every load is refused */
        return tensor;
    }
    tensor.data = buffer + offset;
    tensor.row_bytes = tensor.row_stride = tensor.bytes;
    tensor.pixel_bytes = tensor.pixel_stride = tensor.bytes;
    return tensor;
}

void bench_load_apply(void)
{
    for (int i = 0; i < EB_BENCH_INPUTS; i++) {
        eb_tensor from = storage(i);
        eb_tensor to = EB_MODEL(input)(i);
        const uint8_t *source = from.data;
        uint8_t *row = to.data;
        for (int32_t done = 0; done < from.bytes; row += to.row_stride) {
            uint8_t *pixel = row;
            for (int32_t in_row = 0; in_row < to.row_bytes; in_row += to.pixel_bytes) {
                __builtin_memcpy(pixel, source + done, (size_t)to.pixel_bytes);
                pixel += to.pixel_stride;
                done += to.pixel_bytes;
            }
        }
    }
}
#else
static eb_tensor storage(int input)
{
    return EB_MODEL(input)(input);
}

void bench_load_apply(void)
{
    for (int i = 0; i < EB_BENCH_INPUTS; i++) {
        loaded[i] = false; /* the run overwrites the inputs */
    }
}
#endif

#if EB_BENCH_FLOATS > 0
static eb_tensor arriving(int input)
{
    (void)input;
    return bench_floats();
}

/* All has come. */
static void take(void)
{
    const eb_tensor input = storage(0);
    bench_floats_quantize(&input);
}
#else
static eb_tensor arriving(int input)
{
    return storage(input);
}

static void take(void)
{
}
#endif

bool bench_load_survives(void)
{
    return EB_BENCH_DB_BYTES > 0;
}

bool bench_load_ready(void)
{
    for (int i = 0; i < EB_BENCH_INPUTS; i++) {
        if (!loaded[i]) {
            return false;
        }
    }
    return true;
}

int bench_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bench_load_select(int input)
{
    if (input < 0 || input >= EB_BENCH_INPUTS) {
        return false;
    }
    selected = input;
    return true;
}

uint32_t bench_load_capacity(void)
{
    return (uint32_t)arriving(selected).bytes;
}

bool bench_load_begin(uint32_t bytes)
{
    load_bytes = 0;
    if (bytes == 0 || bytes > bench_load_capacity()) {
        return false;
    }
    target_input = selected;
    target = arriving(selected);
    walk = tensor_walk_start(&target);
#if EB_BENCH_ROW_BYTES > 0
    bench_rows_begin();
#endif
    load_bytes = bytes;
    position = 0;
    loaded[selected] = false;
    if (!bench_load_survives()) {
        bench_outputs_valid = false; /* they may share memory with the input */
    }
    return true;
}

uint32_t bench_load_start(void)
{
    chunk.position = position;
    chunk.walk = walk;
    chunk.bad[0] = 0;
    chunk.odd = false;
    chunk.ended = false;
    chunk.too_much = false;
    chunk.no_room = false;
    return position;
}

void bench_load_byte(uint8_t byte)
{
    if (position >= load_bytes) {
        chunk.too_much = true;
#if EB_BENCH_ROW_BYTES > 0
    } else if (!has_room()) {
        chunk.no_room = true;
#endif
    } else {
        *tensor_walk_next(&walk, &target) = (uint8_t)(byte ^ SIGN);
        position++;
    }
}

void bench_load_digit(char c)
{
    if (chunk.ended || c == ' ') {
        chunk.ended = true;
        return;
    }
    chunk.pair[chunk.odd ? 1 : 0] = c;
    chunk.odd = !chunk.odd;
    if (chunk.odd || chunk.bad[0] != 0) {
        return;
    }
    int high = bench_hex_digit(chunk.pair[0]);
    int low = bench_hex_digit(chunk.pair[1]);
    if (high < 0 || low < 0) {
        chunk.bad[0] = chunk.pair[0];
        chunk.bad[1] = chunk.pair[1];
    } else {
        bench_load_byte((uint8_t)((high << 4) | low));
    }
}

/* As it was before the chunk. */
static void take_back(void)
{
    position = chunk.position;
    walk = chunk.walk;
}

/* The chunk was good. */
static void go_on(void)
{
#if EB_BENCH_ROW_BYTES > 0
    hand_over();
#endif
    if (position == load_bytes) {
        if (load_bytes == (uint32_t)target.bytes) {
            take();
            loaded[target_input] = true;
        }
        bench_put_line("m-load-done");
    }
}

bool bench_load_finish_frame(bool whole)
{
    whole = whole && !chunk.too_much && !chunk.no_room;
    if (whole) {
        go_on();
    } else {
        take_back();
        bench_put_number_line("e-[Bad frame at ", position, "]");
    }
    return whole;
}

void bench_load_finish(void)
{
    bool refused = true;
    if (chunk.odd) {
        bench_put_line("e-[Insufficent number of hex digits]"); /* the reference's spelling */
    } else if (chunk.bad[0] != 0) {
        bench_put_text("e-[Invalid hex digit '");
        bench_put_foreign(chunk.bad);
        bench_put_line("']");
    } else if (load_bytes == 0) {
        bench_put_line("e-[Command 'db load' must come first]");
    } else if (chunk.too_much) {
        bench_put_text("e-[Too much data: only ");
        bench_put_decimal(load_bytes - chunk.position);
        bench_put_line(" more bytes expected]");
#if EB_BENCH_ROW_BYTES > 0
    } else if (chunk.no_room) {
        bench_put_line("e-[A command may bring no more than a row]");
#endif
    } else {
        refused = false;
    }
    if (refused) {
        take_back();
    } else {
        go_on();
    }
}

void bench_load_print(void)
{
#if EB_BENCH_ROW_BYTES > 0
    bench_put_line("e-[The rows are handed over, not kept]");
#else
    tensor_walk from = tensor_walk_start(&target);
    for (uint32_t i = 0; i < load_bytes; i++) {
        bench_put_text(i % 8 == 0 ? "m-buffer-" : "-");
        bench_put_hex(*tensor_walk_next(&from, &target) ^ SIGN, 2, 'a');
        if (i % 8 == 7 || i + 1 == load_bytes) {
            bench_put_line("");
        }
    }
    if (load_bytes % 8 != 0) {
        bench_put_line(""); /* as the reference firmware does after an incomplete line */
    }
#endif
}
