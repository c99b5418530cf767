/* What the boot ROM of the RP2350 looks for in the first 4 kB of the flash: a block loop with an
 * IMAGE_DEF (RP2350 Datasheet 5.1.5, 5.9 metadata block details). It leaves the flash readable, by
 * the fastest command that it found the block with, so there is no second stage. */
#include <stdint.h>

#include "eb_port.h"

#define BLOCK_START 0xFFFFDED3u
#define BLOCK_END 0xAB123579u

/* An item: its kind, its size in words (one byte, or two where the kind has bit 7), and data. */
#define ITEM_IMAGE_TYPE 0x42u
#define ITEM_VECTOR_TABLE 0x03u
#define ITEM_LAST 0xFFu
#define ITEM(kind, words, data) ((uint32_t)(data) << 16 | (words) << 8 | (kind))

/* An executable (bits 0 to 3), Secure (4, 5), for Arm (8 to 10), for the RP2350 (12 to 14). */
#define IMAGE_TYPE (1u | 2u << 4 | 0u << 8 | 1u << 12)

#define ITEM_WORDS 3u
#define VECTORS_ALIGNMENT 128u

struct image_definition {
    uint32_t start;
    uint32_t image_type;
    uint32_t vector_table;
    const void *vectors;
    uint32_t last;
    uint32_t next_block; /* from this one on: itself, the only one */
    uint32_t end;
    uint32_t rest[VECTORS_ALIGNMENT / 4u - 7u];
};

typedef char eb_vectors_are_aligned[sizeof(struct image_definition) == VECTORS_ALIGNMENT ? 1 : -1];

__attribute__((section(".eb_boot"), used)) static const struct image_definition image = {
    .start = BLOCK_START,
    .image_type = ITEM(ITEM_IMAGE_TYPE, 1u, IMAGE_TYPE),
    .vector_table = ITEM(ITEM_VECTOR_TABLE, 2u, 0u),
    .vectors = &image + 1, /* the linker puts the vector table behind it */
    .last = ITEM_WORDS << 8 | ITEM_LAST,
    .next_block = 0u,
    .end = BLOCK_END,
};
