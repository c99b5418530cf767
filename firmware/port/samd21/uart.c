/* The SERCOM and the two pins that the board file names, as port.toml knows them (data sheet
 * chapters 7, 23 PORT, 26 SERCOM USART). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "samd21.h"

#define CTRLA EB_REG(EB_UART_BASE + 0x00u)
#define CTRLA_ENABLE (1u << 1)
#define CTRLA_MODE_INTERNAL_CLOCK (1u << 2)
#define CTRLA_TXPO(pad) ((pad) / 2u << 16)
#define CTRLA_RXPO(pad) ((pad) << 20)
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

#define PORT(group) (0x41004400u + 0x80u * (group))
#define PORT_PMUX(group, pin) SAMD21_REG8(PORT(group) + 0x30u + (pin) / 2u)
#define PORT_PINCFG(group, pin) SAMD21_REG8(PORT(group) + 0x40u + (pin))
#define PINCFG_PMUXEN (1u << 0)

/* Polls for room before a byte is given up; one takes 4000 cycles at 115200 baud. */
#define SEND_POLLS 100000u

/* A PMUX register is that of an even pin, in its lower half, and of the odd one above it. */
static void give_pin(uint32_t group, uint32_t pin, uint32_t function)
{
    uint32_t shift = pin % 2u * 4u;
    uint32_t others = PORT_PMUX(group, pin) & ~(15u << shift);
    PORT_PMUX(group, pin) = (uint8_t)(others | function << shift);
    PORT_PINCFG(group, pin) = PINCFG_PMUXEN;
}

void eb_init_uart(void)
{
    PM_APBCMASK |= 1u << EB_UART_ENABLE_BIT;
    samd21_clock(EB_UART_CLOCK, 0u);
    give_pin(EB_TX_GROUP, EB_TX_PIN, EB_TX_FUNCTION);
    give_pin(EB_RX_GROUP, EB_RX_PIN, EB_RX_FUNCTION);
    CTRLA = CTRLA_MODE_INTERNAL_CLOCK | CTRLA_TXPO(EB_TX_PAD) | CTRLA_RXPO(EB_RX_PAD) |
            CTRLA_DORD_LSB_FIRST;
    CTRLB = CTRLB_TXEN | CTRLB_RXEN;
    (void)eb_wait(&SYNCBUSY, SYNCBUSY_ANY, 0u);
    eb_port_set_rate(EB_UART_BAUD_VALUE);
}

/* 65536 less the steps of the rate: 16 x 65536 x baud / hz of them. They are thousands, so that
 * rounding to one is no error. */
uint32_t eb_port_rate(uint32_t baud)
{
    uint32_t part = EB_UART_HZ >> 10; /* 2^20 baud / hz, in 32 bits */
    return 65536u - ((baud << 10) + part / 2u) / part;
}

void eb_port_set_rate(uint32_t rate)
{
    CTRLA &= ~CTRLA_ENABLE; /* which protects BAUD */
    (void)eb_wait(&SYNCBUSY, SYNCBUSY_ANY, 0u);
    BAUD = (uint16_t)rate;
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
