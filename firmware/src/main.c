/* The bench application: one model behind the serial protocol. */
#include "bench_model.h"
#include "commands.h"
#include "eb_port.h"
#include "energy.h"
#include "format.h"
#include "protocol.h"
#include "rate.h"
#ifdef EB_BENCH_COUNTERS
#include "eb_port_counters.h"
#endif
#ifdef EB_BENCH_POOL
#include "eb_pool.h"
#endif

int main(void)
{
    eb_init_port();
#ifdef EB_BENCH_COUNTERS
    eb_port_counters_begin();
#endif
    int failed = EB_MODEL(init)();
#ifdef EB_BENCH_POOL
    eb_pool *pool = eb_pool_open(EB_BENCH_POOL);
    failed |= pool == NULL;
    EB_MODEL(use_pool)(pool);
#endif
    bench_put_line("m-timestamp-mode-" BENCH_MODE);
#ifdef EB_ENERGY_MODE
    (void)bench_pulse();
#else
    bench_put_timestamp(eb_port_micros());
#endif
    if (failed != 0) {
        bench_put_line("e-[The model cannot be set up]");
    }
    bench_put_line("m-init-done");
    bench_put_line("m-ready");
    for (;;) {
        bench_poll();
        /* Which also looks at the clock, as it must, at least once per wrap of its counter. */
        bench_rate_watch((uint32_t)eb_port_micros());
    }
}
