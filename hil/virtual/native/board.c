/* The board as a whole: set-up, the run loop, faults. */
#include "board.h"

#include <stdlib.h>
#include <string.h>

#include "sockets.h"

#define NOWHERE 0xFFFFFFF0u /* an address at which no chip has code */

eb_board *eb_board_new(const eb_emulator *emulator)
{
    eb_board *board = calloc(1, sizeof *board);
    if (board == NULL) {
        return NULL;
    }
    board->emulator = *emulator;
    board->open_step = -1;
    board->step_return = UINT64_MAX;
    board->stack_lowest = UINT32_MAX;
    board->uart.listener = -1;
    board->uart.client = -1;
    board->uart.wake[0] = -1;
    board->uart.wake[1] = -1;
    return board;
}

void eb_board_free(eb_board *board)
{
    eb_uart_close(board);
    if (board->uart.wake[0] >= 0) {
        eb_close_wake(board->uart.wake);
    }
    eb_board_free_memory(board);
    for (int i = 0; i < EB_MAX_CHUNKS; i++) {
        free(board->chunks[i]);
    }
    for (int i = 0; i < board->device_count; i++) {
        free(board->devices[i].registers);
    }
    free(board->pin.levels);
    free(board->table);
    free(board->code);
    free(board);
}

int eb_board_set_code(eb_board *board, uint32_t start, uint32_t size, const uint8_t *bytes)
{
    board->code = malloc(size);
    board->table = calloc(size / 2u + 1u, sizeof(eb_block *));
    if (board->code == NULL || board->table == NULL) {
        return -1;
    }
    memcpy(board->code, bytes, size);
    board->code_start = start;
    board->code_size = size;
    return 0;
}

int eb_board_add_step(eb_board *board, uint32_t address)
{
    if (board->step_count >= EB_MAX_STEPS) {
        return -1;
    }
    board->step_address[board->step_count] = address;
    return board->step_count++;
}

void eb_board_set_stack(eb_board *board, uint32_t bottom)
{
    board->stack_bottom = bottom;
}

int eb_board_add_device(eb_board *board, int kind, uint32_t base, uint32_t size, uint32_t divider)
{
    if (board->device_count >= EB_MAX_DEVICES) {
        return -1;
    }
    eb_device *device = &board->devices[board->device_count];
    device->board = board;
    device->kind = (eb_device_kind)kind;
    device->base = base;
    device->size = size;
    device->divider = divider == 0u ? 1u : divider;
    device->running = device->kind == EB_MTIME || device->kind == EB_TIMER_RP2040;
    device->registers = calloc(size / 4u + 1u, sizeof(uint32_t));
    return device->registers == NULL ? -1 : board->device_count++;
}

int eb_board_add_rule(eb_board *board, int device, const eb_rule *rule)
{
    if (device < 0 || device >= board->device_count) {
        return -1;
    }
    eb_device *target = &board->devices[device];
    if (target->rule_count >= EB_MAX_RULES) {
        return -1;
    }
    target->rules[target->rule_count++] = *rule;
    return 0;
}

int eb_board_add_need(
    eb_board *board, int device, int purpose, uint32_t address, uint32_t mask, uint32_t value)
{
    if (device < 0 || device >= board->device_count || purpose < 0 || purpose >= EB_PURPOSES) {
        return -1;
    }
    eb_device *target = &board->devices[device];
    if (target->need_count >= EB_MAX_NEEDS) {
        return -1;
    }
    target->needs[target->need_count++] = (eb_need){(eb_purpose)purpose, address, mask, value};
    return 0;
}

/* The line has a rate from now on: that at which the `need`-th EB_AT_RATE of `device` is `value`.
 */
int eb_board_set_rate(eb_board *board, int device, int need, uint32_t value)
{
    if (device < 0 || device >= board->device_count) {
        return -1;
    }
    eb_device *target = &board->devices[device];
    for (int n = 0; n < target->need_count; n++) {
        if (target->needs[n].purpose == EB_AT_RATE && need-- == 0) {
            target->needs[n].value = value;
            board->line_has_rate = true;
            board->line_changed = true;
            return 0;
        }
    }
    return -1;
}

void eb_board_set_clock(eb_board *board, uint32_t khz)
{
    board->clock_khz = khz;
}

int eb_board_set_register(eb_board *board, int device, uint32_t offset, uint32_t value)
{
    if (device < 0 || device >= board->device_count || offset >= board->devices[device].size) {
        return -1;
    }
    board->devices[device].registers[offset / 4u] = value;
    return 0;
}

