/* CRC-32/ISO-HDLC, the one of zlib, Ethernet and PNG. */
#ifndef BENCH_CRC32_H
#define BENCH_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of no bytes at all; hand it to the first bench_crc32(). */
#define BENCH_CRC32_START 0u

/* The CRC of everything `crc` covers so far and then `bytes` bytes at `data`.
 *
 * crc: BENCH_CRC32_START or what an earlier call returned. bytes: any, 0 included.
 */
uint32_t bench_crc32(uint32_t crc, const void *data, size_t bytes);

#endif
