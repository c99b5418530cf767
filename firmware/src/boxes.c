#include "boxes.h"

#include "bench_model.h"
#include "boxes_binding.h"
#include "format.h"

#if EB_BENCH_CANDIDATES > 0

static void put_box(const eb_box *box)
{
    bench_put_number("m-box-[", (uint64_t)box->y_min);
    bench_put_number(" ", (uint64_t)box->x_min);
    bench_put_number(" ", (uint64_t)box->y_max);
    bench_put_number(" ", (uint64_t)box->x_max);
    bench_put_number(" ", box->score);
    bench_put_number_line(" ", box->label, "]");
}

void bench_put_boxes(void)
{
    eb_box found[EB_BENCH_CANDIDATES];
    const int32_t count = EB_MODEL(boxes)(found, EB_BENCH_CANDIDATES);
    bench_put_number_line("m-boxes-[", (uint64_t)count, "]");
    for (int32_t i = 0; i < count; i++) {
        put_box(found + i);
    }
}

#endif
