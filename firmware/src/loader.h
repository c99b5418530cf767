/* `db`: brings the bytes of an input from the serial line to where the network finds them.
 *
 * With EB_BENCH_DB_BYTES > 0 (at least the bytes of all inputs together) the bytes are kept in a
 * buffer apart and copied into the inputs before each run. With 0 they go straight into the input
 * tensors, which a run may overwrite: then every run needs its own load.
 *
 * A row-fed model (EB_BENCH_ROW_BYTES > 0) gets each row at the end of the command that completes
 * it. No byte may arrive while it computes, so the host waits for the answer, and a command brings
 * no more than the rest of a row and a little beyond.
 */
#ifndef BENCH_LOADER_H
#define BENCH_LOADER_H

#include <stdbool.h>
#include <stdint.h>

/* The value 0..15 of a hex digit, or -1. */
int bench_hex_digit(char c);

/* Chooses the input that the next `db load` fills. False when there is no such input. */
bool bench_load_select(int input);

/* Gets ready for `bytes` bytes. False when they are none or more than the chosen input holds; then
 * no data are expected at all. */
bool bench_load_begin(uint32_t bytes);

/* The bytes that the chosen input holds. */
uint32_t bench_load_capacity(void);

/* A chunk of data: start, then every character after `db `, then finish, which answers. A chunk
 * that is refused leaves the load where it was before: start returns how many bytes have come. */
uint32_t bench_load_start(void);
void bench_load_digit(char c);
void bench_load_finish(void);

/* The same for a frame (frames.h): start, its bytes, then finish, which answers and returns whether
 * they were taken. `whole`: they are all that were sent, for this place. */
void bench_load_byte(uint8_t byte);
bool bench_load_finish_frame(bool whole);

/* `db print`. */
void bench_load_print(void);

/* True when every input has been loaded completely and survives for one more run. */
bool bench_load_ready(void);

/* True when the inputs are there for any number of runs. */
bool bench_load_survives(void);

/* Puts the loaded bytes in place; call it before each run. */
void bench_load_apply(void);

#endif
