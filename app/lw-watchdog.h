/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A check that the main loop never waits: with LW_WATCHDOG=1 (and always in debug builds) a source
 * that should run every few milliseconds measures how late it is.  Stalls over 50 ms are counted, and
 * the end of the program prints one line about them on stderr.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_WATCHDOG_STALL_MS 50

void lw_watchdog_start (void);
void lw_watchdog_stop (void);

G_END_DECLS
