/* The CPU's own counters of a computer that runs Linux: firmware/port/linux. */
#ifndef EB_PORT_COUNTERS_H
#define EB_PORT_COUNTERS_H

#include <stdint.h>

/* Once, before there are other threads. */
void eb_port_counters_begin(void);

/* From zero; and no further. */
void eb_port_counters_start(void);
void eb_port_counters_stop(void);

/* What was counted between the two; 0 where the kernel does not let this user count. */
int eb_port_counters_read(uint64_t *cycles, uint64_t *instructions);

#endif
