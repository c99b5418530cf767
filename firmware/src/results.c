#include "results.h"

#include "bench_model.h"
#include "crc32.h"
#include "floats.h"
#include "format.h"
#include "tensor_bytes.h"

bool bench_outputs_valid;

/* Where the binding says what all outputs are of, nothing is compiled for other types. */
static eb_dtype dtype_of(const eb_tensor *output)
{
#ifdef EB_BENCH_OUTPUT_DTYPE
    (void)output;
    return EB_BENCH_OUTPUT_DTYPE;
#else
    return output->dtype;
#endif
}

static unsigned element_bits(eb_dtype dtype)
{
    switch (dtype) {
    case EB_I64:
        return 64;
    case EB_F32:
    case EB_I32:
    case EB_U32:
        return 32;
    case EB_I16:
    case EB_U16:
        return 16;
    case EB_I4:
    case EB_U4:
        return 4;
    case EB_I2:
    case EB_U2:
        return 2;
    case EB_I1:
    case EB_U1:
        return 1;
    default:
        return 8;
    }
}

static bool is_signed(eb_dtype dtype)
{
    return dtype != EB_BOOL && !(dtype >= EB_U32 && dtype <= EB_U1);
}

/* The stored bits of an element as a real number. */
static float real_value(const eb_tensor *tensor, uint32_t stored, unsigned bits)
{
    union {
        uint32_t bits;
        float real;
    } word = {stored};
    if (dtype_of(tensor) == EB_F32) {
        return word.real;
    }
    int32_t value = (int32_t)stored;
    if (bits < 32 && is_signed(dtype_of(tensor)) && ((stored >> (bits - 1)) & 1u) != 0) {
        value -= (int32_t)(1u << bits);
    }
    word.real = tensor->scale; /* as bits: no comparison of floats is linked in for this */
    bool quantized = word.bits != 0;
    return quantized ? (float)(value - tensor->zero_point) * tensor->scale : (float)value;
}

/* Prints the elements of one tensor; `first`: no comma before the first of them. */
static void put_values(const eb_tensor *tensor, bool first)
{
    unsigned bits = element_bits(dtype_of(tensor));
    int32_t elements = 1;
    for (int32_t i = 0; i < tensor->rank; i++) {
        elements *= tensor->shape[i];
    }
    tensor_walk walk = tensor_walk_start(tensor);
    uint32_t packed = 0;
    unsigned packed_bits = 0;
    for (int32_t i = 0; i < elements; i++) {
        uint32_t stored = 0;
        if (bits < 8) {
            if (packed_bits == 0) {
                packed = *tensor_walk_next(&walk, tensor);
                packed_bits = 8;
            }
            stored = packed & ((1u << bits) - 1u);
            packed >>= bits;
            packed_bits -= bits;
        } else {
            for (unsigned shift = 0; shift < bits; shift += 8) {
                uint32_t byte = *tensor_walk_next(&walk, tensor);
                stored |= shift < 32 ? byte << shift : 0u;
            }
        }
        if (!first) {
            bench_put_char(',');
        }
        first = false;
        bench_put_milli(real_value(tensor, stored, bits));
    }
}

/* Prints how far the output is from the input, where that is the only result. */
static bool put_distance(void)
{
#if EB_BENCH_DISTANCE
    bench_put_milli(bench_floats_distance());
#endif
    return EB_BENCH_DISTANCE;
}

void bench_put_results(void)
{
    bench_put_text("m-results-[");
    const int outputs = put_distance() ? 0 : EB_MODEL(output_count)();
    for (int i = 0; i < outputs; i++) {
        eb_tensor output = EB_MODEL(output)(i);
        put_values(&output, i == 0);
    }
    bench_put_line("]");
}

void bench_put_output(int index)
{
    eb_tensor output = EB_MODEL(output)(index);
    tensor_walk walk = tensor_walk_start(&output);
    bench_put_text("m-out-");
    bench_put_decimal((uint64_t)index);
    bench_put_text("-[");
    for (int32_t i = 0; i < output.bytes; i++) {
        bench_put_hex(*tensor_walk_next(&walk, &output), 2, 'A');
    }
    bench_put_line("]");
}

uint32_t bench_tensor_crc(const eb_tensor *tensor)
{
    uint32_t crc = BENCH_CRC32_START;
    const uint8_t *row = tensor->data;
    for (int32_t done = 0; done < tensor->bytes; row += tensor->row_stride) {
        const uint8_t *pixel = row;
        for (int32_t in_row = 0; in_row < tensor->row_bytes; in_row += tensor->pixel_bytes) {
            crc = bench_crc32(crc, pixel, (size_t)tensor->pixel_bytes);
            pixel += tensor->pixel_stride;
        }
        done += tensor->row_bytes;
    }
    return crc;
}
