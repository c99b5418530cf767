#define _POSIX_C_SOURCE 200809L

#include "eb_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

/* Looks of a waiting thread before it goes to sleep: the next layer follows within microseconds,
 * and waking up takes longer than that. */
#define LOOKS 2000

struct worker {
    eb_pool *pool;
    pthread_t thread;
    int32_t number;
};

struct eb_pool {
    pthread_mutex_t lock;
    pthread_cond_t begun; /* there is another round, or the pool ends */
    pthread_cond_t done;  /* no thread is at work any more */
    uint32_t round;       /* how many there were; atomic, changed under the lock */
    int32_t working;      /* threads that have not done their share; atomic */
    bool ends;
    eb_rows_function compute;
    void *context;
    int32_t rows;
    int32_t threads;
    struct worker workers[EB_MAX_POOL - 1];
};

static void compute_share(const eb_pool *pool, int32_t thread)
{
    int32_t first = (int32_t)((int64_t)pool->rows * thread / pool->threads);
    int32_t end = (int32_t)((int64_t)pool->rows * (thread + 1) / pool->threads);
    if (first < end) {
        pool->compute(pool->context, thread, first, end);
    }
}

/* Waits for a round after `last` and returns it. */
static uint32_t next_round(eb_pool *pool, uint32_t last)
{
    for (int i = 0; i < LOOKS; ++i) {
        uint32_t round = __atomic_load_n(&pool->round, __ATOMIC_ACQUIRE);
        if (round != last) {
            return round;
        }
        if (i % 64 == 63) {
            (void)sched_yield();
        }
    }
    (void)pthread_mutex_lock(&pool->lock);
    while (pool->round == last) {
        (void)pthread_cond_wait(&pool->begun, &pool->lock);
    }
    uint32_t round = pool->round;
    (void)pthread_mutex_unlock(&pool->lock);
    return round;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    eb_pool *pool = worker->pool;
    uint32_t round = 0;
    for (;;) {
        round = next_round(pool, round);
        if (pool->ends) {
            return NULL;
        }
        compute_share(pool, worker->number);
        if (__atomic_sub_fetch(&pool->working, 1, __ATOMIC_ACQ_REL) == 0) {
            (void)pthread_mutex_lock(&pool->lock);
            (void)pthread_cond_signal(&pool->done);
            (void)pthread_mutex_unlock(&pool->lock);
        }
    }
}

static void begin_round(eb_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    __atomic_store_n(&pool->round, pool->round + 1u, __ATOMIC_RELEASE);
    (void)pthread_cond_broadcast(&pool->begun);
    (void)pthread_mutex_unlock(&pool->lock);
}

static void wait_for_all(eb_pool *pool)
{
    for (int i = 0; i < LOOKS; ++i) {
        if (__atomic_load_n(&pool->working, __ATOMIC_ACQUIRE) == 0) {
            return;
        }
        if (i % 64 == 63) {
            (void)sched_yield();
        }
    }
    (void)pthread_mutex_lock(&pool->lock);
    while (__atomic_load_n(&pool->working, __ATOMIC_ACQUIRE) != 0) {
        (void)pthread_cond_wait(&pool->done, &pool->lock);
    }
    (void)pthread_mutex_unlock(&pool->lock);
}

void eb_pool_rows(eb_pool *pool, eb_rows_function compute, void *context, int32_t rows)
{
    if (pool == NULL || pool->threads == 1) {
        compute(context, 0, 0, rows);
        return;
    }
    pool->compute = compute;
    pool->context = context;
    pool->rows = rows;
    __atomic_store_n(&pool->working, pool->threads - 1, __ATOMIC_RELEASE);
    begin_round(pool);
    compute_share(pool, 0);
    wait_for_all(pool);
}

static void end_threads(eb_pool *pool, int32_t started)
{
    pool->ends = true;
    begin_round(pool);
    for (int32_t i = 0; i < started; ++i) {
        (void)pthread_join(pool->workers[i].thread, NULL);
    }
}

static void release(eb_pool *pool)
{
    (void)pthread_cond_destroy(&pool->done);
    (void)pthread_cond_destroy(&pool->begun);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

eb_pool *eb_pool_open(int32_t threads)
{
    if (threads < 1 || threads > EB_MAX_POOL) {
        return NULL;
    }
    eb_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->begun, NULL);
    (void)pthread_cond_init(&pool->done, NULL);
    pool->threads = threads;
    for (int32_t i = 0; i < threads - 1; ++i) {
        struct worker *worker = &pool->workers[i];
        worker->pool = pool;
        worker->number = i + 1;
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            end_threads(pool, i);
            release(pool);
            return NULL;
        }
    }
    return pool;
}

void eb_pool_close(eb_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    end_threads(pool, pool->threads - 1);
    release(pool);
}
