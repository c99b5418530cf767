/* NUCLEO-H7A3ZI-Q: USART3 on the ST-Link, PD8 (TX) and PD9 (RX), both AF7 (UM2408). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_stm32.h"

#define RCC_AHB4ENR EB_REG(0x58024540u)
#define AHB4ENR_GPIODEN (1u << 3)
#define RCC_APB1LENR EB_REG(0x58024548u)
#define APB1LENR_USART3EN (1u << 18)

#define GPIOD EB_STM32_GPIO(0x58020C00u)
#define PCLK1_HZ (EB_CLOCK_HZ / 2u)

void eb_init_uart(void)
{
    RCC_AHB4ENR |= AHB4ENR_GPIODEN;
    RCC_APB1LENR |= APB1LENR_USART3EN;
    (void)RCC_APB1LENR;
    eb_stm32_alternate(GPIOD, 8u, 7u);
    eb_stm32_alternate(GPIOD, 9u, 7u);
    eb_init_stm32_usart((PCLK1_HZ + EB_UART_BAUD / 2u) / EB_UART_BAUD, USART_CR1_FIFOEN);
}
