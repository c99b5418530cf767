/* Counts what a machine of QEMU executes, layer by layer: a plugin of QEMU's.
 *
 * QEMU calls `executed` before each block that it has translated, whose instructions it has
 * counted. A layer is open from the first instruction of its function until code of the network
 * around the layers runs again. Whoever started QEMU asks over a socket: a line `reset`, or
 * `counts`, which is answered by one line: the instructions of that code around, and of each layer.
 *
 * The interface is that of docs/devel/tcg-plugins of QEMU, written down here as far as it is used:
 * its header is installed nowhere.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_RANGES 4096
#define NO_STEP (-1)

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef void (*translated_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*executed_fn)(unsigned int cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_fn call);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
                                          executed_fn call,
                                          int registers,
                                          void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);

__attribute__((visibility("default"))) int qemu_plugin_version = EB_QEMU_PLUGIN_VERSION;

/* A layer's function, or with step NO_STEP one of the network around the layers. */
typedef struct {
    uint64_t start;
    uint64_t end;
    int step;
} code_range;

typedef struct {
    uint64_t instructions;
    int opens; /* the step that begins here, NO_STEP for none */
    bool is_frame;
} known_block;

static code_range ranges[MAX_RANGES];
static int range_count;
static uint64_t counts[MAX_RANGES]; /* of each step */
static uint64_t frame_count;
static int step_count;
static int open_step = NO_STEP;
static int line_fd = -1;

static void executed(unsigned int cpu, void *data)
{
    const known_block *block = data;
    (void)cpu;
    if (block->is_frame) {
        open_step = NO_STEP;
        frame_count += block->instructions;
    } else {
        if (block->opens != NO_STEP) {
            open_step = block->opens;
        }
        if (open_step != NO_STEP) {
            counts[open_step] += block->instructions;
        }
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    known_block *known = malloc(sizeof(known_block)); /* kept: QEMU does not say when it is gone */
    uint64_t address = qemu_plugin_tb_vaddr(block);
    (void)id;
    if (known == NULL) {
        abort();
    }
    known->instructions = qemu_plugin_tb_n_insns(block);
    known->opens = NO_STEP;
    known->is_frame = false;
    for (int i = 0; i < range_count; i++) {
        const code_range *range = &ranges[i];
        if (address >= range->start && address < range->end) {
            known->is_frame = range->step == NO_STEP;
            if (address == range->start) {
                known->opens = range->step;
            }
        }
    }
    qemu_plugin_register_vcpu_tb_exec_cb(block, executed, 0, known);
}

static void answer(FILE *line)
{
    (void)fprintf(line, "%llu", (unsigned long long)frame_count);
    for (int step = 0; step < step_count; step++) {
        (void)fprintf(line, " %llu", (unsigned long long)counts[step]);
    }
    (void)fprintf(line, "\n");
    (void)fflush(line);
}

/* Answers as long as anybody asks; the firmware waits for a command meanwhile. */
static void *serve(void *unused)
{
    FILE *asked = fdopen(line_fd, "r");
    FILE *line = fdopen(dup(line_fd), "w");
    char text[32];
    (void)unused;
    while (asked != NULL && line != NULL && fgets(text, sizeof(text), asked) != NULL) {
        if (strcmp(text, "reset\n") == 0) {
            memset(counts, 0, sizeof(counts));
            frame_count = 0u;
        }
        answer(line);
    }
    return NULL;
}

/* Arguments: `fd=N`, and `range=START:END:STEP` for each function; `try=on` alone counts nothing.
 */
__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const void *about, int argc, char **argv)
{
    pthread_t thread;
    (void)about;
    for (int i = 0; i < argc; i++) {
        unsigned long long start = 0u, end = 0u;
        int step = NO_STEP;
        if (strcmp(argv[i], "try=on") == 0) {
            return 0;
        }
        if (sscanf(argv[i], "fd=%d", &line_fd) == 1) {
            continue;
        }
        if (sscanf(argv[i], "range=%llu:%llu:%d", &start, &end, &step) != 3 ||
            range_count == MAX_RANGES || step >= MAX_RANGES) {
            return 1;
        }
        ranges[range_count++] = (code_range){start, end, step};
        step_count = step >= step_count ? step + 1 : step_count;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return line_fd < 0 || pthread_create(&thread, NULL, serve, NULL) != 0;
}
