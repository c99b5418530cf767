#ifndef EB_BENCH_MODEL_H
#define EB_BENCH_MODEL_H

#include "fake.h"

#define EB_MODEL(name) eb_fake_##name
#define EB_MODEL_NAME "fake"
#define EB_BENCH_INPUTS 1

#endif
