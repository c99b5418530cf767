/* What the arithmetic needs of the compiler, in anybody's build. Include it before all else.
 *
 * A multiplication and an addition that are fused round once, the reference rounds twice. GCC fuses
 * where it compiles no strict C and the core has such an instruction.
 */
#ifndef EB_EXACT_H
#define EB_EXACT_H

#if defined(__FAST_MATH__)
#error "edgebottle: compile this library without -ffast-math, its results would differ"
#endif

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__) && defined(__FP_FAST_FMAF) && !defined(__STRICT_ANSI__)
#pragma GCC optimize("fp-contract=off")
#endif

#endif
