/* Longan Nano: USART0 on PA9 (TX) and PA10 (RX) (GD32VF103 user manual chapters 7 GPIO, 16 USART).
 */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define RCU_APB2EN EB_REG(0x40021018u)
#define APB2EN_PAEN (1u << 2)
#define APB2EN_USART0EN (1u << 14)

#define GPIOA_CTL1 EB_REG(0x40010804u) /* pins 8 to 15, four bits each */
#define CTL1_PIN9_MASK (15u << 4)
#define CTL1_PIN9_ALTERNATE_50MHZ (11u << 4)
#define CTL1_PIN10_MASK (15u << 8)
#define CTL1_PIN10_FLOATING_INPUT (4u << 8)

#define USART_STAT EB_REG(EB_UART_BASE + 0x00u)
#define STAT_RBNE (1u << 5)
#define STAT_TBE (1u << 7)
#define USART_DATA EB_REG(EB_UART_BASE + 0x04u)
#define USART_BAUD EB_REG(EB_UART_BASE + 0x08u)
#define USART_CTL0 EB_REG(EB_UART_BASE + 0x0Cu)
#define CTL0_REN (1u << 2)
#define CTL0_TEN (1u << 3)
#define CTL0_UEN (1u << 13)

void eb_init_uart(void)
{
    RCU_APB2EN |= APB2EN_PAEN | APB2EN_USART0EN;
    (void)RCU_APB2EN;
    eb_modify(&GPIOA_CTL1, CTL1_PIN9_MASK | CTL1_PIN10_MASK,
              CTL1_PIN9_ALTERNATE_50MHZ | CTL1_PIN10_FLOATING_INPUT);
    USART_BAUD = (EB_CLOCK_HZ + EB_UART_BAUD / 2u) / EB_UART_BAUD;
    USART_CTL0 = CTL0_TEN | CTL0_REN;
    USART_CTL0 = CTL0_TEN | CTL0_REN | CTL0_UEN;
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
