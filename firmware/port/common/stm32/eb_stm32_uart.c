/* The USART and the two pins that the board file names, as port.toml of the family knows them. */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_stm32.h"

void eb_init_uart(void)
{
    if (EB_GPIO_SUPPLY != 0u) { /* one of the pins has a supply of its own: it is there */
        EB_REG(EB_GPIO_SUPPLY) |= 1u << EB_GPIO_SUPPLY_BIT;
    }
    EB_REG(EB_GPIO_ENABLE) |= 1u << EB_TX_GPIO_BIT | 1u << EB_RX_GPIO_BIT;
    EB_REG(EB_UART_ENABLE) |= 1u << EB_UART_ENABLE_BIT;
    (void)EB_REG(EB_UART_ENABLE);
    if (EB_UART_CLOCK_SELECT != 0u) { /* its own clock is too fast for the rate */
        eb_modify(&EB_REG(EB_UART_CLOCK_SELECT), EB_UART_CLOCK_MASK, EB_UART_CLOCK_VALUE);
    }
    eb_stm32_alternate(EB_STM32_GPIO(EB_TX_GPIO), EB_TX_PIN, EB_TX_FUNCTION);
    eb_stm32_alternate(EB_STM32_GPIO(EB_RX_GPIO), EB_RX_PIN, EB_RX_FUNCTION);
    eb_init_stm32_usart(EB_UART_DIVIDER, EB_UART_FIFO != 0u ? USART_CR1_FIFOEN : 0u);
}

uint32_t eb_port_rate(uint32_t baud)
{
    uint32_t divider = eb_baud_divider(EB_UART_HZ, EB_UART_SCALE, baud);
    return divider >= EB_UART_MIN_DIVIDER ? divider : 0u;
}

void eb_port_set_rate(uint32_t rate)
{
    uint32_t control = EB_STM32_USART->cr1;
    EB_STM32_USART->cr1 = control & ~USART_CR1_UE; /* BRR takes no writes while it is enabled */
    EB_STM32_USART->brr = rate;
    EB_STM32_USART->cr1 = control;
}

int eb_port_getc(void)
{
    if ((EB_STM32_USART->isr & USART_ISR_RXNE) == 0u) {
        return -1;
    }
    return (int)(EB_STM32_USART->EB_USART_RECEIVED & 0xFFu);
}

void eb_port_putc(char c)
{
    (void)eb_wait(&EB_STM32_USART->isr, USART_ISR_TXE, USART_ISR_TXE);
    EB_STM32_USART->EB_USART_TO_SEND = (uint8_t)c;
}
