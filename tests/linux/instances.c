/* Two instances of a network on two threads at once, each with a pool of its own, and a third one
 * without a context: reads from standard input how often they run, prints every output of all.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "eb_pool.h"
#include "eb_network_model.h"

#define RUNS 5

static eb_network_context contexts[2];
static unsigned char seen[3][RUNS][65536];

static void fill(eb_tensor input, int run)
{
    for (int i = 0; i < input.bytes; ++i) {
        ((unsigned char *)input.data)[i] = (unsigned char)(i * 7 + run * 31);
    }
}

static void *run(void *argument)
{
    int number = *(int *)argument;
    eb_network_context *context = &contexts[number];
    eb_pool *pool = eb_pool_open(2 + number);
    if (pool == NULL || eb_network_init_in(context) != 0) {
        return argument;
    }
    eb_network_use_pool_in(context, pool);
    for (int i = 0; i < RUNS; ++i) {
        fill(eb_network_input_in(context, 0), i);
        if (eb_network_run_in(context) != EB_OK) {
            return argument;
        }
        eb_tensor output = eb_network_output_in(context, 0);
        memcpy(seen[number][i], output.data, (size_t)output.bytes);
    }
    eb_pool_close(pool);
    return NULL;
}

int main(void)
{
    static int numbers[2] = {0, 1};
    pthread_t threads[2];
    int failed = 0;
    for (int i = 0; i < 2; ++i) {
        failed |= pthread_create(&threads[i], NULL, run, &numbers[i]);
    }
    (void)eb_network_init();
    size_t bytes = (size_t)eb_network_output(0).bytes;
    for (int i = 0; i < RUNS; ++i) {
        fill(eb_network_input(0), i);
        failed |= eb_network_run() != EB_OK;
        memcpy(seen[2][i], eb_network_output(0).data, bytes);
    }
    for (int i = 0; i < 2; ++i) {
        void *result = NULL;
        failed |= pthread_join(threads[i], &result);
        failed |= result != NULL;
    }
    failed |= eb_network_input_in(&contexts[0], 1).data != NULL;
    failed |= eb_network_step_in(&contexts[0], -1) != EB_ERROR_ARGUMENT;
    for (int i = 0; i < RUNS; ++i) {
        failed |= memcmp(seen[0][i], seen[2][i], bytes) != 0;
        failed |= memcmp(seen[1][i], seen[2][i], bytes) != 0;
        for (size_t k = 0; k < bytes; ++k) {
            printf("%02X", seen[2][i][k]);
        }
        printf("\n");
    }
    return failed;
}
