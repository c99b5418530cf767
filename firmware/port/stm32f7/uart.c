/* STM32F746G-DISCO: USART1 on the ST-Link, PA9 (TX) and PB7 (RX), both AF7 (UM1907 6.4). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_stm32.h"

#define RCC_AHB1ENR EB_REG(0x40023830u)
#define AHB1ENR_GPIOAEN (1u << 0)
#define AHB1ENR_GPIOBEN (1u << 1)
#define RCC_APB2ENR EB_REG(0x40023844u)
#define APB2ENR_USART1EN (1u << 4)

#define GPIOA EB_STM32_GPIO(0x40020000u)
#define GPIOB EB_STM32_GPIO(0x40020400u)
#define PCLK2_HZ (EB_CLOCK_HZ / 2u)

void eb_init_uart(void)
{
    RCC_AHB1ENR |= AHB1ENR_GPIOAEN | AHB1ENR_GPIOBEN;
    RCC_APB2ENR |= APB2ENR_USART1EN;
    (void)RCC_APB2ENR;
    eb_stm32_alternate(GPIOA, 9u, 7u);
    eb_stm32_alternate(GPIOB, 7u, 7u);
    eb_init_stm32_usart((PCLK2_HZ + EB_UART_BAUD / 2u) / EB_UART_BAUD, 0u);
}
