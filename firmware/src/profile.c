#include "profile.h"

#include "bench_model.h"
#include "hosted.h"
#include "eb_port.h"
#include "format.h"
#include "loader.h"
#include "results.h"
#include "rows.h"

#if EB_BENCH_ROW_BYTES > 0

void bench_put_cycles(void)
{
    bench_put_number("m-cyc-[hz=", EB_PORT_CYCLE_HZ);
    bench_put_number_line(" steps=0 total=", bench_rows_cycles(), "]");
}

#else

/* Runs step `i`, returns its cycles. */
static uint32_t timed_step(int i)
{
    uint32_t start = eb_port_cycles();
    (void)EB_MODEL(step)(i);
    uint32_t cycles = eb_port_cycles() - start;
    (void)eb_port_micros();
    return cycles;
}

/* Two runs: the first for the total, the second for the steps, as there is no memory to keep them
 * in. Timing needs no input, so none is asked for. */
void bench_put_cycles(void)
{
    int steps = EB_MODEL(step_count)();
    uint64_t total = 0;
    for (int run = 0; run < 2; run++) {
        bench_load_apply();
        for (int i = 0; i < steps; i++) {
            uint32_t cycles = timed_step(i);
            total += cycles;
            if (run > 0) {
                bench_put_number("m-cyc-step-[", (uint64_t)i);
                bench_put_number_line(" ", cycles, "]");
            }
        }
        if (run == 0) {
            bench_put_number("m-cyc-[hz=", EB_PORT_CYCLE_HZ);
            bench_put_number(" steps=", (uint64_t)steps);
            bench_put_number_line(" total=", total, "]");
        }
    }
    bench_outputs_valid = bench_load_survives() && bench_load_ready();
}

static void put_crc(const char *text, uint32_t crc)
{
    bench_put_text(text);
    bench_put_hex(crc, 8, 'A');
    bench_put_line("]");
}

void bench_put_checksums(void)
{
    bench_load_apply();
    for (int i = 0; i < EB_MODEL(step_count)(); i++) {
        (void)EB_MODEL(step)(i);
        (void)eb_port_micros();
        eb_tensor written = EB_MODEL(step_written)(i);
        bench_put_number("m-crc-step-[", (uint64_t)i);
        put_crc(" ", bench_tensor_crc(&written));
    }
    eb_tensor output = EB_MODEL(output)(0);
    put_crc("m-crc-[", bench_tensor_crc(&output));
    bench_outputs_valid = true;
}

#endif
