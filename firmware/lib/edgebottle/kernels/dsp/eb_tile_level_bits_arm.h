/* The tiles of eb_tile_levels.h whose outputs have few bits: see eb_tile_bits_arm.h.
 */
#ifndef EB_TILE_LEVEL_BITS_ARM_H
#define EB_TILE_LEVEL_BITS_ARM_H

/* clang-format off */

#define EB_LEVELS_4X2_SUMMED(SCALE) EB_LEVELS_4X2_OUTPUTS(EB_LEVELS_4X2_FINISH_CHANNEL, SCALE)
#define EB_LEVELS_4X2_SCALED(SCALE) EB_LEVELS_4X2_OUTPUTS(EB_LEVELS_4X2_FINISH_SCALED, SCALE)
#define EB_LEVELS_4X2_BITS(OUT, OUTPUTS)                                                           \
    EB_TILE_4X2_BITS(OUT, OUTPUTS, "r6", "r8", "r10", "r7", "r9", "r11")

/* Weights of BITS bits, outputs of OUT bits. */
#define EB_LEVELS_TILES_TO(BITS, OUT)                                                              \
    EB_KERNEL void eb_tile_levels_##BITS##_4x2_to_##OUT(eb_tile *t)                                \
    {                                                                                              \
        EB_LEVELS_##BITS##_READY((eb_tile_levels *)(void *)t, 4X2);                                \
        register eb_tile *tile __asm__("r0") = t;                                                  \
        __asm__ volatile(EB_LEVELS_##BITS##_4X2_SUMS                                               \
                         EB_LEVELS_4X2_BITS(OUT, EB_LEVELS_4X2_SUMMED)                             \
                         : "+r"(tile)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }                                                                                              \
                                                                                                   \
    EB_KERNEL void eb_tile_levels_##BITS##_4x1_to_##OUT(eb_tile *t)                                \
    {                                                                                              \
        EB_LEVELS_##BITS##_READY((eb_tile_levels *)(void *)t, 4X1);                                \
        register eb_tile *tile __asm__("r0") = t;                                                  \
        __asm__ volatile(EB_LEVELS_##BITS##_4X1_SUMS                                               \
                         EB_LEVELS_4X1_FINISH(EB_TILE_SCALE_TO_##OUT)                              \
                         EB_TILE_4X1_BITS(OUT, EB_LEVELS_##BITS##_4X1_FRAME)                                                     \
                         : "+r"(tile)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }

#define EB_LEVELS_ALL_TILES_TO(OUT)                                                                \
    EB_LEVELS_TILES_TO(4, OUT)                                                                     \
    EB_LEVELS_TILES_TO(2, OUT)                                                                     \
    EB_LEVELS_TILES_TO(1, OUT)                                                                     \
                                                                                                   \
    EB_KERNEL void eb_tile_levels_4_4x2_whole_to_##OUT(eb_tile *t)                                 \
    {                                                                                              \
        EB_LEVELS_4_READY((eb_tile_levels *)(void *)t, 4X2);                                       \
        register eb_tile *tile __asm__("r0") = t;                                                  \
        __asm__ volatile(EB_LEVELS_4_4X2_WHOLE_SUMS                                                \
                         EB_LEVELS_4X2_BITS(OUT, EB_LEVELS_4X2_SCALED)                             \
                         : "+r"(tile)                                                              \
                         :                                                                         \
                         : "r1", "r2", "r3", "r12", "cc", "memory");                               \
    }

EB_LEVELS_ALL_TILES_TO(4)
EB_LEVELS_ALL_TILES_TO(3)
EB_LEVELS_ALL_TILES_TO(2)
EB_LEVELS_ALL_TILES_TO(1)

/* clang-format on */

#endif /* EB_TILE_LEVEL_BITS_ARM_H */
