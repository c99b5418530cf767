/* The native half of the virtual board: what runs per basic block or per register access.
 *
 * Python builds the machine (memory map, devices, rules) and owns the Unicorn engine; the functions
 * here are handed to Unicorn as raw callbacks. The engine's own functions come in as pointers, so
 * that this library and the Python package talk to the same copy of Unicorn. */
#ifndef EB_VIRTUAL_BOARD_H
#define EB_VIRTUAL_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EB_MAX_STEPS 4096
#define EB_MAX_DEVICES 64
#define EB_MAX_RULES 128
#define EB_MAX_NEEDS 16
#define EB_MAX_PIN_NEEDS 5
#define EB_MAX_LEVELS 65536
#define EB_MAX_PAGES 1024
#define EB_MAX_CHUNKS 1024
#define EB_CHUNK_BLOCKS 1024
#define EB_BUFFER_BYTES 4096
#define EB_MAX_SLOW 4
#define EB_MAX_LOADS 512
#define EB_MAX_WORDS 32
#define EB_MAX_TERMS 3

typedef uint64_t (*eb_read_callback)(void *uc, uint64_t offset, unsigned size, void *user);
typedef void (*eb_write_callback)(
    void *uc, uint64_t offset, unsigned size, uint64_t value, void *user);

/* Unicorn's functions and constants; filled by native.py, field for field. */
typedef struct {
    int (*hook_add)(void *uc,
                    size_t *handle,
                    int type,
                    void *callback,
                    void *user,
                    uint64_t begin,
                    uint64_t end,
                    ...);
    int (*mmio_map)(void *uc,
                    uint64_t address,
                    size_t size,
                    eb_read_callback read,
                    void *read_user,
                    eb_write_callback write,
                    void *write_user);
    int (*emu_start)(void *uc, uint64_t begin, uint64_t until, uint64_t timeout, size_t count);
    int (*emu_stop)(void *uc);
    int (*reg_read)(void *uc, int reg, void *value);
    int (*mem_read)(void *uc, uint64_t address, void *bytes, size_t size);
    void *uc;
    int32_t hook_block;
    int32_t hook_invalid;
    int32_t reg_pc;
    int32_t reg_sp;
    int32_t reg_lr;
    int32_t riscv;
    int32_t fixed; /* bytes of each instruction, and no check of stack or FPU; 0: Thumb, RISC-V */
    int32_t registers[16]; /* Arm: R0 to R14 */
} eb_emulator;

/* Keep in step with DeviceKind of device.py. */
typedef enum {
    EB_REGISTERS = 0,     /* reads return what was written, but for the rules */
    EB_SYSTEM_CONTROL,    /* 0xE000E000: CPACR, DEMCR, AIRCR, SysTick, NVIC */
    EB_DWT,               /* 0xE0001000: CYCCNT */
    EB_TIMER_STM32,       /* CNT at 0x24 */
    EB_TIMER_NRF,         /* TASKS_CAPTURE[n] -> CC[n] */
    EB_MTIME,             /* 64-bit count at 0x00 */
    EB_UART_STM32,        /* ISR, RDR, TDR */
    EB_UART_STM32_LEGACY, /* status and one data register: STM32F1, GD32 */
    EB_UART_NRF,          /* tasks and events */
    EB_UART_SERCOM,       /* INTFLAG and DATA: SAM D21 */
    EB_TIMER_SAM_TC,      /* COUNT at 0x10, as of the last READREQ: SAM D21 */
    EB_UART_PL011,        /* FR and DR: RP2040 */
    EB_TIMER_RP2040,      /* TIMERAWL at 0x28 */
    EB_UART_LPUART,       /* STAT and DATA: i.MX RT */
    EB_UART_CMSDK         /* STATE and DATA: MPS2 */
} eb_device_kind;

/* Why the board stopped; keep in step with FAULTS of machine.py. */
typedef enum {
    EB_NO_FAULT = 0,
    EB_FAULT_UNMAPPED_REGISTER, /* inside a mapped page, outside every device */
    EB_FAULT_STACK_OVERFLOW,
    EB_FAULT_RESET_REQUEST,
    EB_FAULT_FPU_DISABLED,
    EB_FAULT_MEMORY /* address and access of an invalid access, as Unicorn tells it */
} eb_fault_kind;

typedef struct eb_board eb_board;

/* On reading the register at `offset`, the bits of `mask` are the field `source_mask` of the
 * register at `source_offset`, shifted into place and inverted where `value` has ones, or 0 unless
 * that register's `when_mask` reads `when_value`; or, where source_offset < 0, they are `value`. */
typedef struct {
    uint32_t offset;
    uint32_t mask;
    int32_t source_offset;
    uint32_t source_mask;
    uint32_t value;
    uint32_t when_mask;
    uint32_t when_value;
} eb_rule;

/* What a need is for; keep in step with Purpose of device.py. */
typedef enum {
    EB_TO_RUN = 0, /* without it, registers read 0 and take no writes */
    EB_TO_SEND,
    EB_TO_RECEIVE,
    EB_AT_RATE /* of the line: without it, what a UART sends and receives is garbage */
} eb_purpose;
#define EB_PURPOSES 4

