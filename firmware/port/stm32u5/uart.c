/* NUCLEO-U575ZI-Q: USART1 on the ST-Link, PA9 (TX) and PA10 (RX), both AF7 (UM2861). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_stm32.h"

#define RCC_AHB2ENR1 EB_REG(0x46020C8Cu)
#define AHB2ENR1_GPIOAEN (1u << 0)
#define RCC_APB2ENR EB_REG(0x46020CA4u)
#define APB2ENR_USART1EN (1u << 14)

#define GPIOA EB_STM32_GPIO(0x42020000u)

void eb_init_uart(void)
{
    RCC_AHB2ENR1 |= AHB2ENR1_GPIOAEN;
    RCC_APB2ENR |= APB2ENR_USART1EN;
    (void)RCC_APB2ENR;
    eb_stm32_alternate(GPIOA, 9u, 7u);
    eb_stm32_alternate(GPIOA, 10u, 7u);
    eb_init_stm32_usart((EB_CLOCK_HZ + EB_UART_BAUD / 2u) / EB_UART_BAUD, USART_CR1_FIFOEN);
}
