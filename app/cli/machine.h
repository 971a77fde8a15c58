/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this machine offers a model: memory, and how fast memory is read.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    gint64 total;     /* bytes; -1: unknown */
    gint64 available; /* for a program that starts now, without swapping; -1: unknown */
} lw_cli_memory;

/* /proc/meminfo, lowered by this process's control group where it sets a limit. */
lw_cli_memory lw_cli_memory_get(void);

/* Bytes per second of reading n_bytes at p with every CPU, after one pass that brings them into
 * memory.  0 when there is nothing to read. */
double lw_cli_measure_read(const void *p, gsize n_bytes);

G_END_DECLS
