#include "help.h"

#include "bench_model.h"
#include "boxes_binding.h"
#include "format.h"
#include "split_binding.h"

void bench_put_help(char *rest)
{
    (void)rest;
    bench_put_text(FIRMWARE_VERSION "\r\n\r\n"
                                    "name, profile, timestamp, help\r\n"
                                    "in I: the input of db\r\n"
                                    "db load N, db HEX, db print: its bytes\r\n"
                                    "put F, baud N: frame of them, rate\r\n"
                                    "infer N W: N runs after W\r\n"
                                    "results, out: outputs\r\n"
#if EB_BENCH_OUTPUT_FRAMES
                                    "get: outputs in frames\r\n"
#endif
                                    "crc, cyc: of each step\r\n"
#ifdef EB_ENERGY_MODE
                                    "window: microseconds between two pulses\r\n"
#endif
#if EB_BENCH_STATE
                                    "reset: forget the runs before\r\n"
#endif
#if EB_BENCH_CANDIDATES > 0
                                    "boxes: what was detected\r\n"
#endif
#ifdef EB_BENCH_COUNTERS
                                    "counters: cycles, instructions of infer\r\n"
#endif
#if EB_BENCH_SPLIT_ROOM > 0
                                    "split R ID: frame of the rate R\r\n"
#endif
                                    "mem, build: memory, image\r\n");
}
