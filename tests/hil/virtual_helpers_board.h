/* The least that a bare-metal test program needs, for every chip family of the virtual board.
 * Set by the command line: UART (address), one of PORT_STM32, PORT_NRF, PORT_GD32, and one of
 * COUNTER_DWT, COUNTER_TIMER (address), COUNTER_MTIME. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define NAKED __attribute__((naked, noinline, used, aligned(32)))
#define NOINLINE __attribute__((noinline, used))

extern char __eb_stack_top[];
int main(void);

#if defined(PORT_STM32)
/* What a test leaves out: 1 UART clock, 2 TX, 4 RX, 8 GPIO clock, 16 its supply, 32 baud rate. */
#ifndef SKIP
#define SKIP 0
#endif
static inline void alternate(uint32_t gpio, uint32_t pin, uint32_t function)
{
    REG(gpio + 0x20u + pin / 8u * 4u) |= function << (pin % 8u * 4u);
    REG(gpio) = (REG(gpio) & ~(3u << pin * 2u)) | 2u << pin * 2u;
}
static inline void uart_init(void)
{
#if EB_GPIO_SUPPLY && !(SKIP & 16)
    REG(EB_GPIO_SUPPLY) |= 1u << EB_GPIO_SUPPLY_BIT;
#endif
    if (!(SKIP & 8)) {
        REG(EB_GPIO_ENABLE) |= 1u << EB_TX_GPIO_BIT | 1u << EB_RX_GPIO_BIT;
    }
    if (!(SKIP & 1)) {
        REG(EB_UART_ENABLE) |= 1u << EB_UART_ENABLE_BIT;
    }
    if (!(SKIP & 2)) {
        alternate(EB_TX_GPIO, EB_TX_PIN, EB_TX_FUNCTION);
    }
    if (!(SKIP & 4)) {
        alternate(EB_RX_GPIO, EB_RX_PIN, EB_RX_FUNCTION);
    }
    if (!(SKIP & 32)) {
        REG(UART + 0xCu) = EB_UART_DIVIDER;
    }
    REG(UART) = 0xDu;
}
static inline int uart_getc(void)
{
    return REG(UART + 0x1Cu) & 0x20u ? (int)REG(UART + 0x24u) : -1;
}
static inline void uart_putc(char c)
{
    while (!(REG(UART + 0x1Cu) & 0x80u)) {
    }
    REG(UART + 0x28u) = (uint8_t)c;
}
#elif defined(PORT_NRF)
static inline void uart_init(void)
{
    REG(UART + 0x50Cu) = EB_TX_PIN;
    REG(UART + 0x514u) = EB_RX_PIN;
    REG(UART + 0x524u) = EB_UART_RATE;
    REG(UART + 0x500u) = 4u;
    REG(UART) = 1u;
    REG(UART + 8u) = 1u;
}
static inline int uart_getc(void)
{
    if (REG(UART + 0x108u) == 0u) {
        return -1;
    }
    REG(UART + 0x108u) = 0u;
    return (int)REG(UART + 0x518u);
}
static inline void uart_putc(char c)
{
    REG(UART + 0x11Cu) = 0u;
    REG(UART + 0x51Cu) = (uint8_t)c;
    while (REG(UART + 0x11Cu) == 0u) {
    }
}
#elif defined(PORT_GD32)
static inline void set_pin(uint32_t gpio, uint32_t pin, uint32_t mode)
{
    REG(gpio + pin / 8u * 4u) =
        mode << pin % 8u * 4u | (REG(gpio + pin / 8u * 4u) & ~(15u << pin % 8u * 4u));
}
static inline void uart_init(void)
{
    REG(EB_GPIO_ENABLE) |= 1u << EB_TX_GPIO_BIT | 1u << EB_RX_GPIO_BIT;
    REG(EB_UART_ENABLE) |= 1u << EB_UART_ENABLE_BIT;
    set_pin(EB_TX_GPIO, EB_TX_PIN, 11u);
    set_pin(EB_RX_GPIO, EB_RX_PIN, 4u);
    REG(UART + 8u) = EB_UART_DIVIDER;
    REG(UART + 0xCu) = 0x200Cu;
}
static inline int uart_getc(void)
{
    return REG(UART) & 0x20u ? (int)REG(UART + 4u) : -1;
}
static inline void uart_putc(char c)
{
    while (!(REG(UART) & 0x80u)) {
    }
    REG(UART + 4u) = (uint8_t)c;
}
#endif

#if defined(COUNTER_DWT)
static inline void cycles_init(void)
{
    REG(0xE000EDFCu) = 1u << 24;
    REG(0xE0001004u) = 0u;
    REG(0xE0001000u) = 1u;
}
static inline uint32_t cycles(void)
{
    return REG(0xE0001004u);
}
#elif defined(COUNTER_MTIME)
static inline void cycles_init(void)
{
}
static inline uint32_t cycles(void)
{
    return REG(0xD1000000u);
}
#elif defined(PORT_NRF)
static inline void cycles_init(void)
{
    REG(COUNTER_TIMER + 0x508u) = 3u;
    REG(COUNTER_TIMER) = 1u;
}
static inline uint32_t cycles(void)
{
    REG(COUNTER_TIMER + 0x40u) = 1u;
    return REG(COUNTER_TIMER + 0x540u);
}
#else
static inline void cycles_init(void)
{
    REG(COUNTER_TIMER) = 1u;
}
static inline uint32_t cycles(void)
{
    return REG(COUNTER_TIMER + 0x24u);
}
#endif

static inline void fpu_on(void)
{
#ifdef __ARM_FP
    REG(0xE000ED88u) = 0xFu << 20;
#endif
}

static inline void print_hex(uint32_t value)
{
    for (int i = 28; i >= 0; i -= 4) {
        uart_putc("0123456789abcdef"[value >> i & 15u]);
    }
    uart_putc('\n');
}

#ifdef __riscv
__attribute__((naked, used, section(".vectors"))) void reset(void)
{
    __asm volatile("la sp, __eb_stack_top\n call main\n 1: j 1b");
}
#else
__attribute__((used, noreturn)) void reset(void)
{
    main();
    for (;;) {
    }
}
__attribute__((section(".vectors"), used)) static void *const vectors[] = {__eb_stack_top,
                                                                           (void *)reset};
#endif
