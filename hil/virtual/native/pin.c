/* The pin of energy mode, as a meter would see it. */
#include "board.h"

#include <stdlib.h>
#include <string.h>

void eb_board_watch(
    eb_board *board, uint32_t high, uint32_t high_bits, uint32_t low, uint32_t low_bits)
{
    eb_pin *pin = &board->pin;
    pin->high = high;
    pin->high_bits = high_bits;
    pin->low = low;
    pin->low_bits = low_bits;
    pin->level = -1;
    pin->levels = calloc(EB_MAX_LEVELS, sizeof *pin->levels);
}

int eb_board_add_pin_need(eb_board *board, uint32_t address, uint32_t mask, uint32_t value)
{
    eb_pin *pin = &board->pin;
    if (pin->need_count >= EB_MAX_PIN_NEEDS) {
        return -1;
    }
    pin->needs[pin->need_count++] = (eb_need){EB_TO_RUN, address, mask, value};
    return 0;
}

/* A register of GPIO, clocks or supplies was written. */
void eb_pin_write(eb_board *board, uint32_t address, uint32_t value)
{
    eb_pin *pin = &board->pin;
    if (pin->levels == NULL) {
        return;
    }
    if (address == pin->high && (value & pin->high_bits) != 0u) {
        pin->latch = true;
    }
    if (address == pin->low && (value & pin->low_bits) != 0u) {
        pin->latch = false;
    }
    int level = pin->latch ? 1 : 0;
    for (int i = 0; i < pin->need_count; i++) {
        level = eb_is_met(board, &pin->needs[i]) ? level : -1;
    }
    if (level >= 0 && level != pin->level && pin->level_count < EB_MAX_LEVELS) {
        pin->levels[pin->level_count] = board->instructions << 1 | (uint64_t)level;
        pin->level_count++;
    }
    pin->level = level;
}

/* How many there are; at most `capacity` of them are copied. */
uint32_t eb_board_levels(const eb_board *board, uint64_t *levels, uint32_t capacity)
{
    uint32_t count = board->pin.level_count;
    uint32_t copied = count < capacity ? count : capacity;
    if (copied > 0u) {
        memcpy(levels, board->pin.levels, copied * sizeof *levels);
    }
    return count;
}
