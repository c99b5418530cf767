/* Writes text and numbers to the UART; the small part of printf that the protocol needs. */
#ifndef BENCH_FORMAT_H
#define BENCH_FORMAT_H

#include <stdint.h>

/* One character. Receives in the meantime, so that nothing sent by the host is lost. */
void bench_put_char(char c);

/* A string up to its NUL. */
void bench_put_text(const char *text);

/* A string that came from outside: bytes that are not printable ASCII become '?'. */
void bench_put_foreign(const char *text);

/* A number in decimal, without padding. */
void bench_put_decimal(uint64_t value);

/* The low `digits` hex digits of `value`, 1 <= digits <= 8. */
void bench_put_hex(uint32_t value, int digits, char ten);

/* A real number with three decimals, cut off (not rounded) as the MLPerf Tiny reference firmware
 * does it. Prints "nan" for no number, and "inf" beyond 2^53 / 1000. */
void bench_put_milli(float value);

/* `text`, then CR LF. */
void bench_put_line(const char *text);

/* `text`, then a number in decimal. */
void bench_put_number(const char *text, uint64_t value);

/* `text`, a number in decimal, `end`, CR LF. */
void bench_put_number_line(const char *text, uint64_t value, const char *end);

#endif
