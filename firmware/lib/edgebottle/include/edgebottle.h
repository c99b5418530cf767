/* edgebottle: the public types of a generated model library.
 *
 * Self-contained C99; needs only the freestanding headers.
 */
#ifndef EDGEBOTTLE_H
#define EDGEBOTTLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The largest rank of a tensor, batch included. */
#define EB_MAX_RANK 6

/* What a run or a step answers. Everything but EB_OK is an error. */
typedef enum {
    EB_OK = 0,
    EB_ERROR_ARGUMENT = 1, /* an index out of range */
    EB_ERROR_CANARY = 2    /* something wrote past the arena */
} eb_status;

/* Element types. Types below 8 bits are packed, lowest bits first. */
typedef enum {
    EB_F32 = 0,
    EB_I32 = 1,
    EB_I16 = 2,
    EB_I8 = 3,
    EB_I4 = 4,
    EB_I2 = 5,
    EB_I1 = 6,
    EB_U32 = 7,
    EB_U16 = 8,
    EB_U8 = 9,
    EB_U4 = 10,
    EB_U2 = 11,
    EB_U1 = 12,
    EB_BOOL = 13, /* one byte each, 0 or 1 */
    EB_I64 = 14
} eb_dtype;

/* A tensor of the model: where it lies and what its elements mean.
 *
 * real = (stored - zero_point) * scale for integers; scale is 0 where the tensor has no per-tensor
 * quantization (float32, or plain integers such as the result of an arg-max).
 *
 * A contiguous tensor has row_stride == row_bytes == bytes and pixel_stride == pixel_bytes ==
 * bytes. A tensor in a slice of a concatenation has pixel_bytes < pixel_stride: its bytes are, for
 * each row (row_stride apart, bytes / row_bytes of them), for each pixel (pixel_stride apart,
 * row_bytes / pixel_bytes of them), pixel_bytes bytes.
 */
typedef struct {
    void *data;
    int32_t rank;               /* 0 .. EB_MAX_RANK */
    int32_t shape[EB_MAX_RANK]; /* the first `rank` entries, each >= 1 */
    eb_dtype dtype;
    float scale;
    int32_t zero_point;
    int32_t bytes;        /* payload bytes of the whole tensor */
    int32_t row_bytes;    /* payload bytes of one row */
    int32_t row_stride;   /* bytes from one row to the next in memory */
    int32_t pixel_bytes;  /* payload bytes of one pixel */
    int32_t pixel_stride; /* bytes from one pixel to the next in memory */
} eb_tensor;

#ifdef __cplusplus
}
#endif

#endif /* EDGEBOTTLE_H */
