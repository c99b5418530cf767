/* The default: a network that makes no boxes. edgebottle puts another file here for one that does,
 * which includes its header and says how many candidates there are at most. */
#ifndef BOXES_BINDING_H
#define BOXES_BINDING_H

#define EB_BENCH_CANDIDATES 0

#endif
