/* The model under test: bench_binding.h (written by edgebottle) and its defaults. */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H

#include "bench_binding.h" /* EB_MODEL(name), EB_MODEL_NAME, EB_BENCH_INPUTS */
#include "task_binding.h"

/* Bytes of the buffer behind `db`: 0, or at least the bytes of all inputs together. */
#ifndef EB_BENCH_DB_BYTES
#define EB_BENCH_DB_BYTES 0
#endif

/* Bytes of an input row of a model that takes its input row by row; 0 for any other. */
#ifndef EB_BENCH_ROW_BYTES
#define EB_BENCH_ROW_BYTES 0
#endif
#if EB_BENCH_ROW_BYTES > 0 && EB_BENCH_DB_BYTES > 0
#error "a row-fed model has its input nowhere as a whole"
#endif

/* Bytes of all outputs, and whether there are so many that frames of them save time. */
#ifndef EB_BENCH_OUTPUT_BYTES
#define EB_BENCH_OUTPUT_BYTES 0
#endif
#define EB_BENCH_OUTPUT_FRAMES (EB_BENCH_OUTPUT_BYTES >= 64)
/* EB_BENCH_OUTPUT_DTYPE: what the elements of all outputs are, where they are alike. */

/* Whether the model remembers something from one run to the next, which `reset` lets it forget. */
#ifndef EB_BENCH_STATE
#define EB_BENCH_STATE 0
#endif

/* What `name%` says in its brackets: the board, where the build names one. */
#ifndef EB_BENCH_VENDOR
#ifdef EB_BOARD
#define EB_BENCH_VENDOR EB_PORT_BOARD
#else
#define EB_BENCH_VENDOR "edgebottle"
#endif
#endif

/* What `profile%` says the model is. The stock MLPerf Tiny runner looks for its test data under
 * this name: "kws01", "vww01", "ad01" or "ic01". */
#ifndef EB_BENCH_MODEL_VERSION
#define EB_BENCH_MODEL_VERSION EB_MODEL_NAME
#endif

/* What `db` brings: the input as it is stored, unsigned bytes for signed ones, or so many floats,
 * which are quantized here. */
#ifndef EB_BENCH_UNSIGNED
#define EB_BENCH_UNSIGNED 0
#endif
#ifndef EB_BENCH_FLOATS
#define EB_BENCH_FLOATS 0
#endif

/* Whether the only result is how far the output is from the input: the mean of the squares. */
#ifndef EB_BENCH_DISTANCE
#define EB_BENCH_DISTANCE 0
#endif

#if EB_BENCH_FLOATS > 0 && (EB_BENCH_DB_BYTES == 0 || EB_BENCH_INPUTS != 1)
#error "floats are quantized into the copy of the only input"
#endif
#if EB_BENCH_DISTANCE && EB_BENCH_FLOATS == 0
#error "the distance is one from floats"
#endif

#endif
