#include "protocol.h"

#include <stdbool.h>
#include <stdint.h>

#include "commands.h"
#include "eb_port.h"
#include "format.h"
#include "loader.h"

static uint8_t ahead[BENCH_AHEAD_BYTES];
static unsigned ahead_first;
static unsigned ahead_count;

static char command[BENCH_COMMAND_BYTES + 1];
static unsigned command_length;

/* Where the characters of the present command go. */
static enum { TO_COMMAND, TO_LOADER, TO_NOWHERE } sink;

void bench_receive(void)
{
    while (ahead_count < BENCH_AHEAD_BYTES) {
        int c = eb_port_getc();
        if (c < 0) {
            return;
        }
        ahead[(ahead_first + ahead_count) % BENCH_AHEAD_BYTES] = (uint8_t)c;
        ahead_count++;
    }
}

static int next_byte(void)
{
    if (ahead_count == 0) {
        return eb_port_getc();
    }
    int c = ahead[ahead_first];
    ahead_first = (ahead_first + 1) % BENCH_AHEAD_BYTES;
    ahead_count--;
    return c;
}

static void finish_command(void)
{
    command[command_length] = 0;
    if (sink == TO_LOADER) {
        bench_load_finish();
    } else if (sink == TO_NOWHERE) {
        bench_put_line("e-[Command too long]");
    } else if (command_length == 0) {
        bench_put_line("e-[Empty command]");
    } else {
        bench_command(command);
    }
    bench_put_line("m-ready");
    command_length = 0;
    sink = TO_COMMAND;
}

/* True when the command so far is "db " and `c` starts the hex digits. */
static bool starts_data(char c)
{
    return command_length == 3 && command[0] == 'd' && command[1] == 'b' && command[2] == ' ' &&
           bench_hex_digit(c) >= 0;
}

static void take(char c)
{
    if (c == 0 || c == '\r' || c == '\n' || c == '\t') {
        c = ' ';
    }
    if (sink == TO_COMMAND && starts_data(c)) {
        sink = TO_LOADER;
        bench_load_start();
    }
    if (sink == TO_LOADER) {
        bench_load_digit(c);
        return;
    }
    if (sink == TO_NOWHERE ||
        (c == ' ' && (command_length == 0 || command[command_length - 1] == ' '))) {
        return;
    }
    if (command_length == BENCH_COMMAND_BYTES) {
        sink = TO_NOWHERE;
        return;
    }
    command[command_length++] = c;
}

void bench_poll(void)
{
    for (int c = next_byte(); c >= 0; c = next_byte()) {
        if (c == '%') {
            finish_command();
        } else {
            take((char)c);
        }
    }
}
