/* Registers outside the CPU: plain register files with rules, cycle counters, system control. */
#include "board.h"

#include <string.h>

#define CPACR 0xD88u
#define AIRCR 0xD0Cu
#define DEMCR_TRACE_ENABLE (UINT32_C(1) << 24)
#define DEMCR_ADDRESS 0xE000EDFCu

static int device_index(const eb_board *board, uint32_t address)
{
    for (int i = 0; i < board->device_count; i++) {
        if (address - board->devices[i].base < board->devices[i].size) {
            return i;
        }
    }
    return -1;
}

static eb_device *find_device(eb_board *board, uint32_t address)
{
    int index = device_index(board, address);
    return index < 0 ? NULL : &board->devices[index];
}

bool eb_is_met(const eb_board *board, const eb_need *need)
{
    int index = device_index(board, need->address);
    if (index < 0) {
        return false;
    }
    const eb_device *other = &board->devices[index];
    return (other->registers[(need->address - other->base) / 4u] & need->mask) == need->value;
}

static uint32_t lowest_bit(uint32_t mask)
{
    return mask & (~mask + 1u);
}

static uint32_t apply_rules(const eb_device *device, uint32_t offset, uint32_t value)
{
    for (int i = 0; i < device->rule_count; i++) {
        const eb_rule *rule = &device->rules[i];
        if (rule->offset != offset) {
            continue;
        }
        uint32_t field = rule->value;
        if (rule->source_offset >= 0) {
            uint32_t source = device->registers[(uint32_t)rule->source_offset / 4u];
            field = (source & rule->source_mask) / lowest_bit(rule->source_mask) *
                    lowest_bit(rule->mask);
            field ^= rule->value;
            if ((source & rule->when_mask) != rule->when_value) {
                field = 0u;
            }
        }
        value = (value & ~rule->mask) | (field & rule->mask);
    }
    return value;
}

static uint64_t clock_of(const eb_board *board)
{
    return board->instructions + board->idle;
}

/* Ticks of a counter device. */
static uint64_t ticks(const eb_device *device)
{
    if (!device->running) {
        return device->stopped;
    }
    return device->stopped + (clock_of(device->board) - device->zero) / device->divider;
}

static void set_ticks(eb_device *device, uint64_t value, bool running)
{
    device->stopped = value;
    device->zero = clock_of(device->board);
    device->running = running;
}

static bool trace_enabled(eb_board *board)
{
    const eb_device *system = find_device(board, DEMCR_ADDRESS);
    return system != NULL &&
           (system->registers[(DEMCR_ADDRESS - system->base) / 4u] & DEMCR_TRACE_ENABLE) != 0u;
}

static uint32_t nrf_timer_count(const eb_device *device)
{
    static const uint32_t masks[4] = {0xFFFFu, 0xFFu, 0xFFFFFFu, 0xFFFFFFFFu}; /* BITMODE */
    return (uint32_t)ticks(device) & masks[device->registers[0x508u / 4u] & 3u];
}

/* Finds out anew which devices lack what they need of others' registers. */
void eb_look_at_needs(eb_board *board)
{
    for (int i = 0; i < board->device_count; i++) {
        eb_device *device = &board->devices[i];
        bool lacks[EB_PURPOSES] = {false};
        for (int n = 0; n < device->need_count; n++) {
            if (!eb_is_met(board, &device->needs[n])) {
                lacks[device->needs[n].purpose] = true;
            }
        }
        device->had_rate = device->had_rate || !lacks[EB_AT_RATE];
        if (device->had_rate && !board->line_has_rate) {
            lacks[EB_AT_RATE] = false;
        }
        memcpy(device->lacks, lacks, sizeof lacks);
    }
}

static bool is_uart(const eb_device *device)
{
    switch (device->kind) {
    case EB_UART_STM32:
    case EB_UART_STM32_LEGACY:
    case EB_UART_NRF:
    case EB_UART_SERCOM:
    case EB_UART_PL011:
    case EB_UART_LPUART:
    case EB_UART_CMSDK:
        return true;
    default:
        return false;
    }
}

static uint32_t read_word(eb_device *device, uint32_t offset)
{
    if (is_uart(device)) {
        return eb_uart_read(device, offset);
    }
    if (device->lacks[EB_TO_RUN]) {
        return 0u;
    }
    switch (device->kind) {
    case EB_DWT:
        if (offset == 0x004u) {
            return (uint32_t)ticks(device);
        }
        break;
    case EB_TIMER_STM32:
        if (offset == 0x24u) {
            return (uint32_t)ticks(device);
        }
        break;
    case EB_MTIME:
        if (offset < 8u) {
            return (uint32_t)(ticks(device) >> (offset * 8u));
        }
        break;
    case EB_TIMER_RP2040:
        if (offset == 0x28u) {
            return (uint32_t)ticks(device);
        }
        break;
    default:
        break;
    }
    return apply_rules(device, offset, device->registers[offset / 4u]);
}

