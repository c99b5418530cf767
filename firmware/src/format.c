#include "format.h"

#include "eb_port.h"
#include "receive.h"

void bench_put_char(char c)
{
    eb_port_putc(c);
    bench_receive();
}

void bench_put_text(const char *text)
{
    for (; *text != 0; text++) {
        bench_put_char(*text);
    }
}

void bench_put_foreign(const char *text)
{
    for (; *text != 0; text++) {
        bench_put_char(*text >= ' ' && *text <= '~' ? *text : '?');
    }
}

void bench_put_line(const char *text)
{
    bench_put_text(text);
    bench_put_text("\r\n");
}

/* value / 10 by shifts and adds: no 64-bit division routine is linked in for this. */
static uint64_t divide_by_ten(uint64_t value)
{
    uint64_t quotient = (value >> 1) + (value >> 2);
    quotient += quotient >> 4;
    quotient += quotient >> 8;
    quotient += quotient >> 16;
    quotient += quotient >> 32;
    quotient >>= 3; /* at most one too small */
    uint64_t rest = value - ((quotient << 3) + (quotient << 1));
    return quotient + (rest > 9u ? 1u : 0u);
}

/* At least `least` digits, a point before the last three when `least` is 4. */
static void put_digits(uint64_t value, int least)
{
    char digits[20];
    int count = 0;
    while (value != 0 || count < least) {
        uint64_t tenth = divide_by_ten(value);
        digits[count++] = (char)('0' + (int)(value - ((tenth << 3) + (tenth << 1))));
        value = tenth;
    }
    while (count > 0) {
        if (count == 3 && least == 4) {
            bench_put_char('.');
        }
        bench_put_char(digits[--count]);
    }
}

void bench_put_decimal(uint64_t value)
{
    put_digits(value, 1);
}

void bench_put_hex(uint32_t value, int digits, char ten)
{
    while (digits > 0) {
        digits--;
        uint32_t nibble = (value >> (4 * digits)) & 15u;
        bench_put_char((char)(nibble < 10u ? '0' + (int)nibble : ten + (int)nibble - 10));
    }
}

void bench_put_milli(float value)
{
    union {
        float real;
        uint32_t bits;
    } milli;
    milli.real = value * 1000.0f;
    int exponent = (int)((milli.bits >> 23) & 255u) - 150; /* of the mantissa's lowest bit */
    const uint32_t mantissa = (milli.bits & 0x7FFFFFu) | 0x800000u;
    if (exponent > 29) {
        bench_put_text(milli.bits << 1 > 0xFF000000u ? "nan" : milli.bits >> 31 ? "-inf" : "inf");
        return;
    }
    /* Shifted in two halves: no 64-bit shift by a variable is linked in for this. */
    uint32_t low = 0, high = 0;
    if (exponent >= 0) {
        low = mantissa << exponent;
        high = (mantissa >> 1) >> (31 - exponent);
    } else if (exponent >= -24) {
        low = mantissa >> -exponent;
    }
    if ((low | high) != 0 && milli.bits >> 31) {
        bench_put_char('-');
    }
    put_digits((uint64_t)high << 32 | low, 4);
}

void bench_put_number(const char *text, uint64_t value)
{
    bench_put_text(text);
    bench_put_decimal(value);
}

void bench_put_number_line(const char *text, uint64_t value, const char *end)
{
    bench_put_number(text, value);
    bench_put_line(end);
}
