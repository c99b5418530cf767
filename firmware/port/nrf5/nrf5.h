/* What the files of this port share. */
#ifndef NRF5_H
#define NRF5_H

void nrf5_open_debug_access(void); /* debug_access.c: of the nRF52840 */

#endif
