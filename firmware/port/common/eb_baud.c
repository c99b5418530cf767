/* The divider of a UART for a rate. */
#include "eb_port_parts.h"

/* One side may be off by one part in so many: both together by about 4 %. */
#define ERROR_PARTS 50u

uint32_t eb_baud_divider(uint32_t hz, uint32_t scale, uint32_t baud)
{
    uint32_t rest = hz % baud * scale;
    uint32_t divider = hz / baud * scale + rest / baud;
    rest %= baud;
    if (rest >= baud - rest) {
        divider++;
        rest = baud - rest;
    }
    return (rest * ERROR_PARTS + baud - 1u) / baud <= divider ? divider : 0u;
}
