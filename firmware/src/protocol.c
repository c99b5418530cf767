#include "protocol.h"

#include <stdbool.h>

#include "commands.h"
#include "format.h"
#include "frames.h"
#include "loader.h"
#include "rate.h"
#include "receive.h"
#include "words.h"

static char command[BENCH_COMMAND_BYTES + 1];
static unsigned command_length;

/* Where the characters of the present command go. */
static enum { TO_COMMAND, TO_LOADER, TO_FRAME, TO_NOWHERE } sink;

static void finish_command(void)
{
    bool known = false;
    command[command_length] = 0;
    if (sink == TO_LOADER) {
        bench_load_finish();
        known = true;
    } else if (sink == TO_FRAME) {
        known = bench_frame_finish();
    } else if (sink == TO_NOWHERE) {
        bench_put_line("e-[Command too long]");
    } else if (command_length == 0) {
        bench_put_line("e-[Empty command]");
    } else {
        known = bench_command(command);
    }
    bench_put_line("m-ready");
    command_length = 0;
    sink = TO_COMMAND;
    if (known) {
        bench_rate_heard();
    }
}

static bool has_begun(const char *text)
{
    command[command_length] = 0;
    return bench_same(command, text);
}

static void take(char c)
{
    if (sink == TO_COMMAND && has_begun("put ")) {
        sink = TO_FRAME;
        bench_frame_start();
    }
    if (sink == TO_FRAME) {
        bench_frame_byte((uint8_t)c);
        return;
    }
    if (c == 0 || c == '\r' || c == '\n' || c == '\t') {
        c = ' ';
    }
    if (sink == TO_COMMAND && bench_hex_digit(c) >= 0 && has_begun("db ")) {
        sink = TO_LOADER;
        (void)bench_load_start();
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
    for (int c = bench_next_byte(); c >= 0; c = bench_next_byte()) {
        if (c == '%') {
            finish_command();
        } else {
            take((char)c);
        }
    }
}
