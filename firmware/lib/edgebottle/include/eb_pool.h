/* A pool of threads that share the rows of a layer. For computers: microcontrollers have one core.
 *
 * Which rows a thread gets depends on their number and on that of the threads alone, and no row on
 * another, so that outputs are the same with any number. Nothing is allocated but the threads'
 * stacks, once.
 */
#ifndef EB_POOL_H
#define EB_POOL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most threads of a pool. */
#define EB_MAX_POOL 64

/* Computes rows first .. end - 1; thread: 0 .. threads - 1, the one that it runs on. */
typedef void (*eb_rows_function)(void *context, int32_t thread, int32_t first, int32_t end);

typedef struct eb_pool eb_pool;

/* Starts threads: `threads` counts the one that runs the network, which works as well.
 * threads: 1 .. EB_MAX_POOL. NULL where the system gives no more threads. */
eb_pool *eb_pool_open(int32_t threads);

/* Ends them; no network may be running on the pool. */
void eb_pool_close(eb_pool *pool);

/* Calls `compute` once on each thread with its share of the rows, and waits for all. Without a pool
 * (NULL) it is called once, with all rows. */
void eb_pool_rows(eb_pool *pool, eb_rows_function compute, void *context, int32_t rows);

#ifdef __cplusplus
}
#endif

#endif
