/* The second stage of the RP2040's boot (RP2040 Datasheet 2.8.1.3 flash second stage, 4.10 SSI).
 *
 * The boot ROM copies the first 256 bytes of the flash to the end of RAM, checks the CRC-32 in
 * their last word, which the build fills in, and jumps to their first one. They set up the SSI so
 * that reads of the address window become reads of the flash, and start the program behind them.
 * The command is 03h, which every SPI flash knows: one bit per clock of 31 MHz at 125 MHz, where 50
 * MHz are allowed (data sheet of the Pico's W25Q16JV). */
#include <stdint.h>

#define SSI_BASE 0x18000000u
#define SSI_CTRLR0 0x00u
#define CTRLR0_STANDARD_32_BITS (31u << 16) /* DFS_32; SPI_FRF is 0 */
#define CTRLR0_EEPROM_READ (3u << 8)        /* TMOD: send command and address, then receive */
#define SSI_CTRLR1 0x04u                    /* NDF: frames to receive, less one */
#define SSI_SSIENR 0x08u
#define SSI_SER 0x10u
#define SSI_BAUDR 0x14u
#define BAUDR_CLOCKS 4u
#define SSI_SPI_CTRLR0 0xF4u
#define SPI_CTRLR0_COMMAND_03H (0x03u << 24)
#define SPI_CTRLR0_COMMAND_8_BITS (2u << 8)  /* INST_L */
#define SPI_CTRLR0_ADDRESS_24_BITS (6u << 2) /* ADDR_L, in fours */

#define SCB_VTOR 0xE000ED08u
#define PROGRAM 0x10000100u /* its vector table: initial stack pointer, reset handler */

/* It runs from RAM, linked for the flash: jumps within it and its constants are relative. */
__attribute__((naked, noreturn, used, section(".eb_boot"))) void eb_boot2(void)
{
    __asm__ volatile(
        "ldr r3, =%c[ssi]\n"
        "movs r0, #0\n"
        "movs r1, #1\n"
        "str r0, [r3, %[ssienr]]\n" /* no register takes a value while it is on */
        "movs r2, %[baud]\n"
        "str r2, [r3, %[baudr]]\n"
        "ldr r2, =%c[frames]\n"
        "str r2, [r3, %[ctrlr0]]\n"
        "str r0, [r3, %[ctrlr1]]\n"
        "str r1, [r3, %[ser]]\n"
        "movs r4, %[spi_ctrlr0]\n"
        "ldr r2, =%c[command]\n"
        "str r2, [r3, r4]\n"
        "str r1, [r3, %[ssienr]]\n"
        "ldr r0, =%c[program]\n"
        "ldr r1, =%c[vtor]\n"
        "str r0, [r1]\n"
        "ldr r1, [r0]\n"
        "mov sp, r1\n"
        "ldr r0, [r0, #4]\n"
        "bx r0\n"
        ".pool\n"
        ".org 256\n" ::[ssi] "i"(SSI_BASE),
        [ssienr] "i"(SSI_SSIENR), [baud] "i"(BAUDR_CLOCKS), [baudr] "i"(SSI_BAUDR),
        [frames] "i"(CTRLR0_STANDARD_32_BITS | CTRLR0_EEPROM_READ), [ctrlr0] "i"(SSI_CTRLR0),
        [ctrlr1] "i"(SSI_CTRLR1), [ser] "i"(SSI_SER), [spi_ctrlr0] "i"(SSI_SPI_CTRLR0),
        [command] "i"(SPI_CTRLR0_COMMAND_03H | SPI_CTRLR0_COMMAND_8_BITS |
                      SPI_CTRLR0_ADDRESS_24_BITS),
        [program] "i"(PROGRAM), [vtor] "i"(SCB_VTOR));
}
