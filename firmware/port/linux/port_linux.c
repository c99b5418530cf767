/* What computers that run Linux add to the port of all computers (firmware/port/host): the CPU's
 * own counters, where the kernel lets this user read them (perf_event_open(2), and
 * /proc/sys/kernel/perf_event_paranoid). Counted is what the program does, not the kernel for it,
 * in all of its threads that begin after eb_port_counters_begin.
 */
#define _GNU_SOURCE

#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "eb_port_counters.h"

#define COUNTERS 2

#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1ul << 20)
#endif

/* Says what is wrong, where the first kernel would only be an illegal instruction. */
__attribute__((constructor)) static void check_cpu(void)
{
    if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) == 0) {
        (void)fputs("ERROR: the program was built for CPUs with SDOT, which this one lacks: build "
                    "it for the board that this is\n",
                    stderr);
        exit(3);
    }
}
#endif

static int files[COUNTERS] = {-1, -1};

void eb_port_counters_begin(void)
{
    static const uint64_t configs[COUNTERS] = {
        PERF_COUNT_HW_CPU_CYCLES,
        PERF_COUNT_HW_INSTRUCTIONS,
    };
    for (int i = 0; i < COUNTERS; ++i) {
        struct perf_event_attr what;
        memset(&what, 0, sizeof what);
        what.type = PERF_TYPE_HARDWARE;
        what.size = sizeof what;
        what.config = configs[i];
        what.disabled = 1;
        what.inherit = 1;
        what.exclude_kernel = 1;
        what.exclude_hv = 1;
        files[i] = (int)syscall(SYS_perf_event_open, &what, 0, -1, -1, 0);
    }
}

static void tell(unsigned long request)
{
    for (int i = 0; i < COUNTERS; ++i) {
        if (files[i] >= 0) {
            (void)ioctl(files[i], request, 0);
        }
    }
}

void eb_port_counters_start(void)
{
    tell(PERF_EVENT_IOC_RESET);
    tell(PERF_EVENT_IOC_ENABLE);
}

void eb_port_counters_stop(void)
{
    tell(PERF_EVENT_IOC_DISABLE);
}

int eb_port_counters_read(uint64_t *cycles, uint64_t *instructions)
{
    uint64_t *values[COUNTERS] = {cycles, instructions};
    for (int i = 0; i < COUNTERS; ++i) {
        if (files[i] < 0 || read(files[i], values[i], sizeof(uint64_t)) != sizeof(uint64_t)) {
            return 0;
        }
    }
    return 1;
}
