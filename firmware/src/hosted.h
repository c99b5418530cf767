/* Whether this is a build for the computer itself. Include it before eb_port.h. */
#ifndef BENCH_HOSTED_H
#define BENCH_HOSTED_H

#if defined(__linux__) || defined(__APPLE__) || defined(_WIN32)
#define BENCH_HOSTED 1
#ifndef EB_PORT_CYCLE_HZ
#define EB_PORT_CYCLE_HZ 1000000000u
#endif
#else
#define BENCH_HOSTED 0
#endif

#endif
