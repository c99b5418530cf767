#include "floats.h"

#include "bench_model.h"
#include "tensor_bytes.h"

#if EB_BENCH_FLOATS > 0

static float values[EB_BENCH_FLOATS];

eb_tensor bench_floats(void)
{
    eb_tensor tensor = {0};
    tensor.data = values;
    tensor.bytes = (int32_t)sizeof values;
    tensor.row_bytes = tensor.row_stride = tensor.bytes;
    tensor.pixel_bytes = tensor.pixel_stride = tensor.bytes;
    return tensor;
}

static uint8_t quantized(float value, const eb_tensor *tensor)
{
    const float scaled = value / tensor->scale;
    /* What is no number, or beyond all levels, may not be converted to an integer. */
    if (!(scaled > -1024.0f)) {
        return 0x80;
    }
    if (scaled > 1024.0f) {
        return 0x7F;
    }
    const int32_t level = (int32_t)(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f);
    const int32_t stored = level + tensor->zero_point;
    return (uint8_t)(stored < -128 ? -128 : stored > 127 ? 127 : stored);
}

void bench_floats_quantize(const eb_tensor *input)
{
    tensor_walk walk = tensor_walk_start(input);
    for (int32_t i = 0; i < EB_BENCH_FLOATS; i++) {
        *tensor_walk_next(&walk, input) = quantized(values[i], input);
    }
}

float bench_floats_distance(void)
{
    const eb_tensor output = EB_MODEL(output)(0);
    tensor_walk walk = tensor_walk_start(&output);
    float sum = 0.0f;
    for (int32_t i = 0; i < EB_BENCH_FLOATS; i++) {
        const int32_t stored = (int8_t)*tensor_walk_next(&walk, &output);
        const float off = (float)(stored - output.zero_point) * output.scale - values[i];
        sum += off * off;
    }
    return sum / (float)EB_BENCH_FLOATS;
}

#endif
