/* What `help%` says. */
#ifndef BENCH_HELP_H
#define BENCH_HELP_H

/* What the stock runner looks for. */
#define FIRMWARE_VERSION "ULPMark for tinyML Firmware V0.0.1"

/* The version, then a line for each command. */
void bench_put_help(char *rest);

#endif
