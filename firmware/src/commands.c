#include "commands.h"

#include <stdbool.h>
#include <stddef.h>

#include "bench_model.h"
#include "boxes.h"
#include "boxes_binding.h"
#include "counters.h"
#include "hosted.h"
#include "eb_port.h"
#include "energy.h"
#include "format.h"
#include "frames.h"
#include "help.h"
#include "image.h"
#include "loader.h"
#include "profile.h"
#include "rate.h"
#include "results.h"
#include "rows.h"
#include "split.h"
#include "split_binding.h"
#include "words.h"

#define DEFAULT_WARMUPS 10

/* `foreign` in brackets; NULL: nothing. */
static void put_quoted(const char *text, const char *foreign)
{
    bench_put_text(text);
    bench_put_foreign(foreign == NULL ? "" : foreign);
    bench_put_line("]");
}

void bench_put_timestamp(uint64_t micros)
{
    bench_put_number_line("m-lap-us-", micros, "");
}

/* One run; false when the model reports an error, which is answered here. */
static bool run_once(void)
{
    bench_load_apply();
#if EB_BENCH_ROW_BYTES > 0
    eb_status status = bench_rows_status(); /* it ran as the rows came */
#else
    eb_status status = EB_MODEL(run)();
#endif
    (void)eb_port_micros(); /* at least once per wrap of the cycle counter */
    if (status != EB_OK) {
        bench_put_number_line("e-[The run failed with status ", (uint64_t)status, "]");
    }
    bench_outputs_valid = status == EB_OK;
    return status == EB_OK;
}

static bool inputs_ready(void)
{
    if (!bench_load_ready()) {
        bench_put_line("e-[load the input first]");
        return false;
    }
    return true;
}

static bool outputs_ready(void)
{
    if (!bench_outputs_valid) {
        bench_put_line("e-[infer first: there are no results]");
    }
    return bench_outputs_valid;
}

static void do_name(char *rest)
{
    (void)rest;
    bench_put_line("m-name-dut-[" EB_BENCH_VENDOR "]");
}

static void do_timestamp(char *rest)
{
    (void)rest;
#ifdef EB_ENERGY_MODE
    (void)bench_pulse();
#else
    bench_put_timestamp(eb_port_micros());
#endif
}

#ifdef EB_ENERGY_MODE
static void do_window(char *rest)
{
    (void)rest;
    bench_put_number_line("m-window-us-", bench_window_micros(), "");
}
#endif

static void do_profile(char *rest)
{
    (void)rest;
    bench_put_line("m-profile-[" FIRMWARE_VERSION "]");
    bench_put_line("m-model-[" EB_BENCH_MODEL_VERSION "]");
}

static void load(char *rest)
{
    const char *word = bench_next_word(&rest);
    if (word == NULL) {
        bench_put_line("e-[Command 'db load' requires the # of bytes]");
        return;
    }
    int32_t bytes = bench_number(word);
    bool begun = bench_load_begin(bytes > 0 ? (uint32_t)bytes : 0u);
    if (bytes == 0 || bytes == NOT_A_NUMBER) {
        bench_put_line("e-[Command 'db load' must be >0 bytes]");
    } else if (!begun) {
        bench_put_text("e-[Supplied buffer size ");
        bench_put_text(word);
        bench_put_number_line(" exceeds maximum of ", bench_load_capacity(), "]");
    } else {
        bench_put_number_line("m-[Expecting ", (uint64_t)bytes, " bytes]");
    }
}

static void do_db(char *rest)
{
    const char *word = bench_next_word(&rest);
    if (word == NULL) {
        bench_put_line("e-[Command 'db' requires a subcommand]");
    } else if (bench_same(word, "load")) {
        load(rest);
    } else if (bench_same(word, "print")) {
        bench_load_print();
    } else {
        (void)bench_load_start();
        for (; *word != 0; word++) {
            bench_load_digit(*word);
        }
        bench_load_finish();
    }
}

static void do_in(char *rest)
{
    const char *word = bench_next_word(&rest);
    int32_t input = word == NULL ? NOT_A_NUMBER : bench_number(word);
    if (!bench_load_select(input)) {
        put_quoted("e-[No such input: ", word);
        return;
    }
    bench_put_number("m-in-[", (uint64_t)input);
#if EB_BENCH_ROW_BYTES > 0
    bench_put_number(" ", bench_load_capacity());
    bench_put_number_line(" rows of ", EB_BENCH_ROW_BYTES, "]");
#else
    bench_put_number_line(" ", bench_load_capacity(), "]");
#endif
}

/* Runs and prints what `infer` answers, once its numbers are known to be good. */
static void infer(uint32_t runs, uint32_t warmups)
{
    bench_put_number_line("m-warmup-start-", warmups, "");
    for (uint32_t i = 0; i < warmups; i++) {
        if (!run_once()) {
            return;
        }
    }
    bench_put_line("m-warmup-done");
    bench_put_number_line("m-infer-start-", runs, "");
    uint64_t start = bench_begin_window();
    for (uint32_t i = 0; i < runs; i++) {
        if (!run_once()) {
            return;
        }
    }
    uint64_t end = bench_end_window();
#if EB_BENCH_ROW_BYTES > 0
    start = end - bench_rows_micros();
#endif
#ifdef EB_ENERGY_MODE
    (void)start; /* the pulses say it */
    (void)end;
#else
    bench_put_timestamp(start); /* only now: printing takes time too */
    bench_put_timestamp(end);
#endif
    bench_put_line("m-infer-done");
    bench_put_results();
}

