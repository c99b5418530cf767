/* The commands of the protocol, all but the digits of `db`. */
#ifndef BENCH_COMMANDS_H
#define BENCH_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

/* Runs one command and answers it, without the final `m-ready`. False: there is no such command.
 *
 * command: words separated by one space, at least one word; is changed.
 */
bool bench_command(char *command);

/* The line of `timestamp%`, as the start-up banner prints it as well. */
void bench_put_timestamp(uint64_t micros);

#endif
