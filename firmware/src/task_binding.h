/* The default: no benchmark's task. `edgebottle bench mlperf` puts another file here, which says
 * what bytes the benchmark's runner sends, and what it expects to hear. */
#ifndef TASK_BINDING_H
#define TASK_BINDING_H

#endif
