/* Exact instruction counts: one callback per basic block, one decoding per block and lifetime. */
#include "board.h"

#include <stdlib.h>

#define FLAG_STEP_ENTRY 1u  /* the block starts a step function */
#define FLAG_MOVES_STACK 2u /* the block moves the stack pointer down */
#define FLAG_USES_FPU 4u    /* the block has a floating-point instruction */

static uint32_t halfword(const eb_board *board, uint32_t offset)
{
    return (uint32_t)board->code[offset] | (uint32_t)board->code[offset + 1u] << 8;
}

/* Flags of one Thumb instruction whose first halfword is `first`. */
static uint32_t thumb_flags(uint32_t first, uint32_t second)
{
    uint32_t flags = 0u;
    if ((first & 0xFE00u) == 0xB400u || (first & 0xFF80u) == 0xB080u) { /* PUSH, SUB SP */
        flags |= FLAG_MOVES_STACK;
    }
    switch (first) {
    case 0xE92Du: /* PUSH.W */
    case 0xE96Du: /* STRD [SP, #-n]! */
    case 0xEBADu: /* SUB.W SP, SP, register */
    case 0xED2Du: /* VPUSH */
    case 0xF1ADu: /* SUB.W SP, SP, constant */
    case 0xF2ADu: /* SUBW */
    case 0xF5ADu: /* SUB.W, bit 26 of the constant set */
    case 0xF84Du: /* STR [SP, #-4]! */
        flags |= FLAG_MOVES_STACK;
        break;
    default:
        break;
    }
    /* Coprocessors 10 and 11 (Armv7-M reference manual, A6.4). */
    if ((first & 0xEC00u) == 0xEC00u && (first & 0x0300u) != 0x0300u &&
        (second & 0x0E00u) == 0x0A00u) {
        flags |= FLAG_USES_FPU;
    }
    return flags;
}

static uint32_t riscv_flags(uint32_t first, uint32_t second)
{
    uint32_t word = first | second << 16;
    bool addi = (word & 0x7FFFu) == 0x0113u && (word >> 15 & 31u) == 2u; /* ADDI sp, sp */
    bool sub = (word & 0xFFFu) == 0x0133u;                               /* SUB sp */
    bool compressed = (first & 0xEF83u) == 0x6101u ||                    /* C.ADDI16SP */
                      (first & 0xEF83u) == 0x0101u;                      /* C.ADDI sp */
    return addi || sub || compressed ? FLAG_MOVES_STACK : 0u;
}

static void decode(eb_board *board, eb_block *block)
{
    uint32_t offset = block->address - board->code_start;
    if (offset >= board->code_size || block->size > board->code_size - offset) {
        return;
    }
    uint32_t end = offset + block->size;
    bool riscv = board->emulator.riscv != 0;
    uint32_t fixed = (uint32_t)board->emulator.fixed;
    if (fixed != 0u) {
        block->instructions = block->size / fixed;
        offset = end;
    }
    while (offset + 2u <= end) {
        uint32_t first = halfword(board, offset);
        bool wide = riscv ? (first & 3u) == 3u : first >> 11 >= 0x1Du;
        uint32_t second = wide && offset + 4u <= end ? halfword(board, offset + 2u) : 0u;
        block->flags |= riscv ? riscv_flags(first, second) : thumb_flags(first, second);
        block->instructions++;
        offset += wide ? 4u : 2u;
    }
    for (int step = 0; step < board->step_count; step++) {
        if (board->step_address[step] == block->address) {
            block->flags |= FLAG_STEP_ENTRY;
        }
    }
}

static eb_block *new_block(eb_board *board, uint32_t address, uint32_t size)
{
    uint32_t index = board->block_count;
    uint32_t chunk = index / EB_CHUNK_BLOCKS;
    if (chunk >= EB_MAX_CHUNKS) {
        return NULL;
    }
    if (board->chunks[chunk] == NULL) {
        board->chunks[chunk] = calloc(EB_CHUNK_BLOCKS, sizeof(eb_block));
        if (board->chunks[chunk] == NULL) {
            return NULL;
        }
    }
    eb_block *block = &board->chunks[chunk][index % EB_CHUNK_BLOCKS];
    block->address = address;
    block->size = size;
    block->step = board->open_step;
    decode(board, block);
    __atomic_store_n(&board->block_count, index + 1u, __ATOMIC_RELEASE);
    return block;
}

