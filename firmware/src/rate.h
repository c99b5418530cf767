/* `baud N`: another rate of the line, for as long as the host is heard.
 *
 * Up to EB_PORT_MAX_BAUD, where the UART can be set to it and the core takes bytes so fast.
 * The answer comes at the rate before. From then on the host has BENCH_RATE_MICROS for its next
 * command, and so again after each answer. Where none comes that is one, the line is back at
 * EB_UART_BAUD: a host that has gone, or that never heard the answer, finds the board there.
 */
#ifndef BENCH_RATE_H
#define BENCH_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_RATE_MICROS 2000000u

/* Asks for a rate, which the line has once the answer is out. False where it cannot have it. */
bool bench_rate_ask(int32_t baud);

/* Call it after each answer to a command that there is, or to a frame that was taken. It does not
 * look at the clock: the next byte may come right behind the answer. */
void bench_rate_heard(void);

/* Call it when everything that was received has been answered.
 *
 * micros: the lower half of eb_port_micros(), as it is now.
 */
void bench_rate_watch(uint32_t micros);

#endif
