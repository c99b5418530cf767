/* The last words of a crashed program. */
#include "eb_port.h"
#include "eb_port_parts.h"

static void put_text(const char *text)
{
    while (*text != '\0') {
        eb_port_putc(*text++);
    }
}

static void put_hex(uint32_t value)
{
    put_text("0x");
    for (int shift = 28; shift >= 0; shift -= 4) {
        eb_port_putc("0123456789abcdef"[(value >> shift) & 15u]);
    }
}

void eb_fault_report(uint32_t pc, uint32_t lr, uint32_t status)
{
    put_text("\r\ne-[fault pc=");
    put_hex(pc);
    put_text(" lr=");
    put_hex(lr);
    put_text(" cfsr=");
    put_hex(status);
    put_text("]\r\n");
    for (;;) {
    }
}
