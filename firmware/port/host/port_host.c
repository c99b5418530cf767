/* The port to the machine that runs the compiler: the process's standard input and output are the
 * UART, a nanosecond clock is the cycle counter.
 *
 * The stack cannot be painted here, so `mem%` says stack=0. The image of `build%` is the
 * executable file itself: its CRC-32 is what `zlib.crc32` gives for the file.
 */
#include "host_system.h"

#include <stdlib.h>

#include "eb_port.h"

#define IDLE_MILLISECONDS 1000 /* the longest sleep; a byte that arrives ends it at once */
#define IDLE_CALLS 4           /* of eb_port_getc in a row without a byte, then sleep */

static struct {
    unsigned char bytes[65536];
    size_t first;
    size_t end;
} input;

static struct {
    char bytes[4096];
    size_t count;
} output;

static int idle_calls;
static bool closed; /* standard input has come to its end */
static uint64_t start_nanoseconds;

static void flush(void)
{
    if (!host_write(output.bytes, output.count)) {
        exit(0); /* nobody listens any more */
    }
    output.count = 0;
}

void eb_init_port(void)
{
    start_nanoseconds = host_nanoseconds();
}

/* Also the place where the process sleeps while there is nothing to do; and where it ends, when
 * standard input is closed and all that came before has been answered. */
int eb_port_getc(void)
{
    if (input.first < input.end) {
        idle_calls = 0;
        return input.bytes[input.first++];
    }
    bool idle = ++idle_calls >= IDLE_CALLS;
    if (idle) {
        flush();
    }
    if (closed) {
        if (idle) {
            exit(0);
        }
        return -1;
    }
    int received = host_read(input.bytes, sizeof input.bytes, idle ? IDLE_MILLISECONDS : 0);
    closed = received == HOST_CLOSED;
    if (received <= 0) {
        return -1;
    }
    idle_calls = 0;
    input.first = 1;
    input.end = (size_t)received;
    return input.bytes[0];
}

void eb_port_putc(char c)
{
    idle_calls = 0;
    output.bytes[output.count++] = c;
    if (c == '\n' || output.count == sizeof output.bytes) {
        flush();
    }
}

/* Pipes have no rate. */
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
    return (uint32_t)host_nanoseconds();
}

uint64_t eb_port_micros(void)
{
    return (host_nanoseconds() - start_nanoseconds) / 1000u;
}

/* For `build%`: the bytes of the running executable file, or NULL where it cannot be read. */
const void *eb_host_image(size_t *bytes);

const void *eb_host_image(size_t *bytes)
{
    static const void *image;
    static size_t image_bytes;
    if (image == NULL) {
        image = host_executable(&image_bytes);
    }
    *bytes = image == NULL ? 0 : image_bytes;
    return image;
}
