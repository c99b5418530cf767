/* Arduino Zero: SERCOM5 on the virtual COM port of the on-board EDBG, PB22 (TX, pad 2) and PB23
 * (RX, pad 3), both peripheral function D (data sheet chapters 7, 23 PORT, 26 SERCOM USART). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "samd21.h"

#define CTRLA EB_REG(EB_UART_BASE + 0x00u)
#define CTRLA_ENABLE (1u << 1)
#define CTRLA_MODE_INTERNAL_CLOCK (1u << 2)
#define CTRLA_TXPO_PAD2 (1u << 16)
#define CTRLA_RXPO_PAD3 (3u << 20)
#define CTRLA_DORD_LSB_FIRST (1u << 30)
#define CTRLB EB_REG(EB_UART_BASE + 0x04u)
#define CTRLB_TXEN (1u << 16)
#define CTRLB_RXEN (1u << 17)
#define BAUD SAMD21_REG16(EB_UART_BASE + 0x0Cu)
#define INTFLAG SAMD21_REG8(EB_UART_BASE + 0x18u)
#define INTFLAG_DRE (1u << 0)
#define INTFLAG_RXC (1u << 2)
#define SYNCBUSY EB_REG(EB_UART_BASE + 0x1Cu)
#define SYNCBUSY_ANY 7u
#define DATA SAMD21_REG16(EB_UART_BASE + 0x28u)

#define PORTB_PMUX(pin) SAMD21_REG8(0x410044B0u + (pin) / 2u)
#define PMUX_BOTH_D 0x33u /* of an even pin and the odd one above it */
#define PORTB_PINCFG(pin) SAMD21_REG8(0x410044C0u + (pin))
#define PINCFG_PMUXEN (1u << 0)
#define TX_PIN 22u
#define RX_PIN 23u

/* 65536 (1 - 16 baud / clock), rounded. */
#define BAUD_VALUE                                                                                 \
    (65536u - (uint32_t)((1048576u * (uint64_t)EB_UART_BAUD + EB_CLOCK_HZ / 2u) / EB_CLOCK_HZ))

/* Polls for room before a byte is given up; one takes 4000 cycles at 115200 baud. */
#define SEND_POLLS 100000u

void eb_init_uart(void)
{
    PM_APBCMASK |= APBCMASK_SERCOM5;
    samd21_clock(CLKCTRL_SERCOM5_CORE, 0u);
    PORTB_PMUX(TX_PIN) = PMUX_BOTH_D;
    PORTB_PINCFG(TX_PIN) = PINCFG_PMUXEN;
    PORTB_PINCFG(RX_PIN) = PINCFG_PMUXEN;
    CTRLA = CTRLA_MODE_INTERNAL_CLOCK | CTRLA_TXPO_PAD2 | CTRLA_RXPO_PAD3 | CTRLA_DORD_LSB_FIRST;
    CTRLB = CTRLB_TXEN | CTRLB_RXEN;
    (void)eb_wait(&SYNCBUSY, SYNCBUSY_ANY, 0u);
    BAUD = (uint16_t)BAUD_VALUE;
    CTRLA |= CTRLA_ENABLE;
    (void)eb_wait(&SYNCBUSY, SYNCBUSY_ANY, 0u);
}

int eb_port_getc(void)
{
    return (INTFLAG & INTFLAG_RXC) != 0u ? (int)(DATA & 0xFFu) : -1;
}

void eb_port_putc(char c)
{
    for (uint32_t poll = 0; poll < SEND_POLLS && (INTFLAG & INTFLAG_DRE) == 0u; poll++) {
    }
    DATA = (uint8_t)c;
}
