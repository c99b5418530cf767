/* Inputs: 0 has 10 bytes (int8), 1 has 2 (int8). Outputs: 0 has 4 (int8, scale 1/256, zero point
 * -128), 1 is one float32. The arena holds input 0 and output 0 in the same place, so that a run
 * destroys the input, and step 0 writes a slice of a concatenation (2 pixels of 2 bytes, 3 apart).
 */
#include "fake.h"

static struct {
    int8_t shared[12];
    int8_t second[2];
    int8_t slice[6];
    float sum;
    uint32_t canary;
} arena;

static eb_tensor contiguous(void *data, int32_t elements, eb_dtype dtype, int32_t bytes)
{
    eb_tensor tensor = {data, 2, {1, elements}, dtype, 0.0f, 0, bytes, bytes, bytes, bytes, bytes};
    return tensor;
}

int eb_fake_init(void)
{
    arena.canary = 0xC0FFEEu;
    return 0;
}

void eb_fake_reset(void)
{
    arena.sum = 0.0f;
}

int eb_fake_input_count(void)
{
    return 2;
}

int eb_fake_output_count(void)
{
    return 2;
}

eb_tensor eb_fake_input(int i)
{
    return i == 0 ? contiguous(arena.shared, 10, EB_I8, 10) : contiguous(arena.second, 2, EB_I8, 2);
}

eb_tensor eb_fake_output(int i)
{
    if (i == 1) {
        return contiguous(&arena.sum, 1, EB_F32, 4);
    }
    eb_tensor output = contiguous(arena.shared, 4, EB_I8, 4);
    output.scale = 1.0f / 256.0f;
    output.zero_point = -128;
    return output;
}

int eb_fake_step_count(void)
{
    return 2;
}

eb_status eb_fake_step(int i)
{
    if (i == 0) {
        arena.slice[0] = arena.shared[0];
        arena.slice[1] = arena.shared[1];
        arena.slice[3] = arena.shared[2];
        arena.slice[4] = arena.shared[3];
        return EB_OK;
    }
    arena.sum = (float)(arena.second[0] + arena.second[1]) * 0.5f;
    for (int n = 0; n < 4; n++) {
        arena.shared[n] = (int8_t)(arena.slice[n < 2 ? n : n + 1] + 1);
    }
    for (int n = 4; n < 12; n++) {
        arena.shared[n] = 0x55;
    }
    return EB_OK;
}

eb_status eb_fake_run(void)
{
    (void)eb_fake_step(0);
    if (arena.shared[9] == 0x7F) {
        return EB_ERROR_CANARY; /* what the tests of failing runs send */
    }
    return eb_fake_step(1);
}

eb_tensor eb_fake_step_written(int i)
{
    if (i == 1) {
        return eb_fake_output(0);
    }
    eb_tensor slice = contiguous(arena.slice, 4, EB_I8, 4);
    slice.row_stride = 6;
    slice.pixel_bytes = 2;
    slice.pixel_stride = 3;
    return slice;
}

int eb_fake_canary_ok(void)
{
    return arena.canary == 0xC0FFEEu;
}

size_t eb_fake_arena_size(void)
{
    return sizeof arena;
}
