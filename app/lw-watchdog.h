/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A check that the main loop never waits and never computes for long; on with LW_WATCHDOG=1, and in debug
 * builds always.
 *
 * Each turn of the main loop (from the return of one poll to the next) is measured: how long it took, how long
 * the thread computed, how much of that was painting, and how long it waited for something (not for a processor:
 * what other programs take is not this one's fault).  A turn over 50 ms is reported on stderr.  It counts as a
 * fault of this program, "watchdog: fault", when
 * - it computed for more than 50 ms beside painting.  Painting, the frame clock's phase of that name, is left
 *   out because tests let the processor do what a graphics card does elsewhere; laying out is not.  On a machine
 *   that is slow or busy the time counts for less: as much as a fixed piece of work, done at once, takes longer
 *   there than on an idle core of a server of 2023 (lw-watchdog.c, REFERENCE_US).
 * - or it waited for more than 50 ms inside a call that this program made itself, not GTK: a lock, a file.  With
 *   LW_WATCHDOG=1 a second thread looks at the stack after 50 ms, and every 50 ms again.
 * Frames are counted, too: what is computed for one beside painting it, and how many take longer than a 60th of a
 * second, each of those reduced in the same way at once; apart from that those since a text grew for the first time,
 * which is when the window stands and something moves.  How long most of them take is reduced by the middle of such
 * pieces of work done now and then.
 * Turns before the first window has been painted are reported only.  For its own test LW_WATCHDOG_MISBEHAVE
 * says which of the two happens once: "compute" or "wait".
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_WATCHDOG_STALL_MS 50

/* UI thread, after GTK was initialised. */
void lw_watchdog_start (void);
/* A text that is being written was shown longer than before: counted for each frame. */
void lw_watchdog_note_update (void);
/* Prints a line about the turns and one about the frames. */
void lw_watchdog_stop (void);

G_END_DECLS
