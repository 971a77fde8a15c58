/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast this machine reads memory: what bounds the generation of tokens.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes per second of reading n_bytes at p with every CPU, after one pass that brings them into
 * memory; takes about 50 ms more than that pass.  0 when there is nothing to read. */
double lw_cli_measure_read(const void *p, gsize n_bytes);

G_END_DECLS
