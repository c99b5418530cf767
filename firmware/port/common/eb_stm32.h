/* Peripherals that the STM32 families of this port share: GPIO and two generations of USART, the
 * second with separate ISR, RDR and TDR (RM0385 chapters 6 and 31; the same registers in L4, H7, U5
 * and G0), the first with one data register (RM0383 19.6, F4). */
#ifndef EB_STM32_H
#define EB_STM32_H

#include "eb_reg.h"

struct eb_stm32_gpio {
    volatile uint32_t moder;
    volatile uint32_t otyper;
    volatile uint32_t ospeedr;
    volatile uint32_t pupdr;
    volatile uint32_t idr;
    volatile uint32_t odr;
    volatile uint32_t bsrr;
    volatile uint32_t lckr;
    volatile uint32_t afr[2];
};

#if EB_UART_GENERATION == 1

struct eb_stm32_usart {
    volatile uint32_t isr; /* SR: the bits used here are those of ISR */
    volatile uint32_t dr;
    volatile uint32_t brr;
    volatile uint32_t cr1;
    volatile uint32_t cr2;
    volatile uint32_t cr3;
};

#define EB_USART_RECEIVED dr
#define EB_USART_TO_SEND dr
#define USART_CR1_UE (1u << 13)
#define USART_CR3_OVRDIS 0u /* an overrun ends with the read of DR */

#else

struct eb_stm32_usart {
    volatile uint32_t cr1;
    volatile uint32_t cr2;
    volatile uint32_t cr3;
    volatile uint32_t brr;
    volatile uint32_t gtpr;
    volatile uint32_t rtor;
    volatile uint32_t rqr;
    volatile uint32_t isr;
    volatile uint32_t icr;
    volatile uint32_t rdr;
    volatile uint32_t tdr;
};

#define EB_USART_RECEIVED rdr
#define EB_USART_TO_SEND tdr
#define USART_CR1_UE (1u << 0)
#define USART_CR3_OVRDIS (1u << 12)

#endif

#define USART_CR1_RE (1u << 2)
#define USART_CR1_TE (1u << 3)
#define USART_CR1_FIFOEN (1u << 29)
#define USART_ISR_RXNE (1u << 5)
#define USART_ISR_TXE (1u << 7)

#define EB_STM32_GPIO(base) ((struct eb_stm32_gpio *)(uintptr_t)(base))
#define EB_STM32_USART ((struct eb_stm32_usart *)(uintptr_t)EB_UART_BASE)

/* Gives `pin` (0..15) to alternate function `function` (0..15), with a pull-up. */
static inline void eb_stm32_alternate(struct eb_stm32_gpio *gpio, uint32_t pin, uint32_t function)
{
    eb_modify(&gpio->afr[pin / 8u], 15u << (4u * (pin % 8u)), function << (4u * (pin % 8u)));
    eb_modify(&gpio->ospeedr, 3u << (2u * pin), 2u << (2u * pin));
    eb_modify(&gpio->pupdr, 3u << (2u * pin), 1u << (2u * pin));
    eb_modify(&gpio->moder, 3u << (2u * pin), 2u << (2u * pin));
}

/* 8N1 with the given divider. `extra_cr1` is USART_CR1_FIFOEN where the USART has a FIFO. A byte
 * that comes too early is dropped silently (OVRDIS) instead of stopping reception. */
static inline void eb_init_stm32_usart(uint32_t divider, uint32_t extra_cr1)
{
    EB_STM32_USART->cr1 = 0u;
    EB_STM32_USART->cr2 = 0u;
    EB_STM32_USART->cr3 = USART_CR3_OVRDIS;
    EB_STM32_USART->brr = divider;
    EB_STM32_USART->cr1 = extra_cr1 | USART_CR1_TE | USART_CR1_RE;
    EB_STM32_USART->cr1 = extra_cr1 | USART_CR1_TE | USART_CR1_RE | USART_CR1_UE;
}

#endif
