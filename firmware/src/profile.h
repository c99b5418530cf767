/* What each step of the model costs and writes. */
#ifndef BENCH_PROFILE_H
#define BENCH_PROFILE_H

/* `cyc`: runs the model twice. Of a row-fed model, which has run as its rows came, the total. */
void bench_put_cycles(void);

/* `crc`: runs the model once; its inputs must be loaded. Not for a row-fed model. */
void bench_put_checksums(void);

#endif
