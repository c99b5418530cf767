/* Sending and receiving with the USART that uart.c of the family has set up. */
#include "eb_port.h"
#include "eb_stm32.h"

int eb_port_getc(void)
{
    if ((EB_STM32_USART->isr & USART_ISR_RXNE) == 0u) {
        return -1;
    }
    return (int)(EB_STM32_USART->rdr & 0xFFu);
}

void eb_port_putc(char c)
{
    (void)eb_wait(&EB_STM32_USART->isr, USART_ISR_TXE, USART_ISR_TXE);
    EB_STM32_USART->tdr = (uint8_t)c;
}
