/* What the bench application needs from a chip. One implementation per family in
 * firmware/port/<family>/, the parts that families share in firmware/port/common/. */
#ifndef EB_PORT_H
#define EB_PORT_H

#include <stdint.h>

/* EB_CLOCK_HZ and EB_CYCLE_DIVIDER come from the board file, by way of the build. */
#ifndef EB_CYCLE_DIVIDER
#define EB_CYCLE_DIVIDER 1u
#endif
/* Ticks per second of eb_port_cycles(); a whole number of MHz on every board. */
#ifndef EB_PORT_CYCLE_HZ
#define EB_PORT_CYCLE_HZ (EB_CLOCK_HZ / EB_CYCLE_DIVIDER)
#endif

#define EB_PORT_STRING_(x) #x
#define EB_PORT_STRING(x) EB_PORT_STRING_(x)
/* Id of the board, as a string literal. */
#define EB_PORT_BOARD EB_PORT_STRING(EB_BOARD)

/* Clock, caches, UART, cycle counter. Call once, first. */
void eb_init_port(void);

/* Next received byte (0..255), or -1 at once when there is none. */
int eb_port_getc(void);

/* Sends one byte; waits, with a bound, until the UART takes it. */
void eb_port_putc(char c);

/* What the UART is set to for `baud` symbols per second, EB_UART_BAUD to EB_PORT_MAX_BAUD; 0 where
 * its clock makes none that is off by less than 2 %, or where the line has no rate. */
uint32_t eb_port_rate(uint32_t baud);

/* Sets the UART to what eb_port_rate() returned. Nothing may be on its way in either direction. */
void eb_port_set_rate(uint32_t rate);
#define EB_PORT_MAX_BAUD 1000000u

/* Free-running counter of EB_PORT_CYCLE_HZ ticks per second; wraps at 2^32. */
uint32_t eb_port_cycles(void);

/* Microseconds since eb_init_port(); monotonic as long as it is called at least once per wrap of
 * eb_port_cycles() (20 s at 216 MHz). */
uint64_t eb_port_micros(void);

#ifdef EB_ENERGY_MODE
/* Level of the pin of energy mode; it rests high. */
void eb_port_pulse(int high);
#endif

/* Symbols of the linker script. The stack grows down from top to bottom and is painted with
 * EB_PORT_STACK_PAINT by the start-up; the image is everything that is flashed. */
#define EB_PORT_STACK_PAINT 0xA5A5A5A5u
extern uint32_t __eb_stack_bottom[];
extern uint32_t __eb_stack_top[];
extern const uint8_t __eb_image_start[];
extern const uint8_t __eb_image_end[];

#endif
