/* Takes bytes from the UART as they come and keeps them until they are asked for. */
#ifndef BENCH_RECEIVE_H
#define BENCH_RECEIVE_H

/* What the host may send while an answer is still being printed, without losing any of it.
 * Nothing is received while the network runs: the host waits for `m-ready` after `infer`. */
#ifndef BENCH_AHEAD_BYTES
#define BENCH_AHEAD_BYTES 64
#endif

/* Fetches what the UART has received meanwhile, as long as there is room. */
void bench_receive(void);

/* The next byte that has been received, 0..255, or -1 when there is none. */
int bench_next_byte(void);

#endif
