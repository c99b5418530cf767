/* Level-1 caches of the Cortex-M7 (Armv7-M ARM B2.2.7, Cortex-M7 TRM 4.1). */
#ifndef EB_CORTEX_M7_CACHE_H
#define EB_CORTEX_M7_CACHE_H

#include "eb_reg.h"

#define SCB_CCR EB_REG(0xE000ED14u)
#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)
#define SCB_CCSIDR EB_REG(0xE000ED80u)
#define SCB_CSSELR EB_REG(0xE000ED84u)
#define SCB_ICIALLU EB_REG(0xE000EF50u)
#define SCB_DCISW EB_REG(0xE000EF60u)

static inline void eb_barrier(void)
{
    __asm__ volatile("dsb\n"
                     "isb\n" ::
                         : "memory");
}

/* Invalidates both caches, whose contents are random after power-up, and enables them. */
static inline void eb_cortex_m7_enable_caches(void)
{
    SCB_ICIALLU = 0u;
    eb_barrier();

    SCB_CSSELR = 0u; /* level 1, data */
    eb_barrier();
    uint32_t geometry = SCB_CCSIDR;
    uint32_t last_set = (geometry >> 13) & 0x7FFFu;
    uint32_t last_way = (geometry >> 3) & 0x3FFu;
    for (uint32_t set = 0; set <= last_set; set++) {
        for (uint32_t way = 0; way <= last_way; way++) {
            SCB_DCISW = (way << 30) | (set << 5); /* 4 ways, lines of 32 bytes */
        }
    }
    eb_barrier();
    SCB_CCR |= CCR_IC | CCR_DC;
    eb_barrier();
}

#endif
