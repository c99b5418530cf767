/* NUCLEO-L4R5ZI: LPUART1 on the ST-Link, PG7 (TX) and PG8 (RX), both AF8 (UM2179 6.9). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_stm32.h"

#define RCC_AHB2ENR EB_REG(0x4002104Cu)
#define AHB2ENR_GPIOGEN (1u << 6)
#define RCC_APB1ENR2 EB_REG(0x4002105Cu)
#define APB1ENR2_LPUART1EN (1u << 0)
#define PWR_CR2 EB_REG(0x40007004u)
#define CR2_IOSV (1u << 9) /* port G has its own supply, isolated until this says it is there */

#define GPIOG EB_STM32_GPIO(0x48001800u)

void eb_init_uart(void)
{
    PWR_CR2 |= CR2_IOSV;
    RCC_AHB2ENR |= AHB2ENR_GPIOGEN;
    RCC_APB1ENR2 |= APB1ENR2_LPUART1EN;
    (void)RCC_APB1ENR2;
    eb_stm32_alternate(GPIOG, 7u, 8u);
    eb_stm32_alternate(GPIOG, 8u, 8u);
    /* The LPUART divides 256 x PCLK1 (RM0432 48.4.7); in 32 bits, rounded to nearest. */
    uint32_t whole = EB_CLOCK_HZ / EB_UART_BAUD;
    uint32_t rest = EB_CLOCK_HZ % EB_UART_BAUD;
    uint32_t divider = whole * 256u + (rest * 256u + EB_UART_BAUD / 2u) / EB_UART_BAUD;
    eb_init_stm32_usart(divider, USART_CR1_FIFOEN);
}
