/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a fuzz target offers: libFuzzer or replay.c calls it with bytes from anywhere.  It must return
 * for every input; a broken promise of the code under test ends the program (fuzz_require).
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Unlike assert(), checked in every build. */
#define fuzz_require(condition)                                                                           \
    do {                                                                                                  \
        if (!(condition)) {                                                                               \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                     \
            abort();                                                                                      \
        }                                                                                                 \
    } while (0)