/* The block as executed in the open step; it becomes the first of its address. */
static eb_block *find_block(eb_board *board, uint32_t address, uint32_t size)
{
    uint32_t offset = address - board->code_start;
    if (offset >= board->code_size) {
        return NULL;
    }
    eb_block **head = &board->table[offset >> 1];
    eb_block **place = head;
    while (*place != NULL && ((*place)->size != size || (*place)->step != board->open_step)) {
        place = &(*place)->next;
    }
    eb_block *found = *place;
    if (found != NULL) {
        *place = found->next;
    } else {
        found = new_block(board, address, size);
        if (found == NULL) {
            return NULL;
        }
    }
    found->next = *head;
    *head = found;
    return found;
}

static uint32_t read_register(const eb_board *board, int reg)
{
    uint64_t value = 0;
    (void)board->emulator.reg_read(board->emulator.uc, reg, &value);
    return (uint32_t)value;
}

static void close_step(eb_board *board)
{
    if (board->open_step >= 0) {
        board->step_instructions[board->open_step] += board->instructions - board->step_start;
    }
    board->open_step = -1;
    board->step_return = UINT64_MAX;
}

static void open_step(eb_board *board, uint32_t address)
{
    for (int step = 0; step < board->step_count; step++) {
        if (board->step_address[step] != address || board->open_step == step) {
            continue; /* a loop may branch back to its function's first instruction */
        }
        close_step(board);
        board->open_step = step;
        board->step_start = board->instructions;
        board->step_return = read_register(board, board->emulator.reg_lr) & ~UINT32_C(1);
        return;
    }
}

static void check_stack(eb_board *board)
{
    uint32_t sp = read_register(board, board->emulator.reg_sp);
    if (sp < board->stack_lowest) {
        board->stack_lowest = sp;
        if (sp < board->stack_bottom) {
            eb_raise(board, EB_FAULT_STACK_OVERFLOW, sp, 1);
        }
    }
}

/* What few blocks need: steps opening and closing, the stack's limit, the FPU's enable bits. */
static void special_block(eb_board *board, const eb_block *block)
{
    if (board->check_stack) {
        check_stack(board);
    }
    board->check_stack = (block->flags & FLAG_MOVES_STACK) != 0u;
    if (block->address == board->step_return) {
        close_step(board);
    }
    if ((block->flags & FLAG_STEP_ENTRY) != 0u) {
        open_step(board, block->address);
    }
    if ((block->flags & FLAG_USES_FPU) != 0u && !board->fpu_enabled) {
        eb_raise(board, EB_FAULT_FPU_DISABLED, block->address, 0);
    }
}

void eb_on_block(void *uc, uint64_t address, uint32_t size, void *user)
{
    (void)uc;
    eb_board *board = user;
    eb_block *previous = board->previous;
    if (previous != NULL && previous->address + previous->size == address) {
        previous->fell_through++;
    }
    board->previous = NULL;
    uint32_t offset = (uint32_t)address - board->code_start;
    eb_block *block = offset < board->code_size ? board->table[offset >> 1] : NULL;
    if (block == NULL || block->size != size) {
        block = find_block(board, (uint32_t)address, size);
        if (block == NULL) {
            return;
        }
    }
    /* FLAG_USES_FPU needs a look only until the firmware has enabled the unit. */
    uint32_t flags = board->fpu_enabled ? block->flags & ~FLAG_USES_FPU : block->flags;
    if (flags != 0u || board->check_stack || address == board->step_return) {
        special_block(board, block);
    }
    if (block->step != board->open_step) { /* seen in another step, or the step begins here */
        block = find_block(board, (uint32_t)address, size);
        if (block == NULL) {
            return;
        }
    }
    if (board->modelling) {
        eb_model_block(board, block);
    }
    block->executions++;
    board->instructions += block->instructions;
    board->previous = block;
}

uint64_t eb_board_instructions(const eb_board *board)
{
    return board->instructions;
}

uint64_t eb_board_step(const eb_board *board, int step)
{
    if (step < 0 || step >= board->step_count) {
        return 0;
    }
    uint64_t open = board->open_step == step ? board->instructions - board->step_start : 0;
    return board->step_instructions[step] + open;
}

uint32_t eb_board_blocks(const eb_board *board, eb_block_count *counts, uint32_t capacity)
{
    uint32_t count = __atomic_load_n(&board->block_count, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < count && i < capacity; i++) {
        const eb_block *block = &board->chunks[i / EB_CHUNK_BLOCKS][i % EB_CHUNK_BLOCKS];
        counts[i].fell_through = block->fell_through; /* before executions: never more than those */
        counts[i].executions = block->executions;
        counts[i].fetch_stalls = block->fetch_stalls;
        counts[i].data_stalls = block->data_stalls;
        counts[i].step = block->step;
        counts[i].address = block->address;
        counts[i].size = block->size;
        counts[i].instructions = block->instructions;
    }
    return count;
}
