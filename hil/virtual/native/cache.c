/* Waiting for memory: caches and read buffers in front of the flash and other slow memories.
 *
 * Only while `modelling` is set, as each executed block is looked up line by line, and so is each
 * of its loads from a slow memory. (A memory hook of Unicorn would tell their addresses, but in
 * version 2.1.4 it makes Thumb code compute wrong results.) The stalls are added to the block. */
#include "board.h"

#include <stdlib.h>
#include <string.h>

#define NO_LINE 0xFFFFFFFFu
#define PERIPHERALS 0x40000000u /* the memories of all Arm chips lie below (DDI 0403E, B3.1) */
#define MEMORY_SHIFT 24         /* addresses of one memory share the bits from this one on */
#define CORE_REGISTERS 16u      /* registers of a sum below this are the core's, the others words */

static int new_cache(eb_cache *cache, const eb_cache_shape *shape)
{
    uint32_t slots = shape->sets * shape->ways;
    cache->shape = *shape;
    cache->lines = malloc(slots * sizeof *cache->lines);
    if (slots == 0u || cache->lines == NULL) {
        return -1;
    }
    for (uint32_t i = 0; i < slots; i++) {
        cache->lines[i] = (eb_line){.number = NO_LINE};
    }
    cache->last_read = NO_LINE;
    return 0;
}

int eb_board_set_memory(eb_board *board, const eb_memory *memory, eb_describe describe)
{
    if (memory->slow_count > EB_MAX_SLOW || new_cache(&board->caches[0], &memory->fetch) != 0 ||
        (!memory->unified && new_cache(&board->caches[1], &memory->data) != 0)) {
        return -1;
    }
    board->memory = *memory;
    board->describe = describe;
    return 0;
}

void eb_board_free_memory(eb_board *board)
{
    for (uint32_t i = 0; i < board->block_count; i++) {
        free(board->chunks[i / EB_CHUNK_BLOCKS][i % EB_CHUNK_BLOCKS].loads);
    }
    free(board->caches[0].lines);
    free(board->caches[1].lines);
}

void eb_board_model(eb_board *board, int on)
{
    board->modelling = on != 0 && board->describe != NULL;
}

/* The slot of line `number`, which replaces the least recently used of its set. */
static eb_line *find_line(eb_cache *cache, uint32_t number)
{
    uint32_t ways = cache->shape.ways;
    eb_line *set = cache->lines + (size_t)(number % cache->shape.sets) * ways;
    eb_line *oldest = set;
    for (uint32_t way = 0; way < ways; way++) {
        if (set[way].number == number) {
            return &set[way];
        }
        if (set[way].used < oldest->used) {
            oldest = &set[way];
        }
    }
    *oldest = (eb_line){.number = number};
    return oldest;
}

/* Cycles until the `read_bytes` that hold `address` are there. */
static uint32_t stall(eb_cache *cache, uint32_t address, const eb_wait *wait)
{
    const eb_cache_shape *shape = &cache->shape;
    eb_line *line = find_line(cache, address / shape->line_bytes);
    line->used = ++cache->clock;
    uint32_t part = UINT32_C(1) << (address % shape->line_bytes / shape->read_bytes);
    if ((line->valid & part) != 0u) {
        return 0u;
    }
    line->valid |= part;
    uint32_t read = address / shape->read_bytes;
    uint32_t cycles = read == cache->last_read + 1u ? wait->next : wait->first;
    cache->last_read = read;
    return cycles;
}

static void fetch(eb_board *board, eb_block *block)
{
    eb_cache *cache = &board->caches[0];
    uint32_t step = cache->shape.read_bytes;
    uint32_t end = block->address + block->size;
    for (uint32_t address = block->address & ~(step - 1u); address < end; address += step) {
        block->fetch_stalls += stall(cache, address, &board->memory.fetch_wait);
    }
}

static void load(eb_board *board, eb_block *block, uint32_t start, uint32_t size)
{
    eb_cache *cache = &board->caches[board->memory.unified != 0u ? 0 : 1];
    uint32_t step = cache->shape.read_bytes;
    for (uint32_t i = 0; i < board->memory.slow_count; i++) {
        const eb_slow *slow = &board->memory.slow[i];
        if (start - slow->start >= slow->size) {
            continue;
        }
        for (uint32_t address = start & ~(step - 1u); address < start + size; address += step) {
            block->data_stalls += stall(cache, address, &slow->wait);
        }
        return;
    }
}

/* Asks Python once where the block loads from. */
static void describe(eb_board *board, eb_block *block)
{
    eb_load loads[EB_MAX_LOADS];
    uint32_t words = 0;
    block->described = true;
    uint32_t count = board->describe(block->address, block->size, loads, EB_MAX_LOADS, &words);
    if (count == 0u || count > EB_MAX_LOADS || words > EB_MAX_WORDS) {
        return;
    }
    block->loads = malloc(count * sizeof *block->loads);
    if (block->loads == NULL) {
        return;
    }
    memcpy(block->loads, loads, count * sizeof *block->loads);
    block->word_count = words;
    block->load_count = count;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t t = 0; t < loads[i].terms; t++) {
            if (loads[i].registers[t] < CORE_REGISTERS) {
                block->load_registers |= UINT32_C(1) << loads[i].registers[t];
            }
        }
    }
}

/* Before a block runs: its instructions are fetched, and its loads follow from the registers. */
void eb_model_block(eb_board *board, eb_block *block)
{
    fetch(board, block);
    if (!block->described) {
        describe(board, block);
    }
    uint32_t values[CORE_REGISTERS + EB_MAX_WORDS];
    const eb_emulator *emulator = &board->emulator;
    for (uint32_t r = 0; r < CORE_REGISTERS && block->load_count != 0u; r++) {
        if ((block->load_registers >> r & 1u) != 0u) {
            uint64_t value = 0;
            (void)emulator->reg_read(emulator->uc, emulator->registers[r], &value);
            values[r] = (uint32_t)value;
        }
    }
    uint32_t memory = 0;
    for (uint32_t i = 0; i < block->load_count; i++) {
        const eb_load *from = &block->loads[i];
        uint32_t address = from->constant;
        for (uint32_t t = 0; t < from->terms; t++) {
            address += from->factors[t] * values[from->registers[t]];
        }
        if (i < block->word_count) {
            values[CORE_REGISTERS + i] = 0u;
            if (address < PERIPHERALS) { /* where reading has no effects */
                (void)emulator->mem_read(emulator->uc, address, &values[CORE_REGISTERS + i], 4u);
            }
            continue;
        }
        if (from->is_pipelined != 0u && address >> MEMORY_SHIFT != memory) {
            block->data_stalls += board->memory.other_memory;
        }
        memory = address >> MEMORY_SHIFT;
        if (from->size != 0u) {
            load(board, block, address, from->size);
        }
    }
}
