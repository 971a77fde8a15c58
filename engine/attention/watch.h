/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Looking at what attention looks at: the exact softmax of single rows, computed beside the method that is in
 * use and not taking part in it.
 */
#pragma once

#include "engine/attention/attention.h"

G_BEGIN_DECLS

/* Rows at a time, so that keys are not unpacked for every one. */
#define LW_WATCH_ROWS 4

typedef struct {
    gsize from, to; /* rows of the timeline */
    lw_attention_row_fn fn;
    void *user;
    float *p;       /* [LW_WATCH_ROWS][n_head][to] */
} lw_attention_watch;

/* Rows of the call that are watched; fn is called on this thread, heads in order.  FALSE: cancelled. */
gboolean lw_attention_watch_run(const lw_attention_watch *w, const lw_attend *call);

G_END_DECLS
