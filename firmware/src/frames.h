/* `put FRAME`: bytes of an input in binary, which are taken only where all of them are right.
 *
 * A frame is a CRC-32, lowest byte first, and the bytes of the input from the place on that comes
 * next. The CRC is of that place, as 32 bits with the lowest byte first, and of the bytes: a frame
 * that was taken and is sent once more is refused like a damaged one. It is stuffed after Cheshire
 * and Baker
 * ("Consistent Overhead Byte Stuffing", 1999): a byte says how far the next zero is, in the place
 * of the zero before; so none is left. Exclusive-or with '%' makes that the byte that never occurs:
 * a frame ends as every command does, and what is lost or garbled costs no more than that frame.
 */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

/* Every byte after `put ` and before '%'. */
void bench_frame_start(void);
void bench_frame_byte(uint8_t byte);

/* Answers; returns whether the frame was taken. */
bool bench_frame_finish(void);

/* `get`: the bytes of one output, as a stuffed frame, the CRC of the bytes alone, whose line ends
 * with '\n' as every line does: that is the byte that never occurs. */
void bench_put_output_frame(int index);

#endif
