/* The parts of a port, one file each, that eb_init_port() and the start-up put together. */
#ifndef EB_PORT_PARTS_H
#define EB_PORT_PARTS_H

#include <stdint.h>

void eb_init_clock(void);  /* clock.c: CPU clock to EB_CLOCK_HZ, flash wait states, caches */
void eb_init_uart(void);   /* uart.c: EB_UART_BASE to EB_UART_BAUD, 8N1 */
void eb_init_pulse(void);  /* eb_pulse.c: the pin of energy mode, where that is built */
void eb_init_cycles(void); /* cycles.c: starts the counter behind eb_port_cycles() */

/* eb_baud.c: `scale` times `hz` by `baud`, rounded to nearest, 0 where that is off by more than 2
 * %. baud: 1 to EB_PORT_MAX_BAUD. scale: 1 to 256. The divider has to fit in 32 bits. */
uint32_t eb_baud_divider(uint32_t hz, uint32_t scale, uint32_t baud);

/* Copies .data, clears .bss, paints the stack below the caller's frame, calls main(). */
__attribute__((noreturn)) void eb_start(void);

/* Prints "e-[fault ...]" on the UART and stops. */
__attribute__((noreturn)) void eb_fault_report(uint32_t pc, uint32_t lr, uint32_t status);

#endif
