/* The words of a command. */
#ifndef BENCH_WORDS_H
#define BENCH_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers that are none. */
#define NOT_A_NUMBER (-1)
#define OUT_OF_RANGE (-2)

bool bench_same(const char *a, const char *b);

/* Cuts the first word off `*rest` and returns it, NULL when there is none. */
char *bench_next_word(char **rest);

/* 0 .. 2^31 - 1, or one of the two above. */
int32_t bench_number(const char *word);

#endif
