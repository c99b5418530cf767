/* The largest or smallest element along some axes; included by eb_reduce_extreme.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_REDUCE_EXTREME_H
#define EB_KERNELS_PORTABLE_REDUCE_EXTREME_H

/* The extreme of the reduced axes, from `in` on. */
static inline int8_t eb_reduce_extreme_s8_one(const eb_reduce_extreme *p, const int8_t *in)
{
    int8_t found = *in;
    for (int32_t i = 0; i < p->reduced[0]; ++i) {
        for (int32_t j = 0; j < p->reduced[1]; ++j) {
            const int8_t *from = in + i * p->reduced_strides[0] + j * p->reduced_strides[1];
            for (int32_t k = 0; k < p->reduced[2]; ++k) {
                const int8_t value = from[k * p->reduced_strides[2]];
                found = (p->larger ? value > found : value < found) ? value : found;
            }
        }
    }
    return found;
}

/* The whole tensor; `out` may be `in`. */
EB_KERNEL void eb_reduce_extreme_s8(const eb_reduce_extreme *p, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < p->kept[0]; ++i) {
        for (int32_t j = 0; j < p->kept[1]; ++j) {
            for (int32_t k = 0; k < p->kept[2]; ++k) {
                const int8_t *from =
                    in + i * p->kept_strides[0] + j * p->kept_strides[1] + k * p->kept_strides[2];
                *out++ = eb_reduce_extreme_s8_one(p, from);
            }
        }
    }
}

/* The extreme of the reduced axes, from `in` on. */
static inline int32_t eb_reduce_extreme_s32_one(const eb_reduce_extreme *p, const int32_t *in)
{
    int32_t found = *in;
    for (int32_t i = 0; i < p->reduced[0]; ++i) {
        for (int32_t j = 0; j < p->reduced[1]; ++j) {
            const int32_t *from = in + i * p->reduced_strides[0] + j * p->reduced_strides[1];
            for (int32_t k = 0; k < p->reduced[2]; ++k) {
                const int32_t value = from[k * p->reduced_strides[2]];
                found = (p->larger ? value > found : value < found) ? value : found;
            }
        }
    }
    return found;
}

/* The whole tensor; `out` may be `in`. */
EB_KERNEL void eb_reduce_extreme_s32(const eb_reduce_extreme *p, const int32_t *in, int32_t *out)
{
    for (int32_t i = 0; i < p->kept[0]; ++i) {
        for (int32_t j = 0; j < p->kept[1]; ++j) {
            for (int32_t k = 0; k < p->kept[2]; ++k) {
                const int32_t *from =
                    in + i * p->kept_strides[0] + j * p->kept_strides[1] + k * p->kept_strides[2];
                *out++ = eb_reduce_extreme_s32_one(p, from);
            }
        }
    }
}

/* The extreme of the reduced axes, from `in` on. */
static inline float eb_reduce_extreme_f32_one(const eb_reduce_extreme *p, const float *in)
{
    float found = *in;
    for (int32_t i = 0; i < p->reduced[0]; ++i) {
        for (int32_t j = 0; j < p->reduced[1]; ++j) {
            const float *from = in + i * p->reduced_strides[0] + j * p->reduced_strides[1];
            for (int32_t k = 0; k < p->reduced[2]; ++k) {
                const float value = from[k * p->reduced_strides[2]];
                found = (p->larger ? value > found : value < found) ? value : found;
            }
        }
    }
    return found;
}

/* The whole tensor; `out` may be `in`. */
EB_KERNEL void eb_reduce_extreme_f32(const eb_reduce_extreme *p, const float *in, float *out)
{
    for (int32_t i = 0; i < p->kept[0]; ++i) {
        for (int32_t j = 0; j < p->kept[1]; ++j) {
            for (int32_t k = 0; k < p->kept[2]; ++k) {
                const float *from =
                    in + i * p->kept_strides[0] + j * p->kept_strides[1] + k * p->kept_strides[2];
                *out++ = eb_reduce_extreme_f32_one(p, from);
            }
        }
    }
}

#endif /* EB_KERNELS_PORTABLE_REDUCE_EXTREME_H */
