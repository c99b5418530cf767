/* NUCLEO-G0B1RE: USART2 on the ST-Link, PA2 (TX) and PA3 (RX), both AF1 (UM2324). */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_stm32.h"

#define RCC_IOPENR EB_REG(0x40021034u)
#define IOPENR_GPIOAEN (1u << 0)
#define RCC_APBENR1 EB_REG(0x4002103Cu)
#define APBENR1_USART2EN (1u << 17)

#define GPIOA EB_STM32_GPIO(0x50000000u)

void eb_init_uart(void)
{
    RCC_IOPENR |= IOPENR_GPIOAEN;
    RCC_APBENR1 |= APBENR1_USART2EN;
    (void)RCC_APBENR1;
    eb_stm32_alternate(GPIOA, 2u, 1u);
    eb_stm32_alternate(GPIOA, 3u, 1u);
    eb_init_stm32_usart((EB_CLOCK_HZ + EB_UART_BAUD / 2u) / EB_UART_BAUD, USART_CR1_FIFOEN);
}
