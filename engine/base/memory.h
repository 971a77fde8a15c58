/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How much memory this process can have: the machine's, or its control group's or the environment variable
 * LW_MEMORY (bytes) if that is less.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes of RAM, and bytes that can be used now without swapping. */
guint64 lw_memory_total(void);
guint64 lw_memory_available(void);

G_END_DECLS
