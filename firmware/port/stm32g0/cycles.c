/* The Cortex-M0+ has no cycle counter: the 32-bit timer TIM2 counts CPU clocks (RM0444 chapter 22).
 */
#include "eb_port.h"
#include "eb_port_parts.h"
#include "eb_reg.h"

#define RCC_APBENR1 EB_REG(0x4002103Cu)
#define APBENR1_TIM2EN (1u << 0)

#define TIM2_CR1 EB_REG(0x40000000u)
#define CR1_CEN (1u << 0)
#define TIM2_EGR EB_REG(0x40000014u)
#define EGR_UG (1u << 0)
#define TIM2_CNT EB_REG(0x40000024u)
#define TIM2_PSC EB_REG(0x40000028u)
#define TIM2_ARR EB_REG(0x4000002Cu)

void eb_init_cycles(void)
{
    RCC_APBENR1 |= APBENR1_TIM2EN;
    (void)RCC_APBENR1;
    TIM2_PSC = 0u;
    TIM2_ARR = 0xFFFFFFFFu;
    TIM2_EGR = EGR_UG; /* loads prescaler and period */
    TIM2_CR1 = CR1_CEN;
}

uint32_t eb_port_cycles(void)
{
    return TIM2_CNT;
}
