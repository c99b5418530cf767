/* UART of the nRF51, which the nRF52840 still has beside its DMA version (nRF51 reference manual
 * 29, nRF52840 product specification 6.33), on the two pins that the board file names. */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define UART_STARTRX EB_REG(EB_UART_BASE + 0x000u)
#define UART_STARTTX EB_REG(EB_UART_BASE + 0x008u)
#define UART_RXDRDY EB_REG(EB_UART_BASE + 0x108u)
#define UART_TXDRDY EB_REG(EB_UART_BASE + 0x11Cu)
#define UART_ENABLE EB_REG(EB_UART_BASE + 0x500u)
#define ENABLE_UART 4u
#define UART_PSELRTS EB_REG(EB_UART_BASE + 0x508u)
#define UART_PSELTXD EB_REG(EB_UART_BASE + 0x50Cu)
#define UART_PSELCTS EB_REG(EB_UART_BASE + 0x510u)
#define UART_PSELRXD EB_REG(EB_UART_BASE + 0x514u)
#define PSEL_NONE 0xFFFFFFFFu
#define UART_RXD EB_REG(EB_UART_BASE + 0x518u)
#define UART_TXD EB_REG(EB_UART_BASE + 0x51Cu)
#define UART_BAUDRATE EB_REG(EB_UART_BASE + 0x524u)
#define UART_CONFIG EB_REG(EB_UART_BASE + 0x56Cu)
#define CONFIG_8N1 0u

/* Of port 0 or, for pins from 32 on, port 1. */
#define GPIO (0x50000000u + 0x300u * (EB_TX_PIN / 32u))
#define GPIO_OUTSET EB_REG(GPIO + 0x508u)
#define GPIO_DIRSET EB_REG(GPIO + 0x518u)
#define TX_BIT (1u << (EB_TX_PIN % 32u))

#define UART_HZ 16000000u /* what it divides; it drops what is left over */
#define ERROR_PARTS 50u   /* off by one part in so many, 2 %, at most */

/* TXDRDY says that a byte has left, so none may be waited for before the first. */
static int sending;

void eb_init_uart(void)
{
    GPIO_OUTSET = TX_BIT; /* idle level while the UART does not drive the pin */
    GPIO_DIRSET = TX_BIT;
    UART_PSELTXD = EB_TX_PIN;
    UART_PSELRXD = EB_RX_PIN;
    UART_PSELRTS = PSEL_NONE;
    UART_PSELCTS = PSEL_NONE;
    UART_BAUDRATE = EB_UART_RATE;
    UART_CONFIG = CONFIG_8N1;
    UART_ENABLE = ENABLE_UART;
    UART_TXDRDY = 0u;
    UART_RXDRDY = 0u;
    UART_STARTTX = 1u;
    UART_STARTRX = 1u;
}

uint32_t eb_port_rate(uint32_t baud)
{
    static const struct {
        uint32_t baud;
        uint32_t rate;
    } rates[] = {
        {9600u, 0x00275000u},   {19200u, 0x004EA000u},  {38400u, 0x009D5000u},
        {57600u, 0x00EBF000u},  {115200u, 0x01D7E000u}, {230400u, 0x03AFB000u},
        {460800u, 0x075F7000u}, {921600u, 0x0EBED000u}, {1000000u, 0x10000000u},
    };
    uint32_t made = UART_HZ / baud * baud;
    for (uint32_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        if (rates[i].baud == baud && (UART_HZ - made) * ERROR_PARTS <= made) {
            return rates[i].rate;
        }
    }
    return 0u;
}

void eb_port_set_rate(uint32_t rate)
{
    UART_BAUDRATE = rate;
}

int eb_port_getc(void)
{
    if (UART_RXDRDY == 0u) {
        return -1;
    }
    /* Cleared before the read: another byte may already wait behind this one. */
    UART_RXDRDY = 0u;
    return (int)(UART_RXD & 0xFFu);
}

void eb_port_putc(char c)
{
    if (sending) {
        (void)eb_wait(&UART_TXDRDY, 1u, 1u);
    }
    UART_TXDRDY = 0u;
    UART_TXD = (uint8_t)c;
    sending = 1;
}