static void write_nrf_timer(eb_device *device, uint32_t offset, uint32_t value)
{
    if (value == 0u) {
        return;
    }
    if (offset == 0x000u) { /* TASKS_START */
        set_ticks(device, ticks(device), true);
    } else if (offset == 0x004u) { /* TASKS_STOP */
        set_ticks(device, ticks(device), false);
    } else if (offset == 0x00Cu) { /* TASKS_CLEAR */
        set_ticks(device, 0, device->running);
    } else if (offset >= 0x040u && offset < 0x058u) { /* TASKS_CAPTURE */
        device->registers[(offset + 0x500u) / 4u] = nrf_timer_count(device);
    }
}

/* CTRLA in the lower half of the first word, READREQ in the upper. */
static void write_sam_tc(eb_device *device, uint32_t offset, uint32_t value)
{
    if (offset != 0u) {
        return;
    }
    set_ticks(device, ticks(device), (value & 2u) != 0u); /* ENABLE */
    if (value >> 16 == 0x8010u) {                         /* RREQ of COUNT */
        device->registers[0x10u / 4u] = (uint32_t)ticks(device);
        device->registers[0] &= 0xFFFFu;
    }
}

static void write_system_control(eb_device *device, uint32_t offset, uint32_t value)
{
    if (offset == CPACR) {
        device->board->fpu_enabled = (value >> 20 & 0xFu) == 0xFu;
    } else if (offset == AIRCR && value >> 16 == 0x05FAu && (value & 4u) != 0u) {
        eb_raise(device->board, EB_FAULT_RESET_REQUEST, device->base + offset, 1);
    }
}

static void write_word(eb_device *device, uint32_t offset, uint32_t value)
{
    if (device->lacks[EB_TO_RUN]) {
        return;
    }
    device->registers[offset / 4u] = value;
    if (is_uart(device)) {
        eb_look_at_needs(device->board); /* some are of its own registers, as the baud rate's */
        eb_uart_write(device, offset, value);
        return;
    }
    switch (device->kind) {
    case EB_SYSTEM_CONTROL:
        write_system_control(device, offset, value);
        break;
    case EB_DWT:
        if (offset == 0x000u) { /* CTRL.CYCCNTENA */
            set_ticks(device, ticks(device), (value & 1u) != 0u && trace_enabled(device->board));
        } else if (offset == 0x004u) {
            set_ticks(device, value, device->running);
        }
        break;
    case EB_TIMER_STM32:
        if (offset == 0x00u) { /* CR1.CEN */
            set_ticks(device, ticks(device), (value & 1u) != 0u);
        } else if (offset == 0x24u) {
            set_ticks(device, value, device->running);
        } else if (offset == 0x14u && (value & 1u) != 0u) { /* EGR.UG */
            set_ticks(device, 0, device->running);
        }
        break;
    case EB_TIMER_NRF:
        write_nrf_timer(device, offset, value);
        break;
    case EB_TIMER_SAM_TC:
        write_sam_tc(device, offset, value);
        break;
    case EB_MTIME:
        if (offset < 8u) {
            uint64_t shift = offset * 8u;
            uint64_t keep = ticks(device) & ~(UINT64_C(0xFFFFFFFF) << shift);
            set_ticks(device, keep | (uint64_t)value << shift, device->running);
        }
        break;
    case EB_REGISTERS:
        eb_look_at_needs(device->board);
        eb_pin_write(device->board, device->base + offset, value);
        break;
    default:
        break;
    }
}

int eb_board_get_register(eb_board *board, uint32_t address, uint32_t *value)
{
    const eb_device *device = find_device(board, address);
    if (device == NULL || address % 4u != 0u) {
        return -1;
    }
    uint32_t offset = address - device->base;
    *value = apply_rules(device, offset, device->registers[offset / 4u]);
    return 0;
}

uint64_t eb_on_read(void *uc, uint64_t offset, unsigned size, void *user)
{
    (void)uc;
    const eb_page *page = user;
    eb_board *board = page->board;
    uint32_t address = page->base + (uint32_t)offset;
    eb_device *device = find_device(board, address);
    if (device == NULL) {
        eb_raise(board, EB_FAULT_UNMAPPED_REGISTER, address, 0);
        return 0;
    }
    uint32_t within = address - device->base;
    uint32_t word = read_word(device, within & ~3u) >> ((within & 3u) * 8u);
    return size >= 4u ? word : word & ((UINT32_C(1) << (size * 8u)) - 1u);
}

void eb_on_write(void *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    (void)uc;
    const eb_page *page = user;
    eb_board *board = page->board;
    uint32_t address = page->base + (uint32_t)offset;
    eb_device *device = find_device(board, address);
    if (device == NULL) {
        eb_raise(board, EB_FAULT_UNMAPPED_REGISTER, address, 1);
        return;
    }
    uint32_t within = address - device->base;
    uint32_t word = (uint32_t)value;
    if (size < 4u) {
        uint32_t shift = (within & 3u) * 8u;
        uint32_t mask = ((UINT32_C(1) << (size * 8u)) - 1u) << shift;
        word = (device->registers[within / 4u] & ~mask) | (word << shift & mask);
    }
    write_word(device, within & ~3u, word);
}
