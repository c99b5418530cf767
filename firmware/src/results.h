/* Prints what the network computed. */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdbool.h>

#include "edgebottle.h"

/* True from the end of a run until something may have overwritten the outputs. */
extern bool bench_outputs_valid;

/* `m-results-[...]`: the real values of all outputs, three decimals each. */
void bench_put_results(void);

/* `m-out-I-[HEX]`: the bytes of output `index`. */
void bench_put_output(int index);

/* CRC-32 of the payload bytes of a tensor. */
uint32_t bench_tensor_crc(const eb_tensor *tensor);

#endif
