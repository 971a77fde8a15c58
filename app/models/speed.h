/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast this machine reads memory and multiplies matrices: what bounds the generation of tokens
 * and the reading of prompts.  Measured on a model's own weights, thoroughly (`lw info --measure`,
 * remembered in $XDG_CACHE_HOME/longwave/speed.ini with the processor and the date) or in some ten
 * milliseconds on what of them is in memory already.
 */
#pragma once

#include "engine/gguf/gguf.h"

G_BEGIN_DECLS

typedef enum {
    LW_SPEED_UNKNOWN, /* the weights are not in memory, and nothing is remembered */
    LW_SPEED_QUICK,
    LW_SPEED_FULL,
    LW_SPEED_STORED, /* from an earlier FULL one */
} lw_speed_kind;

typedef struct {
    lw_speed_kind kind;
    double read_bytes_per_second; /* with every CPU; 0: not known */
    double flops; /* of products with the model's commonest weights, many rows; 0: not known */
    gint64 when;  /* seconds since 1970 */
} lw_speed;

/* Reads up to 1 GiB of the weights, from the disk if need be, and computes for half a second.  What
 * it finds is remembered; a cache that cannot be written is no error. */
lw_speed lw_speed_measure(const lw_gguf *g);

/* What is remembered for this processor, number of CPUs and LW_CPU, else a quick measurement. Reads
 * nothing from the disk. */
lw_speed lw_speed_get(const lw_gguf *g);

G_END_DECLS
