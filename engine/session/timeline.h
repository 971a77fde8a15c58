/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sequence of tokens as the model sees it: id, M-RoPE position, and for a placeholder which row
 * of which medium stands there.  A prompt is one, and so is what a session holds; keeping a prefix
 * means comparing two of them.
 */
#pragma once

#include "engine/attention/attention.h"

G_BEGIN_DECLS

/* Where a token's row comes from. */
typedef struct {
    gint32 media; /* index into the timeline's media, -1 for text */
    guint32 row;  /* flat row of the medium: grid * tokens per grid + cell */
} lw_token_source;

typedef struct {
    GArray *ids;      /* gint32 */
    GArray *pos;      /* gint32, three per token */
    GArray *source;   /* lw_token_source */
    GArray *runs;     /* lw_modality_run */
    GPtrArray *media; /* lw_media, referenced */
    gint64 next_pos;  /* M-RoPE id of the next text token */
} lw_timeline;

void lw_timeline_init(lw_timeline *t);
void lw_timeline_clear(lw_timeline *t);
/* Room for n tokens without another allocation. */
void lw_timeline_reserve(lw_timeline *t, gsize n);
gsize lw_timeline_len(const lw_timeline *t);

void lw_timeline_add_text(lw_timeline *t, const gint32 *ids, gsize n);
/* token: the placeholder id, repeated for every merged cell. */
void lw_timeline_add_media(lw_timeline *t, lw_media *m, gint32 token, double tokens_per_second);
/* One temporal grid of a film on its own, t ascending; its ids are those of a picture. */
void lw_timeline_add_grid(lw_timeline *t, lw_media *m, int grid, gint32 token);
/* Append tokens [from, from + n) of another timeline, positions and media included. */
void lw_timeline_append(lw_timeline *t, const lw_timeline *other, gsize from, gsize n);
void lw_timeline_truncate(lw_timeline *t, gsize n);

/* Tokens at the start that are the same in both: id, position, and the content behind placeholders.
 */
gsize lw_timeline_common(const lw_timeline *a, const lw_timeline *b);

static inline gint32 lw_timeline_id(const lw_timeline *t, gsize i)
{
    return g_array_index(t->ids, gint32, i);
}

static inline lw_token_source lw_timeline_source(const lw_timeline *t, gsize i)
{
    return g_array_index(t->source, lw_token_source, i);
}

G_END_DECLS
