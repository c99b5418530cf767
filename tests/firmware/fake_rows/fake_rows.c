/* Input: 4 rows of int8. Output: for each row its sum (int8, wrapping), in order. */
#include "fake_rows.h"

#define ROWS EB_FAKE_ROWS_INPUT_ROWS
#define ROW_BYTES EB_FAKE_ROWS_FEED_BYTES

static struct {
    int8_t sums[ROWS];
    uint32_t canary;
} arena;

static int32_t taken;

int eb_fake_rows_init(void)
{
    arena.canary = 0xC0FFEEu;
    taken = 0;
    return 0;
}

int32_t eb_fake_rows_rows_missing(void)
{
    return ROWS - taken;
}

eb_status eb_fake_rows_feed_rows(const void *rows, int32_t n)
{
    const uint8_t *bytes = rows;
    if (taken == ROWS) {
        taken = 0;
    }
    if (n > ROWS - taken) {
        return EB_ERROR_ARGUMENT;
    }
    for (; n > 0; n--, taken++) {
        uint32_t sum = 0;
        for (int i = 0; i < ROW_BYTES; i++) {
            sum += *bytes++;
        }
        arena.sums[taken] = (int8_t)(uint8_t)sum;
    }
    /* What the tests of failing runs send: a last row that begins with 127. */
    return taken == ROWS && bytes[-ROW_BYTES] == 0x7F ? EB_ERROR_CANARY : EB_OK;
}

eb_status eb_fake_rows_run(void)
{
    return taken < ROWS ? EB_ERROR_ARGUMENT : EB_OK;
}

int eb_fake_rows_step_count(void)
{
    return 1;
}

eb_status eb_fake_rows_step(int i)
{
    (void)i;
    return EB_ERROR_ARGUMENT;
}

int eb_fake_rows_input_count(void)
{
    return 1;
}

int eb_fake_rows_output_count(void)
{
    return 1;
}

eb_tensor eb_fake_rows_input(int i)
{
    const eb_tensor input = {NULL,
                             4,
                             {1, ROWS, ROW_BYTES, 1},
                             EB_I8,
                             1.0f,
                             0,
                             ROWS * ROW_BYTES,
                             ROW_BYTES,
                             ROW_BYTES,
                             ROW_BYTES,
                             ROW_BYTES};
    const eb_tensor none = {0};
    return i == 0 ? input : none;
}

eb_tensor eb_fake_rows_output(int i)
{
    const eb_tensor output = {arena.sums, 2,    {1, ROWS}, EB_I8, 1.0f, 0,
                              ROWS,       ROWS, ROWS,      ROWS,  ROWS};
    const eb_tensor none = {0};
    return i == 0 ? output : none;
}

eb_tensor eb_fake_rows_step_written(int i)
{
    return eb_fake_rows_output(i);
}

int eb_fake_rows_canary_ok(void)
{
    return arena.canary == 0xC0FFEEu;
}

size_t eb_fake_rows_arena_size(void)
{
    return sizeof arena;
}
