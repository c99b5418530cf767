/* The image in flash and the stack, as the linker script (or the host) lays them out. */
#ifndef BENCH_IMAGE_H
#define BENCH_IMAGE_H

#include <stdint.h>

/* CRC-32 of all that is flashed; on the host, of the executable file. */
uint32_t bench_image_crc(void);

/* Bytes reserved for the stack, and the most of them ever used; 0 on the host. */
uint32_t bench_stack_size(void);
uint32_t bench_stack_used(void);

#endif
