/* The default: a network that makes no frames. edgebottle puts another file here for the head of a
 * split network, which includes its header and says how long a frame is at most. */
#ifndef SPLIT_BINDING_H
#define SPLIT_BINDING_H

#define EB_BENCH_SPLIT_ROOM 0
#define EB_BENCH_SPLIT_HIGHEST 0
#define EB_BENCH_SPLIT_EXIT 0

#endif
