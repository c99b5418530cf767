"""A hand-written project in the layout that codegen writes, for tests of the build alone."""

import shutil
from pathlib import Path

from edgebottle.boards import Board
from edgebottle.data import data_dir

# What the program prints after a reset and at every "?"; each word is a check of the start-up, and
# the numbers are what the model computes, the same on every board.
REPORT = "hello from {board} data-ok paint-ok 53 118 75 10 cycles-ok\r\n"

MODEL_H = """\
#ifndef TINY_H
#define TINY_H
#include <stddef.h>
#include <stdint.h>
int eb_tiny_init(void);
int8_t *eb_tiny_input_data(void);
int8_t *eb_tiny_output_data(void);
int eb_tiny_run(void);
int eb_tiny_peek(int i);
int eb_tiny_canary_ok(void);
size_t eb_tiny_arena_size(void);
#endif
"""

MODEL_C = """\
#include "tiny.h"
#include <string.h>

#define ARENA 64
static int8_t arena[ARENA] __attribute__((section(".eb_arena"), aligned(16)));
extern const int8_t eb_tiny_weights[16];

int eb_tiny_init(void)
{
    memset(arena, 0, sizeof arena);
    return 0;
}

int8_t *eb_tiny_input_data(void)
{
    return arena;
}

int8_t *eb_tiny_output_data(void)
{
    return arena + 32;
}

__attribute__((noinline)) void step_00_dense(void);
void step_00_dense(void)
{
    for (int o = 0; o < 4; o++) {
        int32_t sum = 0;
        for (int i = 0; i < 4; i++) {
            sum += eb_tiny_weights[o * 4 + i] * arena[i];
        }
        /* 64-bit arithmetic, division and float: the compilers' helper functions must link. */
        int64_t wide = (int64_t)sum * 1234567891;
        float scaled = (float)(wide / (arena[0] + 3)) * 0.001f;
        arena[32 + o] = (int8_t)((int32_t)scaled & 127);
    }
}

int eb_tiny_run(void)
{
    step_00_dense();
    return 0;
}

int eb_tiny_peek(int i)
{
    return arena[i];
}

int eb_tiny_canary_ok(void)
{
    return 1;
}

size_t eb_tiny_arena_size(void)
{
    return ARENA;
}
"""

WEIGHTS_C = """\
#include <stdint.h>
extern const int8_t eb_tiny_weights[16];
__attribute__((section(".eb_weights"))) const int8_t eb_tiny_weights[16] = {
    1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4, -5, -6, -7, -8};
"""

MAIN_C = """\
#include "eb_port.h"
#include "tiny.h"

static uint32_t initialized = 0x12345678u; /* .data */
static volatile uint64_t divisor = 3u;

static void put(const char *text)
{
    while (*text != '\\0') {
        eb_port_putc(*text++);
    }
}

static void put_number(uint32_t value)
{
    char digits[11];
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0u);
    while (n > 0) {
        eb_port_putc(digits[--n]);
    }
}

static void report(void)
{
    put("hello from " EB_PORT_BOARD " ");
    put(initialized == 0x12345678u && divisor == 3u ? "data-ok " : "data-broken ");
    put(__eb_stack_bottom[0] == EB_PORT_STACK_PAINT ? "paint-ok " : "paint-broken ");
    eb_tiny_init();
    for (int i = 0; i < 4; i++) {
        eb_tiny_input_data()[i] = (int8_t)i;
    }
    eb_tiny_run();
    for (int i = 0; i < 4; i++) {
        put_number((uint32_t)eb_tiny_output_data()[i]);
        eb_port_putc(' ');
    }
    uint32_t before = eb_port_cycles();
    uint64_t micros = eb_port_micros() / divisor;
    int running = eb_port_cycles() - before > 0u && micros < 1000000u;
    put(running ? "cycles-ok\\r\\n" : "cycles-broken\\r\\n");
}

int main(void)
{
    eb_init_port();
    report();
    for (;;) {
        int c = eb_port_getc();
        if (c == '?') {
            report();
        } else if (c >= 0) {
            eb_port_putc((char)c);
        }
    }
}
"""

INI = """\
[platformio]
default_envs = {board}

[env:{board}]
platform = symlink://platform
board = {board}
"""


def write_fixture_project(out: Path, board: Board) -> Path:
    """Writes the project for ``board`` into the empty or absent folder ``out``; returns it."""
    firmware = data_dir("firmware")
    files = {
        "platformio.ini": INI.format(board=board.id),
        "lib/eb_tiny/library.json": '{"name": "eb_tiny", "version": "0.1.0"}\n',
        "lib/eb_tiny/tiny.h": MODEL_H,
        "lib/eb_tiny/tiny.c": MODEL_C,
        "lib/eb_tiny/tiny_weights.c": WEIGHTS_C,
        "src/main.c": MAIN_C,
    }
    for name, text in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(firmware / "platform", out / "platform", ignore=skip)
    (out / "platform" / "boards").mkdir()
    shutil.copy(data_dir("boards") / f"{board.id}.toml", out / "platform" / "boards")
    for name in ("include", "common", board.port):
        shutil.copytree(firmware / "port" / name, out / "port" / name, ignore=skip)
    return out
