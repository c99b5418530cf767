#ifndef EB_BENCH_MODEL_H
#define EB_BENCH_MODEL_H

#include "fake_rows.h"

#define EB_MODEL(name) eb_fake_rows_##name
#define EB_MODEL_NAME "fake_rows"
#define EB_BENCH_INPUTS 1
#define EB_BENCH_ROW_BYTES EB_FAKE_ROWS_FEED_BYTES

#endif
