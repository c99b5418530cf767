/* A hand-written row-fed model with the C API of a generated one: the sum of each input row. */
#ifndef FAKE_ROWS_H
#define FAKE_ROWS_H

#include "edgebottle.h"

#define EB_FAKE_ROWS_INPUT_ROWS 4
#ifndef EB_FAKE_ROWS_FEED_BYTES
#define EB_FAKE_ROWS_FEED_BYTES 6
#endif

int eb_fake_rows_init(void);
eb_tensor eb_fake_rows_input(int i);
eb_tensor eb_fake_rows_output(int i);
eb_status eb_fake_rows_run(void);
int eb_fake_rows_step_count(void);
eb_status eb_fake_rows_step(int i);
eb_tensor eb_fake_rows_step_written(int i);
int eb_fake_rows_canary_ok(void);
size_t eb_fake_rows_arena_size(void);
int eb_fake_rows_input_count(void);
int eb_fake_rows_output_count(void);
eb_status eb_fake_rows_feed_rows(const void *rows, int32_t n);
int32_t eb_fake_rows_rows_missing(void);

#endif
