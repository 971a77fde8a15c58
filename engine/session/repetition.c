/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/session/repetition.h"

#include <string.h>

#define PERIODS LW_REPETITION_MAX_PERIOD

struct lw_repetition {
    guint n_tokens;
    gsize n;                   /* tokens in last, the newest at its end */
    gint32 last[2 * PERIODS];  /* moved to the front when it is full, so that a period is always in one piece */
    guint equal[PERIODS];      /* [PERIODS - p]: how many of the newest tokens equal the one p before */
};

lw_repetition *lw_repetition_new(guint n_tokens)
{
    lw_repetition *r = g_new0(lw_repetition, 1);

    r->n_tokens = n_tokens;
    return r;
}

void lw_repetition_free(lw_repetition *r)
{
    g_free(r);
}

gboolean lw_repetition_push(lw_repetition *r, gint32 token)
{
    gboolean repeats = FALSE;

    if (r->n == 2 * PERIODS) {
        memcpy(r->last, r->last + PERIODS, PERIODS * sizeof(gint32));
        r->n = PERIODS;
    }
    gsize n = MIN(r->n, PERIODS);
    const gint32 *before = r->last + r->n - n;
    guint *equal = r->equal + PERIODS - n;
    for (gsize i = 0; i < n; i++) {
        guint period = (guint)(n - i);
        /* Beyond what is asked for nothing depends on the count any more; it must not wrap around. */
        equal[i] = before[i] == token ? equal[i] + (equal[i] < G_MAXINT) : 0;
        guint tail = equal[i] + period;
        repeats |= equal[i] && tail >= r->n_tokens && tail >= LW_REPETITION_MIN_PERIODS * period;
    }
    r->last[r->n++] = token;
    return repeats;
}
