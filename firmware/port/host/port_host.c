/* The port to the machine that runs the compiler: the process's standard input and output are the
 * UART, a nanosecond clock is the cycle counter. POSIX.
 *
 * The stack cannot be painted here, so `mem%` says stack=0. The image of `build%` is the
 * executable file itself: its CRC-32 is what `zlib.crc32` gives for the file.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

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

static uint64_t nanoseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void flush(void)
{
    size_t done = 0;
    while (done < output.count) {
        ssize_t written = write(STDOUT_FILENO, output.bytes + done, output.count - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            struct pollfd room = {STDOUT_FILENO, POLLOUT, 0};
            (void)poll(&room, 1, IDLE_MILLISECONDS);
        } else if (written < 0 && errno != EINTR) {
            exit(0); /* nobody listens any more */
        }
    }
    output.count = 0;
}

void eb_init_port(void)
{
    start_nanoseconds = nanoseconds();
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
    struct pollfd waiting = {STDIN_FILENO, POLLIN, 0};
    if (poll(&waiting, 1, idle ? IDLE_MILLISECONDS : 0) <= 0) {
        return -1;
    }
    ssize_t received = read(STDIN_FILENO, input.bytes, sizeof input.bytes);
    if (received == 0 || (received < 0 && errno != EINTR && errno != EAGAIN)) {
        closed = true;
    }
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

uint32_t eb_port_cycles(void)
{
    return (uint32_t)nanoseconds();
}

uint64_t eb_port_micros(void)
{
    return (nanoseconds() - start_nanoseconds) / 1000u;
}

static int open_executable(void)
{
#ifdef __APPLE__
    char path[4096];
    uint32_t size = sizeof path;
    return _NSGetExecutablePath(path, &size) == 0 ? open(path, O_RDONLY) : -1;
#else
    return open("/proc/self/exe", O_RDONLY);
#endif
}

/* For `build%`: the bytes of the running executable file, or NULL where it cannot be read. */
const void *eb_host_image(size_t *bytes);

const void *eb_host_image(size_t *bytes)
{
    static const void *image;
    static size_t image_bytes;
    struct stat status;
    int file = image == NULL ? open_executable() : -1;
    if (file >= 0 && fstat(file, &status) == 0) {
        void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (mapped != MAP_FAILED) {
            image = mapped;
            image_bytes = (size_t)status.st_size;
        }
    }
    if (file >= 0) {
        (void)close(file);
    }
    *bytes = image_bytes;
    return image;
}