/* The register at `address`, another device's, has to hold `value` in `mask`. */
typedef struct {
    eb_purpose purpose;
    uint32_t address;
    uint32_t mask;
    uint32_t value;
} eb_need;

typedef struct {
    eb_board *board;
    eb_device_kind kind;
    uint32_t base;
    uint32_t size;
    uint32_t *registers;
    uint64_t zero;    /* board's clock where this device's count is 0 */
    uint64_t stopped; /* count of a stopped counter */
    uint32_t divider; /* CPU clocks per tick */
    bool running;
    eb_rule rules[EB_MAX_RULES];
    int rule_count;
    eb_need needs[EB_MAX_NEEDS];
    int need_count;
    bool lacks[EB_PURPOSES]; /* a need of this purpose is not met */
    bool had_rate;           /* EB_AT_RATE was met once */
} eb_device;

/* A page of the emulator's memory map; accesses are given to the device they belong to. */
typedef struct {
    eb_board *board;
    uint32_t base;
} eb_page;

/* Where a load of a block reads: constant + factors x registers at the block's start. Register
 * 16 + n is word number n, which lies where the block's n-th entry says. */
typedef struct {
    uint32_t constant;
    uint32_t size;         /* bytes; 0: a store */
    uint32_t is_pipelined; /* issues while the entry before it is loaded, from the same memory */
    uint32_t terms;
    uint32_t registers[EB_MAX_TERMS];
    uint32_t factors[EB_MAX_TERMS];
} eb_load;

/* Fills in the words, then the loads of the block at `address`, at most `capacity`; returns how
 * many, and in `words` how many of them are words. */
typedef uint32_t (*eb_describe)(
    uint32_t address, uint32_t size, eb_load *loads, uint32_t capacity, uint32_t *words);

/* One translated basic block within one step. */
typedef struct eb_block {
    uint32_t address;
    uint32_t size;
    uint32_t instructions;
    uint32_t flags;
    int32_t step; /* the open one, or -1 */
    uint64_t executions;
    uint64_t fell_through;   /* executions followed by the block at the next address */
    uint64_t fetch_stalls;   /* modelled cycles of waiting for its instructions */
    uint64_t data_stalls;    /* and for its loads */
    bool described;          /* loads is filled in */
    uint32_t word_count;     /* entries of loads that only say where a pointer lies */
    uint32_t load_count;     /* all entries */
    uint32_t load_registers; /* a bit for each that a load needs */
    eb_load *loads;
    struct eb_block *next; /* same address, other size or step; the last used is first */
} eb_block;

/* What eb_board_blocks tells of a block; filled for native.py, field for field. */
typedef struct {
    uint64_t executions;
    uint64_t fell_through;
    uint64_t fetch_stalls;
    uint64_t data_stalls;
    int32_t step;
    uint32_t address;
    uint32_t size;
    uint32_t instructions;
} eb_block_count;

/* A cache, or with one line a read buffer; filled by native.py, field for field. */
typedef struct {
    uint32_t line_bytes;
    uint32_t sets;
    uint32_t ways;
    uint32_t read_bytes; /* what one miss brings; a part of a line, a power of two */
} eb_cache_shape;

/* Cycles that a miss costs: alone, and when it is for what follows the last miss. */
typedef struct {
    uint32_t first;
    uint32_t next;
} eb_wait;

typedef struct {
    uint32_t start;
    uint32_t size;
    eb_wait wait;
} eb_slow;

/* The chip's memories, as far as they make the core wait. */
typedef struct {
    eb_cache_shape fetch;
    eb_cache_shape data;
    uint32_t unified; /* data go through the cache of the instructions */
    eb_wait fetch_wait;
    uint32_t slow_count;
    eb_slow slow[EB_MAX_SLOW];
    uint32_t other_memory; /* cycles that a pipelined access to another memory takes longer */
} eb_memory;

typedef struct {
    uint32_t number;
    uint32_t valid; /* a bit for each read_bytes */
    uint64_t used;
} eb_line;

typedef struct {
    eb_cache_shape shape;
    eb_line *lines;
    uint64_t clock;
    uint32_t last_read;
} eb_cache;

typedef struct {
    int listener;
    int client;
    int wake[2]; /* of sockets.h: ends a wait when the board is stopped */
    uint8_t received[EB_BUFFER_BYTES];
    int received_count;
    int received_next;
    uint8_t sent[EB_BUFFER_BYTES];
    int sent_count;
    uint64_t last_empty_clock;
    int empty_reads;
    bool presented; /* nRF: the byte in RXD was announced */
} eb_uart;

/* The pin of energy mode: which writes make its level, and what it takes to be driven. */
typedef struct {
    uint32_t high; /* 0: there is none */
    uint32_t high_bits;
    uint32_t low;
    uint32_t low_bits;
    eb_need needs[EB_MAX_PIN_NEEDS];
    int need_count;
    bool latch;
    int level;        /* -1: not driven */
    uint64_t *levels; /* the clock x 2 + the level */
    volatile uint32_t level_count;
} eb_pin;

