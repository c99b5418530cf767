/* The UART and the two pins that the board file names, as port.toml knows them (GD32VF103 user
 * manual chapters 7 GPIO and AFIO, 16 USART). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define APB2EN_AFEN (1u << 0)
#define PCF0_SWJ_CFG_MASK (7u << 24) /* reads as anything; 0 leaves JTAG as it is */

/* CTL0 of pins 0 to 7, CTL1 of pins 8 to 15: four bits each. */
#define GPIO_CTL(gpio, pin) EB_REG((gpio) + 4u * ((pin) / 8u))
#define CTL_SHIFT(pin) (4u * ((pin) % 8u))
#define CTL_ALTERNATE_50MHZ 11u
#define CTL_FLOATING_INPUT 4u

#define USART_STAT EB_REG(EB_UART_BASE + 0x00u)
#define STAT_RBNE (1u << 5)
#define STAT_TBE (1u << 7)
#define USART_DATA EB_REG(EB_UART_BASE + 0x04u)
#define USART_BAUD EB_REG(EB_UART_BASE + 0x08u)
#define USART_CTL0 EB_REG(EB_UART_BASE + 0x0Cu)
#define CTL0_REN (1u << 2)
#define CTL0_TEN (1u << 3)
#define CTL0_UEN (1u << 13)

static void set_pin(uint32_t gpio, uint32_t pin, uint32_t mode)
{
    eb_modify(&GPIO_CTL(gpio, pin), 15u << CTL_SHIFT(pin), mode << CTL_SHIFT(pin));
}

#define CTL0 (CTL0_TEN | CTL0_REN)

uint32_t eb_port_rate(uint32_t baud)
{
    uint32_t divider = eb_baud_divider(EB_UART_HZ, 1u, baud);
    return divider >= EB_UART_MIN_DIVIDER ? divider : 0u;
}

void eb_port_set_rate(uint32_t rate)
{
    USART_CTL0 = CTL0;
    USART_BAUD = rate;
    USART_CTL0 = CTL0 | CTL0_UEN;
}

void eb_init_uart(void)
{
    EB_REG(EB_GPIO_ENABLE) |= 1u << EB_TX_GPIO_BIT | 1u << EB_RX_GPIO_BIT;
    EB_REG(EB_UART_ENABLE) |= 1u << EB_UART_ENABLE_BIT;
    (void)EB_REG(EB_UART_ENABLE);
    if (EB_REMAP_VALUE != 0u) { /* else the UART is where it is after a reset */
        EB_REG(EB_GPIO_ENABLE) |= APB2EN_AFEN;
        eb_modify(&EB_REG(EB_REMAP), PCF0_SWJ_CFG_MASK | EB_REMAP_MASK, EB_REMAP_VALUE);
    }
    set_pin(EB_TX_GPIO, EB_TX_PIN, CTL_ALTERNATE_50MHZ);
    set_pin(EB_RX_GPIO, EB_RX_PIN, CTL_FLOATING_INPUT);
    eb_port_set_rate(EB_UART_DIVIDER);
}

int eb_port_getc(void)
{
    if ((USART_STAT & STAT_RBNE) == 0u) {
        return -1;
    }
    /* Reading STAT and then DATA also clears an overrun. */
    return (int)(USART_DATA & 0xFFu);
}

void eb_port_putc(char c)
{
    (void)eb_wait(&USART_STAT, STAT_TBE, STAT_TBE);
    USART_DATA = (uint8_t)c;
}
