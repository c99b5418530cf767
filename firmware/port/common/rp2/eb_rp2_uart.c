/* The UART and the two pins that the board file names, as port.toml knows them (RP2040 Datasheet
 * 2.19 GPIO, 4.2 UART; RP2350 Datasheet 9 GPIO, 12.1 UART: an Arm PrimeCell PL011, DDI 0183). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_rp2.h"

#define CLK_PERI_CTRL EB_REG(EB_CLOCKS_BASE + 0x48u)
#define PERI_CTRL_ENABLE (1u << 11) /* from clk_sys: AUXSRC is 0 */

#define IO_CTRL(pin) EB_REG(EB_IO_BASE + 0x04u + 8u * (pin))
#define PADS(pin) EB_REG(EB_PADS_BASE + 0x04u + 4u * (pin))
/* Of the RP2350 they also end the isolation in which a pad is after a reset (ISO, bit 8). */
#define PADS_INPUT 0x5Au  /* input enabled, pull-up, Schmitt trigger, 4 mA */
#define PADS_OUTPUT 0x52u /* the same without the pull-up */

#define UARTDR EB_REG(EB_UART_BASE + 0x00u)
#define UARTFR EB_REG(EB_UART_BASE + 0x18u)
#define FR_RXFE (1u << 4)
#define FR_TXFF (1u << 5)
#define UARTIBRD EB_REG(EB_UART_BASE + 0x24u)
#define UARTFBRD EB_REG(EB_UART_BASE + 0x28u)
#define UARTLCR_H EB_REG(EB_UART_BASE + 0x2Cu)
#define LCR_H_FEN (1u << 4)
#define LCR_H_WLEN_8 (3u << 5)
#define UARTCR EB_REG(EB_UART_BASE + 0x30u)
#define CR_UARTEN (1u << 0)
#define CR_TXE (1u << 8)
#define CR_RXE (1u << 9)

#define LCR_H (LCR_H_WLEN_8 | LCR_H_FEN)
#define CR (CR_UARTEN | CR_TXE | CR_RXE)

uint32_t eb_port_rate(uint32_t baud)
{
    uint32_t divider = eb_baud_divider(EB_UART_HZ, 4u, baud); /* in 64ths of 16 clocks */
    return divider >= EB_UART_MIN_DIVIDER ? divider : 0u;
}

void eb_port_set_rate(uint32_t rate)
{
    UARTCR = 0u;
    UARTIBRD = rate / 64u;
    UARTFBRD = rate % 64u;
    UARTLCR_H = LCR_H; /* after the dividers, which it latches */
    UARTCR = CR;
}

void eb_init_uart(void)
{
    CLK_PERI_CTRL = PERI_CTRL_ENABLE; /* first: without it the UART does not leave its reset */
    rp2_release(1u << EB_IO_RESET_BIT | 1u << EB_PADS_RESET_BIT | 1u << EB_UART_RESET_BIT);
    eb_port_set_rate(EB_UART_DIVIDER);
    PADS(EB_TX_PIN) = PADS_OUTPUT;
    PADS(EB_RX_PIN) = PADS_INPUT;
    IO_CTRL(EB_TX_PIN) = EB_TX_FUNCTION;
    IO_CTRL(EB_RX_PIN) = EB_RX_FUNCTION;
}

int eb_port_getc(void)
{
    return (UARTFR & FR_RXFE) == 0u ? (int)(UARTDR & 0xFFu) : -1;
}

void eb_port_putc(char c)
{
    (void)eb_wait(&UARTFR, FR_TXFF, 0u);
    UARTDR = (uint8_t)c;
}
