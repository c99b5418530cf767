/* A UART as real ones are: it holds one received byte, and a byte that comes before that one is
 * fetched is lost. The host never pauses. Time passes only by whole characters: one for each that
 * is sent, one for each look at an empty receiver. Ends when all input has come and been idle.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "eb_port.h"

static int held = -1;
static int idle;
static unsigned lost;

static void one_character_later(void)
{
    int arrived = getchar();
    if (arrived != EOF) {
        lost += held >= 0 ? 1u : 0u;
        held = arrived;
    }
}

void eb_init_port(void)
{
}

int eb_port_getc(void)
{
    int c = held;
    held = -1;
    if (c >= 0) {
        idle = 0;
    } else if (++idle > 200) {
        (void)printf("lost %u\r\n", lost);
        exit(0);
    }
    return c;
}

void eb_port_putc(char c)
{
    static int banner = 4; /* the host waits for the end of the banner */
    (void)putchar(c);
    idle = 0;
    if (banner > 0) {
        banner -= c == '\n' ? 1 : 0;
        return;
    }
    one_character_later();
}

uint32_t eb_port_rate(uint32_t baud)
{
    (void)baud;
    return 0;
}

void eb_port_set_rate(uint32_t rate)
{
    (void)rate;
}

uint32_t eb_port_cycles(void)
{
    return 0;
}

/* The main loop calls it once per round: here time passes while it waits. */
uint64_t eb_port_micros(void)
{
    one_character_later();
    return 0;
}

const void *eb_host_image(size_t *bytes);

const void *eb_host_image(size_t *bytes)
{
    *bytes = 0;
    return NULL;
}
