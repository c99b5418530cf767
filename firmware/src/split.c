#include "split.h"

#include "bench_model.h"
#include "format.h"
#include "split_binding.h"

#if EB_BENCH_SPLIT_ROOM > 0

void bench_put_split(int32_t rate, uint32_t request)
{
    uint8_t frame[EB_BENCH_SPLIT_ROOM];
    const int32_t bytes = EB_MODEL(frame)(request, rate, frame, EB_BENCH_SPLIT_ROOM);
    if (bytes < 0) {
        bench_put_number_line("e-[There is no frame: error ", (uint64_t)-bytes, "]");
        return;
    }
#if EB_BENCH_SPLIT_EXIT
    const int32_t found = EB_MODEL(exit_class)();
    if (found < 0) {
        bench_put_line("m-exit-[none]");
    } else {
        bench_put_number_line("m-exit-[", (uint64_t)found, "]");
    }
#endif
    bench_put_text("m-split-[");
    for (int32_t i = 0; i < bytes; i++) {
        bench_put_hex(frame[i], 2, 'A');
    }
    bench_put_line("]");
}

#endif
