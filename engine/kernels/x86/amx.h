/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AMX's eight registers of tiles, which belong to a thread and are set up for one shape at a time.  Only files
 * compiled with its flags may include this.
 */
#pragma once

#include <immintrin.h>
#include <stdint.h>

/* What ldtilecfg reads: bytes of a row and rows of each register. */
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} lw_amx_config;

/* Sets this thread's registers up; costs a tenth of a short step, so nothing happens if they are already.
 * The configuration must be static and 64-byte aligned: it is known again by its address. */
void lw_amx_use(const lw_amx_config *config);

/* Registers in use cost the system 8 KiB at every change of threads. */
void lw_amx_release(void);

/* The compiler does not know what the instructions for tiles read. */
#define LW_AMX_WRITTEN() __asm__ volatile("" ::: "memory")
