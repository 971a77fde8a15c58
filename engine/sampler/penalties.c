/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was said already: repetition, presence and frequency penalties, and DRY ("don't repeat
 * yourself", which looks at sequences instead of single tokens).
 */
#include "engine/sampler/sampler-private.h"

#include <math.h>
#include <string.h>

void lw_history_add(lw_history *h, gint32 token, gint32 *dropped)
{
    *dropped = -1;
    if (h->size == 0)
        return;
    if (h->n == h->size)
        *dropped = h->tokens[h->next];
    else
        h->n++;
    h->tokens[h->next] = token;
    h->next = (h->next + 1) % h->size;
}

/* The newest first, up to the first breaker. */
static gsize unroll(const lw_sampler *s)
{
    const lw_history *h = &s->dry;
    gsize n = 0;

    for (; n < h->n; n++)
        s->dry_tokens[n] = h->tokens[(h->next + h->size - 1 - n) % h->size];
    return n;
}

/* z[i]: how many tokens from i on equal those from 0 on, at most `limit`. */
static void z_function(const gint32 *t, gsize n, gsize limit, guint32 *z)
{
    gsize left = 0, right = 0; /* the match [left, right) that reaches furthest */

    z[0] = 0;
    for (gsize i = 1; i < n; i++) {
        gsize m = i < right ? MIN(z[i - left], right - i) : 0;
        while (i + m < n && t[m] == t[i + m])
            m++;
        if (i + m > right) {
            left = i;
            right = i + m;
        }
        z[i] = (guint32)m;
    }
    for (gsize i = 1; i < n; i++)
        z[i] = (guint32)MIN(z[i], limit);
}

void lw_sampler_dry_begin(lw_sampler *s)
{
    gsize n = unroll(s), limit = 0;

    /* What ends now can repeat only as far back as the last breaker. */
    while (limit < n && !s->dry_breaker[s->dry_tokens[limit]])
        limit++;
    if (limit < (gsize)s->params.dry_allowed)
        return;
    z_function(s->dry_tokens, n, limit, s->dry_match);
    /* Tokens i, i + 1, ... (backwards in time) end like the timeline: then i - 1 is what came next.
     */
    for (gsize i = 1; i < n; i++) {
        gint32 next = s->dry_tokens[i - 1];
        if (s->dry_match[i] >= (guint32)s->params.dry_allowed && !s->dry_breaker[next])
            s->dry_longest[next] = MAX(s->dry_longest[next], s->dry_match[i]);
    }
}

void lw_sampler_dry_end(lw_sampler *s)
{
    for (gsize i = 0; i < s->dry.n; i++)
        s->dry_longest[s->dry_tokens[i]] = 0;
}

/* A repetition this long costs all it can: base^x would overflow. */
#define MAX_EXPONENT 80

float lw_sampler_penalised(const lw_sampler *s, gint32 id, float logit)
{
    const lw_sampler_params *p = &s->params;

    if (s->bias)
        logit += s->bias[id];
    if (s->counts && s->counts[id]) {
        logit = logit <= 0 ? logit * p->repeat_penalty : logit / p->repeat_penalty;
        logit -= (float)s->counts[id] * p->frequency_penalty + p->presence_penalty;
    }
    if (s->dry_longest && s->dry_longest[id]) {
        guint32 over = MIN(s->dry_longest[id] - (guint32)p->dry_allowed, MAX_EXPONENT);
        logit -= p->dry_multiplier * powf(p->dry_base, (float)over);
    }
    return isnan(logit) ? -INFINITY : logit; /* infinity minus infinity */
}
