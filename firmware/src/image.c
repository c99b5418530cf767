#include "image.h"

#include <stddef.h>

#include "crc32.h"
#include "hosted.h"
#include "eb_port.h"

#if BENCH_HOSTED

/* From port/host: the bytes of the running executable file, or NULL where it cannot be read. */
const void *eb_host_image(size_t *bytes);

uint32_t bench_image_crc(void)
{
    size_t bytes = 0;
    const void *image = eb_host_image(&bytes);
    return bench_crc32(BENCH_CRC32_START, image, image == NULL ? 0 : bytes);
}

uint32_t bench_stack_size(void)
{
    return 0;
}

uint32_t bench_stack_used(void)
{
    return 0;
}

#else

uint32_t bench_image_crc(void)
{
    return bench_crc32(BENCH_CRC32_START, __eb_image_start,
                       (size_t)((uintptr_t)__eb_image_end - (uintptr_t)__eb_image_start));
}

uint32_t bench_stack_size(void)
{
    return (uint32_t)((uintptr_t)__eb_stack_top - (uintptr_t)__eb_stack_bottom);
}

uint32_t bench_stack_used(void)
{
    const volatile uint32_t *stack = __eb_stack_bottom; /* volatile: it is in use meanwhile */
    uint32_t words = bench_stack_size() / 4u;
    uint32_t untouched = 0;
    while (untouched < words && stack[untouched] == EB_PORT_STACK_PAINT) {
        untouched++;
    }
    return (words - untouched) * 4u;
}

#endif
