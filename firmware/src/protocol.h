/* Takes bytes from the UART, makes commands of them, answers each with lines and `m-ready`.
 *
 * A command is text that ends with '%'. Words are separated by spaces; CR, LF and tab count as
 * spaces, so that a person may press return. At most BENCH_COMMAND_BYTES characters, except for
 * `db HEX`, whose digits are decoded as they arrive and may be any number.
 */
#ifndef BENCH_PROTOCOL_H
#define BENCH_PROTOCOL_H

/* Longest command without its '%', after runs of spaces have become one. */
#define BENCH_COMMAND_BYTES 80

/* What the host may send while an answer is still being printed, without losing any of it.
 * Nothing is received while the network runs: the host waits for `m-ready` after `infer`. */
#ifndef BENCH_AHEAD_BYTES
#define BENCH_AHEAD_BYTES 64
#endif

/* Fetches what the UART has received meanwhile, as long as there is room. */
void bench_receive(void);

/* Takes all that has been received, runs the commands that are complete. */
void bench_poll(void);

#endif
