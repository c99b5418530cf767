/* A hand-written model with the C API of a generated one: `out = in`, 4 values, int8. */
#ifndef FAKE_H
#define FAKE_H

#include "edgebottle.h"

int eb_fake_init(void);
eb_tensor eb_fake_input(int i);
eb_tensor eb_fake_output(int i);
eb_status eb_fake_run(void);
int eb_fake_step_count(void);
eb_status eb_fake_step(int i);
eb_tensor eb_fake_step_written(int i);
int eb_fake_canary_ok(void);
size_t eb_fake_arena_size(void);
int eb_fake_input_count(void);
int eb_fake_output_count(void);

#endif
