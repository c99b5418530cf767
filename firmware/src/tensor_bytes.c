#include "tensor_bytes.h"

tensor_walk tensor_walk_start(const eb_tensor *tensor)
{
    tensor_walk walk = {tensor->data, tensor->data, 0, 0};
    return walk;
}

uint8_t *tensor_walk_next(tensor_walk *walk, const eb_tensor *tensor)
{
    uint8_t *here = walk->pixel + walk->in_pixel;
    walk->in_pixel++;
    if (walk->in_pixel == tensor->pixel_bytes) {
        walk->in_pixel = 0;
        walk->in_row += tensor->pixel_bytes;
        walk->pixel += tensor->pixel_stride;
        if (walk->in_row >= tensor->row_bytes) {
            walk->in_row = 0;
            walk->row += tensor->row_stride;
            walk->pixel = walk->row;
        }
    }
    return here;
}
