/* The APB UART of the Cortex-M System Design Kit (technical reference manual DDI 0479D, 4.3), which
 * Arm's FPGA images have. Its pins have no other function. */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define UART_DATA EB_REG(EB_UART_BASE + 0x00u)
#define UART_STATE EB_REG(EB_UART_BASE + 0x04u)
#define STATE_TX_FULL (1u << 0)
#define STATE_RX_FULL (1u << 1)
#define UART_CTRL EB_REG(EB_UART_BASE + 0x08u)
#define CTRL_TX_ENABLE (1u << 0)
#define CTRL_RX_ENABLE (1u << 1)
#define UART_BAUDDIV EB_REG(EB_UART_BASE + 0x10u)

void eb_init_uart(void)
{
    UART_BAUDDIV = EB_UART_DIVIDER;
    UART_CTRL = CTRL_TX_ENABLE | CTRL_RX_ENABLE;
}

uint32_t eb_port_rate(uint32_t baud)
{
    uint32_t divider = eb_baud_divider(EB_UART_HZ, 1u, baud);
    return divider >= EB_UART_MIN_DIVIDER ? divider : 0u;
}

void eb_port_set_rate(uint32_t rate)
{
    UART_BAUDDIV = rate;
}

int eb_port_getc(void)
{
    return (UART_STATE & STATE_RX_FULL) != 0u ? (int)(UART_DATA & 0xFFu) : -1;
}

void eb_port_putc(char c)
{
    (void)eb_wait(&UART_STATE, STATE_TX_FULL, 0u);
    UART_DATA = (uint8_t)c;
}
