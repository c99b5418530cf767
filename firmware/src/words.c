#include "words.h"

#include <stddef.h>

bool bench_same(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

char *bench_next_word(char **rest)
{
    char *word = *rest;
    if (*word == 0) {
        return NULL;
    }
    char *end = word;
    while (*end != 0 && *end != ' ') {
        end++;
    }
    *rest = *end == 0 ? end : end + 1;
    *end = 0;
    return word;
}

int32_t bench_number(const char *word)
{
    uint32_t value = 0;
    bool large = false;
    for (; *word != 0; word++) {
        uint32_t digit = (uint32_t)(uint8_t)*word - (uint32_t)'0';
        if (digit > 9u) {
            return NOT_A_NUMBER;
        }
        large = large || value > (INT32_MAX - digit) / 10u;
        value = value * 10u + digit;
    }
    return large ? OUT_OF_RANGE : (int32_t)value;
}
