/* The LPUART and the two pins that the board file names, as port.toml knows them (IMXRT1060RM
 * chapters 11 IOMUXC, 14 CCM, 49 LPUART), clocked by the crystal. */
#include <stdbool.h>

#include "eb_port.h"
#include "eb_port_parts.h"
#include "imxrt.h"

#define CCM_CSCDR1 EB_REG(0x400FC024u)
#define CSCDR1_UART_CLK_MASK 0x7Fu
#define CSCDR1_UART_CLK_CRYSTAL (1u << 6) /* UART_CLK_PODF is 0: undivided */

/* Of a pad: drive strength 6, medium speed; of the receiver's also a pull-up and hysteresis. */
#define PAD_OUTPUT (6u << 3 | 2u << 6)
#define PAD_INPUT (PAD_OUTPUT | 1u << 12 | 1u << 13 | 3u << 14 | 1u << 16)

#define BAUD EB_REG(EB_UART_BASE + 0x10u)
#define BAUD_OSR(n) (((n) - 1u) << 24)
#define BAUD_SBR(n) (n)
#define ERROR_PARTS 50u /* off by one part in so many, 2 %, at most */
#define MIN_OVERSAMPLING 8u
#define MAX_OVERSAMPLING 32u
#define STAT EB_REG(EB_UART_BASE + 0x14u)
#define STAT_OR (1u << 19)
#define STAT_RDRF (1u << 21)
#define STAT_TDRE (1u << 23)
#define CTRL EB_REG(EB_UART_BASE + 0x18u)
#define CTRL_RE (1u << 18)
#define CTRL_TE (1u << 19)
#define DATA EB_REG(EB_UART_BASE + 0x1Cu)
#define FIFO EB_REG(EB_UART_BASE + 0x28u)
#define FIFO_RXFE (1u << 3)
#define FIFO_TXFE (1u << 7)

static void give_pin(uint32_t mux, uint32_t mode, uint32_t daisy, uint32_t input)
{
    EB_REG(mux) = mode;
    if (daisy != 0u) {
        EB_REG(daisy) = input;
    }
}

/* Samples per bit and divider whose product is nearest; many samples are better. */
uint32_t eb_port_rate(uint32_t baud)
{
    uint32_t best = 0u;
    uint32_t best_error = EB_CRYSTAL_HZ;
    uint32_t best_clocks = EB_CRYSTAL_HZ / baud;
    for (uint32_t samples = MAX_OVERSAMPLING; samples >= MIN_OVERSAMPLING; samples--) {
        uint32_t divider = (EB_CRYSTAL_HZ + baud * samples / 2u) / (baud * samples);
        uint32_t clocks = divider * samples;
        uint32_t made = clocks * baud;
        uint32_t error = made > EB_CRYSTAL_HZ ? made - EB_CRYSTAL_HZ : EB_CRYSTAL_HZ - made;
        bool is_near = divider != 0u && error * ERROR_PARTS <= made;
        if (is_near && (uint64_t)error * best_clocks < (uint64_t)best_error * clocks) {
            best = BAUD_OSR(samples) | BAUD_SBR(divider);
            best_error = error;
            best_clocks = clocks;
        }
    }
    return best;
}

void eb_port_set_rate(uint32_t rate)
{
    CTRL = 0u;
    BAUD = rate;
    CTRL = CTRL_RE | CTRL_TE;
}

void eb_init_uart(void)
{
    eb_modify(&CCM_CSCDR1, CSCDR1_UART_CLK_MASK, CSCDR1_UART_CLK_CRYSTAL);
    imxrt_clock(EB_UART_ENABLE, EB_UART_ENABLE_BIT);
    imxrt_clock(IMXRT_CCGR4, IMXRT_CCGR4_IOMUXC);
    CTRL = 0u;
    FIFO = FIFO_RXFE | FIFO_TXFE;
    eb_port_set_rate(BAUD_OSR(EB_UART_OVERSAMPLING) | BAUD_SBR(EB_UART_DIVIDER));
    EB_REG(EB_TX_PAD) = PAD_OUTPUT;
    EB_REG(EB_RX_PAD) = PAD_INPUT;
    give_pin(EB_TX_MUX, EB_TX_FUNCTION, EB_TX_DAISY, EB_TX_INPUT);
    give_pin(EB_RX_MUX, EB_RX_FUNCTION, EB_RX_DAISY, EB_RX_INPUT);
}

int eb_port_getc(void)
{
    uint32_t status = STAT;
    if ((status & STAT_OR) != 0u) {
        STAT = STAT_OR; /* written to clear it: nothing is received as long as it is set */
    }
    return (status & STAT_RDRF) != 0u ? (int)(DATA & 0xFFu) : -1;
}

void eb_port_putc(char c)
{
    (void)eb_wait(&STAT, STAT_TDRE, STAT_TDRE);
    DATA = (uint8_t)c;
}
