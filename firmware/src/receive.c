#include "receive.h"

#include <stdint.h>

#include "eb_port.h"

static uint8_t ahead[BENCH_AHEAD_BYTES];
static unsigned ahead_first;
static unsigned ahead_count;

void bench_receive(void)
{
    while (ahead_count < BENCH_AHEAD_BYTES) {
        int c = eb_port_getc();
        if (c < 0) {
            return;
        }
        ahead[(ahead_first + ahead_count) % BENCH_AHEAD_BYTES] = (uint8_t)c;
        ahead_count++;
    }
}

int bench_next_byte(void)
{
    if (ahead_count == 0) {
        return eb_port_getc();
    }
    int c = ahead[ahead_first];
    ahead_first = (ahead_first + 1) % BENCH_AHEAD_BYTES;
    ahead_count--;
    return c;
}