/* Devices can be smaller than a page: a page is mapped once, however many devices lie in it. */
static int map_page(eb_board *board, uint32_t base, uint32_t page_bytes)
{
    for (int i = 0; i < board->page_count; i++) {
        if (board->pages[i].base == base) {
            return 0;
        }
    }
    if (board->page_count >= EB_MAX_PAGES) {
        return -1;
    }
    eb_page *page = &board->pages[board->page_count++];
    page->board = board;
    page->base = base;
    const eb_emulator *emulator = &board->emulator;
    return emulator->mmio_map(emulator->uc, base, page_bytes, eb_on_read, page, eb_on_write, page);
}

int eb_board_map(eb_board *board, uint32_t page_bytes)
{
    eb_look_at_needs(board);
    for (int i = 0; i < board->device_count; i++) {
        const eb_device *device = &board->devices[i];
        uint32_t first = device->base & ~(page_bytes - 1u);
        uint32_t last = (device->base + device->size - 1u) & ~(page_bytes - 1u);
        for (uint32_t n = 0; n <= (last - first) / page_bytes; n++) {
            if (map_page(board, first + n * page_bytes, page_bytes) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

static bool on_invalid(void *uc, int access, uint64_t address, int size, int64_t value, void *user)
{
    (void)uc;
    (void)size;
    (void)value;
    eb_board *board = user;
    board->fault = EB_FAULT_MEMORY;
    board->fault_address = address;
    board->fault_access = access;
    return false;
}

int eb_board_listen(eb_board *board, int listener)
{
    return eb_uart_open(board, listener);
}

void eb_raise(eb_board *board, eb_fault_kind fault, uint64_t address, int32_t access)
{
    if (board->fault == EB_NO_FAULT) {
        board->fault = fault;
        board->fault_address = address;
        board->fault_access = access;
    }
    (void)board->emulator.emu_stop(board->emulator.uc);
}

static int add_hooks(eb_board *board)
{
    const eb_emulator *emulator = &board->emulator;
    void (*block)(void *, uint64_t, uint32_t, void *) = eb_on_block;
    bool (*invalid)(void *, int, uint64_t, int, int64_t, void *) = on_invalid;
    void *hooks[2] = {NULL, NULL}; /* C99 has no cast from a function to an object pointer */
    memcpy(&hooks[0], &block, sizeof hooks[0]);
    memcpy(&hooks[1], &invalid, sizeof hooks[1]);
    const int types[2] = {emulator->hook_block, emulator->hook_invalid};
    int error = 0;
    for (int i = 0; i < 2 && error == 0; i++) { /* begin above end: every address */
        error = emulator->hook_add(emulator->uc, &board->hooks[i], types[i], hooks[i], board,
                                   UINT64_C(1), UINT64_C(0));
    }
    return error;
}

/* Counts what somebody else lets run, from here on; returns Unicorn's error code. */
int eb_board_count(eb_board *board)
{
    const eb_emulator *emulator = &board->emulator;
    void (*block)(void *, uint64_t, uint32_t, void *) = eb_on_block;
    void *hook = NULL; /* C99 has no cast from a function to an object pointer */
    memcpy(&hook, &block, sizeof hook);
    return emulator->hook_add(emulator->uc, &board->hooks[0], emulator->hook_block, hook, board,
                              UINT64_C(1), UINT64_C(0));
}

/* Runs until a fault or a stop; returns Unicorn's error code. */
int eb_board_run(eb_board *board, uint64_t start)
{
    const eb_emulator *emulator = &board->emulator;
    int error = add_hooks(board);
    while (error == 0 && board->fault == EB_NO_FAULT && !board->stop_requested) {
        error = emulator->emu_start(emulator->uc, start, NOWHERE, 0, 0);
        if (error == 0 && board->fault == EB_NO_FAULT) {
            eb_uart_idle(board); /* WFI and WFE end here: there are no interrupts to wait for */
        }
        start = 0;
        (void)emulator->reg_read(emulator->uc, emulator->reg_pc, &start);
        start |= emulator->riscv ? 0u : 1u; /* Thumb */
    }
    eb_uart_flush(board);
    return error;
}

void eb_board_stop(eb_board *board)
{
    board->stop_requested = 1;
    if (board->uart.wake[0] >= 0) {
        eb_wake(board->uart.wake);
    }
    (void)board->emulator.emu_stop(board->emulator.uc);
}

/* Closes the sockets; only while the board does not run. */
void eb_board_disconnect(eb_board *board)
{
    eb_uart_close(board);
}

uint64_t eb_board_polls(const eb_board *board)
{
    return board->polls;
}

uint32_t eb_board_stack_lowest(const eb_board *board)
{
    return board->stack_lowest;
}

int eb_board_fault(const eb_board *board, uint64_t *address, int32_t *access)
{
    *address = board->fault_address;
    *access = board->fault_access;
    return (int)board->fault;
}