struct eb_board {
    eb_emulator emulator;
    size_t hooks[2];

    uint32_t code_start;
    uint32_t code_size;
    uint8_t *code;
    eb_block **table; /* per halfword of code: its block, or NULL */
    eb_block *chunks[EB_MAX_CHUNKS];
    volatile uint32_t block_count;
    eb_block *previous; /* the block before this one; NULL: none, or outside the code */
    bool check_stack;   /* the previous block moved the stack pointer */

    eb_memory memory;
    eb_cache caches[2];
    eb_describe describe; /* NULL: no memory is slow */
    volatile bool modelling;

    uint64_t instructions; /* executed since the start */
    uint64_t idle;         /* clocks slept since then: with the former, the board's clock */
    uint32_t clock_khz;
    volatile bool line_changed; /* by another thread; the CPU's looks at the needs again */
    volatile bool
        line_has_rate; /* as a socket has none; then a UART whose rate was once right is right */
    uint64_t polls;    /* reads of the UART's status: a sign of life */
    uint32_t step_address[EB_MAX_STEPS];
    uint64_t step_instructions[EB_MAX_STEPS];
    uint64_t step_start;
    uint64_t step_return; /* address that ends the open step; ~0 when none is open */
    int open_step;        /* -1: none */
    int step_count;
    uint32_t stack_bottom; /* 0: unknown */
    uint32_t stack_lowest;
    bool fpu_enabled;

    eb_device devices[EB_MAX_DEVICES];
    int device_count;
    eb_page pages[EB_MAX_PAGES];
    int page_count;
    eb_uart uart;
    eb_pin pin;

    volatile int stop_requested;
    eb_fault_kind fault;
    uint64_t fault_address;
    int32_t fault_access; /* Unicorn's uc_mem_type; 0: read, 1: write for devices */
};

/* Everything below returns 0 or a positive number for success and -1 for failure. */
eb_board *eb_board_new(const eb_emulator *emulator);
void eb_board_free(eb_board *board);
int eb_board_set_code(eb_board *board, uint32_t start, uint32_t size, const uint8_t *bytes);
int eb_board_add_step(eb_board *board, uint32_t address);
void eb_board_set_stack(eb_board *board, uint32_t bottom);
int eb_board_add_device(eb_board *board, int kind, uint32_t base, uint32_t size, uint32_t divider);
int eb_board_add_rule(eb_board *board, int device, const eb_rule *rule);
int eb_board_add_need(
    eb_board *board, int device, int purpose, uint32_t address, uint32_t mask, uint32_t value);
int eb_board_set_rate(eb_board *board, int device, int need, uint32_t value);
void eb_board_set_clock(eb_board *board, uint32_t khz);
int eb_board_set_register(eb_board *board, int device, uint32_t offset, uint32_t value);
int eb_board_get_register(eb_board *board, uint32_t address, uint32_t *value);
int eb_board_set_memory(eb_board *board, const eb_memory *memory, eb_describe describe);
void eb_board_model(eb_board *board, int on);
void eb_board_watch(
    eb_board *board, uint32_t high, uint32_t high_bits, uint32_t low, uint32_t low_bits);
int eb_board_add_pin_need(eb_board *board, uint32_t address, uint32_t mask, uint32_t value);
uint32_t eb_board_levels(const eb_board *board, uint64_t *levels, uint32_t capacity);
int eb_board_map(eb_board *board, uint32_t page_bytes);
int eb_board_listen(eb_board *board, int listener);
int eb_board_count(eb_board *board);
int eb_board_run(eb_board *board, uint64_t start);
void eb_board_stop(eb_board *board);
void eb_board_disconnect(eb_board *board);
uint64_t eb_board_instructions(const eb_board *board);
uint64_t eb_board_polls(const eb_board *board);
uint32_t eb_board_stack_lowest(const eb_board *board);
int eb_board_fault(const eb_board *board, uint64_t *address, int32_t *access);
uint64_t eb_board_step(const eb_board *board, int step);
uint32_t eb_board_blocks(const eb_board *board, eb_block_count *counts, uint32_t capacity);

/* Internal. */
void eb_raise(eb_board *board, eb_fault_kind fault, uint64_t address, int32_t access);
void eb_model_block(eb_board *board, eb_block *block);
void eb_board_free_memory(eb_board *board);
void eb_on_block(void *uc, uint64_t address, uint32_t size, void *user);
uint64_t eb_on_read(void *uc, uint64_t offset, unsigned size, void *user);
void eb_on_write(void *uc, uint64_t offset, unsigned size, uint64_t value, void *user);
void eb_look_at_needs(eb_board *board);
bool eb_is_met(const eb_board *board, const eb_need *need);
void eb_pin_write(eb_board *board, uint32_t address, uint32_t value);
uint32_t eb_uart_read(eb_device *device, uint32_t offset);
void eb_uart_write(eb_device *device, uint32_t offset, uint32_t value);
void eb_uart_idle(eb_board *board);
void eb_uart_flush(eb_board *board);
void eb_uart_close(eb_board *board);
int eb_uart_open(eb_board *board, int listener);

#endif