static void do_infer(char *rest)
{
    const char *words[2] = {bench_next_word(&rest), NULL};
    words[1] = bench_next_word(&rest);
    int32_t counts[2] = {1, DEFAULT_WARMUPS};
    for (int i = 0; i < 2 && words[i] != NULL; i++) {
        counts[i] = bench_number(words[i]);
        if (counts[i] == OUT_OF_RANGE) {
            put_quoted("e-[Number out of range: ", words[i]);
            return;
        }
    }
    if (counts[0] <= 0) {
        bench_put_line("e-[Inference iterations must be >0]");
    } else if (counts[1] < 0) {
        bench_put_line("e-[Inference warmup must be >=0]");
    } else if (!bench_load_survives() && (counts[0] > 1 || counts[1] > 0)) {
#if EB_BENCH_ROW_BYTES > 0
        bench_put_line("e-[A run uses up the rows of its input: infer 1 0]");
#else
        bench_put_line("e-[The input does not survive a run on this board: infer 1 0]");
#endif
    } else if (inputs_ready()) {
        infer((uint32_t)counts[0], (uint32_t)counts[1]);
    }
}

static void do_results(char *rest)
{
    (void)rest;
    if (outputs_ready()) {
        bench_put_results();
    }
}

static void do_out(char *rest)
{
    (void)rest;
    if (outputs_ready()) {
        for (int i = 0; i < EB_MODEL(output_count)(); i++) {
            bench_put_output(i);
        }
    }
}

#if EB_BENCH_OUTPUT_FRAMES
static void do_get(char *rest)
{
    (void)rest;
    if (outputs_ready()) {
        for (int i = 0; i < EB_MODEL(output_count)(); i++) {
            bench_put_output_frame(i);
        }
    }
}
#endif

static void do_put(char *rest)
{
    (void)rest;
    (void)bench_load_start();
    (void)bench_load_finish_frame(false);
}

static void do_baud(char *rest)
{
    const char *word = bench_next_word(&rest);
    bool is_taken = word != NULL && bench_rate_ask(bench_number(word));
    put_quoted(is_taken ? "m-baud-[" : "e-[No such rate: ", word);
}

#if EB_BENCH_CANDIDATES > 0
static void do_boxes(char *rest)
{
    (void)rest;
    if (outputs_ready()) {
        bench_put_boxes();
    }
}
#endif

#if EB_BENCH_SPLIT_ROOM > 0
static void do_split(char *rest)
{
    const char *words[2] = {bench_next_word(&rest), NULL};
    words[1] = bench_next_word(&rest);
    int32_t numbers[2] = {NOT_A_NUMBER, 0}; /* rate, request */
    for (int i = 0; i < 2 && words[i] != NULL; i++) {
        numbers[i] = bench_number(words[i]);
    }
    if (numbers[0] < 1 || numbers[0] > EB_BENCH_SPLIT_HIGHEST) {
        put_quoted("e-[No such rate: ", words[0]);
    } else if (numbers[1] < 0) {
        put_quoted("e-[Number out of range: ", words[1]);
    } else if (outputs_ready()) {
        bench_put_split(numbers[0], (uint32_t)numbers[1]);
    }
}
#endif

static void do_build(char *rest)
{
    (void)rest;
    bench_put_text("m-build-[");
    bench_put_hex(bench_image_crc(), 8, 'a');
    bench_put_line("]");
}

static void do_mem(char *rest)
{
    (void)rest;
    bench_put_number("m-mem-[arena=", EB_MODEL(arena_size)());
    bench_put_number(" stack=", bench_stack_used());
    bench_put_number(" stack_size=", bench_stack_size());
    bench_put_line(EB_MODEL(canary_ok)() ? " canary=ok]" : " canary=broken]");
}

static void do_cyc(char *rest)
{
    (void)rest;
#if EB_BENCH_ROW_BYTES > 0
    if (!outputs_ready()) {
        return;
    }
#endif
    bench_put_cycles();
}

static void do_crc(char *rest)
{
    (void)rest;
#if EB_BENCH_ROW_BYTES > 0
    bench_put_line("e-[The steps of a row-fed model do not run one by one]");
#else
    if (inputs_ready()) {
        bench_put_checksums();
    }
#endif
}

#if EB_BENCH_STATE
static void do_reset(char *rest)
{
    (void)rest;
    EB_MODEL(reset)();
    bench_outputs_valid = false;
}
#endif

static const struct {
    const char *name;
    void (*run)(char *rest);
} commands[] = {
    {"name", do_name},
    {"timestamp", do_timestamp},
    {"profile", do_profile},
    {"help", bench_put_help},
    {"db", do_db},
    {"infer", do_infer},
    {"out", do_out},
    {"results", do_results},
    {"in", do_in},
    {"build", do_build},
    {"mem", do_mem},
    {"cyc", do_cyc},
    {"crc", do_crc},
    {"put", do_put},
    {"baud", do_baud},
#if EB_BENCH_OUTPUT_FRAMES
    {"get", do_get},
#endif
#ifdef EB_ENERGY_MODE
    {"window", do_window},
#endif
#if EB_BENCH_STATE
    {"reset", do_reset},
#endif
#if EB_BENCH_CANDIDATES > 0
    {"boxes", do_boxes},
#endif
#ifdef EB_BENCH_COUNTERS
    {"counters", bench_put_counters},
#endif
#if EB_BENCH_SPLIT_ROOM > 0
    {"split", do_split},
#endif
};

bool bench_command(char *command)
{
    const char *name = bench_next_word(&command);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (bench_same(name, commands[i].name)) {
            commands[i].run(command);
            return true;
        }
    }
    put_quoted("e-[Unknown command: ", name);
    return false;
}
