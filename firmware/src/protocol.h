/* Makes commands of the bytes that have been received, answers each with lines and `m-ready`.
 *
 * A command is text that ends with '%'. Words are separated by spaces; CR, LF and tab count as
 * spaces, so that a person may press return. At most BENCH_COMMAND_BYTES characters, except for
 * `db HEX` and `put FRAME`, whose bytes are decoded as they arrive and may be any number.
 */
#ifndef BENCH_PROTOCOL_H
#define BENCH_PROTOCOL_H

/* Longest command without its '%', after runs of spaces have become one. */
#define BENCH_COMMAND_BYTES 80

/* Takes all that has been received, runs the commands that are complete. */
void bench_poll(void);

#endif
