/* What the boot ROM of the i.MX RT1062 reads at the start of the flash (IMXRT1060RM chapter
 * 9: 9.6.3 serial NOR flash, 9.7.1 image vector table and boot data): how the FlexSPI reads this
 * flash, and where the program begins. The flash is a W25Q16JV or one that knows the same command:
 * EBh, four data lines, which are enabled (QE) as Teensy boards leave the factory. */
#include <stddef.h>
#include <stdint.h>

#include "eb_port.h"

#define FLASH_START 0x60000000u

/* 9.6.3.1, FlexSPI configuration block: what is not named is 0. */
#define FCB_TAG 0x42464346u     /* "FCFB" */
#define FCB_VERSION 0x56010400u /* V1.4.0 */
/* Byte 0x0C: sample by the DQS pad's loopback; 0x0D and 0x0E: chip select held, set up 3 clocks. */
#define FCB_SAMPLING 0x00030301u
/* Byte 0x44: serial NOR; 0x45: 4 data lines; 0x46: 100 MHz. */
#define FCB_DEVICE 0x00060401u
#define FCB_PAGE_BYTES 256u
#define FCB_SECTOR_BYTES 4096u
#define FCB_BLOCK_BYTES 65536u

/* A look-up table entry holds two instructions of a sequence (chapter 27, FlexSPI): opcode, lines,
 * operand. */
#define LUT(first, second) ((uint32_t)(second) << 16 | (first))
#define CMD_1_LINE(command) (0x01u << 10 | 0u << 8 | (command))
#define RADDR_4_LINES(bits) (0x02u << 10 | 2u << 8 | (bits))
#define MODE8_4_LINES(mode) (0x07u << 10 | 2u << 8 | (mode))
#define DUMMY_4_LINES(clocks) (0x0Cu << 10 | 2u << 8 | (clocks))
#define READ_4_LINES(bytes) (0x09u << 10 | 2u << 8 | (bytes))
#define FAST_READ_QUAD 0xEBu
#define NOT_CONTINUOUS 0xFFu /* mode byte: the next read has its command again */

/* 9.7.1.1: tag, length in big-endian order, version. */
#define IVT_HEADER (0xD1u | 0x2000u << 8 | 0x43u << 24)

struct ivt {
    uint32_t header;
    const void *entry;
    uint32_t reserved_1;
    const void *dcd;
    const void *boot_data;
    const void *self;
    const void *csf;
    uint32_t reserved_2;
};

struct boot_data {
    uint32_t start;
    uint32_t size;
    uint32_t plugin;
};

struct boot_image {
    uint32_t flash[128];
    uint32_t unused[(0x1000u - 512u) / 4u];
    struct ivt ivt;
    struct boot_data boot_data;
    const uint32_t *initial_sp;
    void (*entry)(void);
    uint32_t rest[19]; /* the vector table that follows is aligned to 128 bytes */
};

typedef char eb_ivt_is_where_the_rom_looks[offsetof(struct boot_image, ivt) == 0x1000u ? 1 : -1];
typedef char eb_vectors_are_aligned[sizeof(struct boot_image) % 128u == 0u ? 1 : -1];

static void eb_boot_entry(void);

__attribute__((section(".eb_boot"), used)) static const struct boot_image image = {
    .flash =
        {
            [0x000 / 4] = FCB_TAG,
            [0x004 / 4] = FCB_VERSION,
            [0x00C / 4] = FCB_SAMPLING,
            [0x044 / 4] = FCB_DEVICE,
            [0x050 / 4] = EB_FLASH_BYTES,
            [0x080 / 4] = LUT(CMD_1_LINE(FAST_READ_QUAD), RADDR_4_LINES(24u)),
            [0x084 / 4] = LUT(MODE8_4_LINES(NOT_CONTINUOUS), DUMMY_4_LINES(4u)),
            [0x088 / 4] = LUT(READ_4_LINES(4u), 0u),
            [0x1C0 / 4] = FCB_PAGE_BYTES,
            [0x1C4 / 4] = FCB_SECTOR_BYTES,
            [0x1D0 / 4] = FCB_BLOCK_BYTES,
        },
    .ivt = {.header = IVT_HEADER,
            .entry = &image.initial_sp,
            .boot_data = &image.boot_data,
            .self = &image.ivt},
    .boot_data = {.start = FLASH_START, .size = EB_FLASH_BYTES},
    .initial_sp = __eb_stack_top,
    .entry = eb_boot_entry,
};

/* The boot ROM may leave its own stack pointer, and SysTick with its interrupt on. */
__attribute__((naked, noreturn, used)) static void eb_boot_entry(void)
{
    __asm__ volatile("cpsid i\n"
                     "ldr r0, =__eb_stack_top\n"
                     "mov sp, r0\n"
                     "ldr r0, =eb_reset\n"
                     "bx r0\n"
                     ".pool\n");
}
