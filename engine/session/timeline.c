/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/session/timeline.h"

#include "engine/position/mrope.h"

#include <string.h>

static void unref_media(gpointer m)
{
    lw_media_unref(m);
}

void lw_timeline_init(lw_timeline *t)
{
    t->ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    t->pos = g_array_new(FALSE, FALSE, sizeof(gint32));
    t->source = g_array_new(FALSE, FALSE, sizeof(lw_token_source));
    t->runs = g_array_new(FALSE, TRUE, sizeof(lw_modality_run));
    t->media = g_ptr_array_new_with_free_func(unref_media);
    t->next_pos = 0;
}

void lw_timeline_clear(lw_timeline *t)
{
    g_clear_pointer(&t->ids, g_array_unref);
    g_clear_pointer(&t->pos, g_array_unref);
    g_clear_pointer(&t->source, g_array_unref);
    g_clear_pointer(&t->runs, g_array_unref);
    g_clear_pointer(&t->media, g_ptr_array_unref);
}

void lw_timeline_reserve(lw_timeline *t, gsize n)
{
    guint len = t->ids->len;

    if (n <= len)
        return;
    /* GArray keeps its room when it shrinks. */
    g_array_set_size(t->ids, (guint)n);
    g_array_set_size(t->pos, (guint)(3 * n));
    g_array_set_size(t->source, (guint)n);
    g_array_set_size(t->ids, len);
    g_array_set_size(t->pos, 3 * len);
    g_array_set_size(t->source, len);
}

gsize lw_timeline_len(const lw_timeline *t)
{
    return t->ids->len;
}

/* A run's shape after its length changed: grids that have begun. */
static void count_grids(lw_modality_run *r)
{
    gsize cells = (gsize)r->rows * (gsize)r->cols;

    if (r->is_media)
        r->grid_t = (int)((r->n + cells - 1) / cells);
}

/* Account for n tokens of one modality that were just appended, starting at token `at`: grow the
 * last run when they go on with it, else begin one.  m NULL: text; first_row > 0: the middle of a
 * medium. */
static void extend_runs(lw_timeline *t, gsize at, gsize n, const lw_media *m, guint32 first_row)
{
    if (t->runs->len) {
        lw_modality_run *last = &g_array_index(t->runs, lw_modality_run, t->runs->len - 1);
        if (last->is_media == (m != NULL) && (!m || first_row > 0)) {
            last->n += n;
            count_grids(last);
            return;
        }
    }
    lw_modality_run r = {.start = at, .n = n, .is_media = m != NULL};
    if (m) {
        r.kind = m->kind;
        r.rows = m->grid_h / m->merge_size;
        r.cols = m->grid_w / m->merge_size;
        count_grids(&r);
    }
    g_array_append_val(t->runs, r);
}

void lw_timeline_add_text(lw_timeline *t, const gint32 *ids, gsize n)
{
    lw_token_source text = {-1, 0};

    if (n == 0)
        return;
    g_array_append_vals(t->ids, ids, (guint)n);
    lw_mrope_text(t->pos, &t->next_pos, n);
    for (gsize i = 0; i < n; i++)
        g_array_append_val(t->source, text);
    extend_runs(t, lw_timeline_len(t) - n, n, NULL, 0);
}

void lw_timeline_add_media(lw_timeline *t, lw_media *m, gint32 token, double tokens_per_second)
{
    gsize n = (gsize)lw_media_n_tokens(m);
    gint32 index = (gint32)t->media->len;

    g_ptr_array_add(t->media, lw_media_ref(m));
    for (gsize i = 0; i < n; i++) {
        lw_token_source s = {index, (guint32)i};
        g_array_append_val(t->ids, token);
        g_array_append_val(t->source, s);
    }
    double step = m->kind != LW_MEDIA_FILM ? 0
                  : tokens_per_second > 0  ? m->seconds_per_grid * tokens_per_second
                                           : 1;
    lw_mrope_media(t->pos, &t->next_pos, m->grid_t, m->grid_h / m->merge_size,
                   m->grid_w / m->merge_size, step);
    extend_runs(t, lw_timeline_len(t) - n, n, m, 0);
}

void lw_timeline_add_grid(lw_timeline *t, lw_media *m, int grid, gint32 token)
{
    gsize n = (gsize)lw_media_grid_tokens(m);

    if (grid == 0)
        g_ptr_array_add(t->media, lw_media_ref(m));
    for (gsize i = 0; i < n; i++) {
        lw_token_source s = {(gint32)t->media->len - 1, (guint32)((gsize)grid * n + i)};
        g_array_append_val(t->ids, token);
        g_array_append_val(t->source, s);
    }
    lw_mrope_media(t->pos, &t->next_pos, 1, m->grid_h / m->merge_size, m->grid_w / m->merge_size, 0);
    extend_runs(t, lw_timeline_len(t) - n, n, m, 0);
}

/* One past the largest id of tokens [from, to). */
static gint64 next_after(const lw_timeline *t, gsize from, gsize to)
{
    gint64 next = 0;

    for (gsize i = 3 * from; i < 3 * to; i++)
        next = MAX(next, (gint64)g_array_index(t->pos, gint32, i) + 1);
    return next;
}

void lw_timeline_append(lw_timeline *t, const lw_timeline *other, gsize from, gsize n)
{
    gsize at = lw_timeline_len(t);
    gint32 map_from = -1, map_to = -1;

    if (n == 0)
        return;
    g_array_append_vals(t->ids, &g_array_index(other->ids, gint32, from), (guint)n);
    g_array_append_vals(t->pos, &g_array_index(other->pos, gint32, 3 * from), (guint)(3 * n));
    for (gsize i = from; i < from + n; i++) {
        lw_token_source s = lw_timeline_source(other, i);
        if (s.media >= 0) {
            lw_media *m = other->media->pdata[s.media];
            /* A medium that began in an earlier append goes on as the last one here. */
            if (s.media != map_from) {
                map_from = s.media;
                if (s.row > 0 && t->media->len &&
                    memcmp(((lw_media *)t->media->pdata[t->media->len - 1])->hash, m->hash,
                           sizeof m->hash) == 0) {
                    map_to = (gint32)t->media->len - 1;
                } else {
                    map_to = (gint32)t->media->len;
                    g_ptr_array_add(t->media, lw_media_ref(m));
                }
            }
            s.media = map_to;
        }
        g_array_append_val(t->source, s);
    }

    /* Rebuild the runs of what was added. */
    gsize end = lw_timeline_len(t);
    for (gsize i = at; i < end;) {
        lw_token_source s = lw_timeline_source(t, i);
        gsize k = i + 1;
        while (k < end && lw_timeline_source(t, k).media == s.media)
            k++;
        extend_runs(t, i, k - i, s.media >= 0 ? t->media->pdata[s.media] : NULL, s.row);
        i = k;
    }
    t->next_pos = MAX(t->next_pos, next_after(t, at, end));
}

void lw_timeline_truncate(lw_timeline *t, gsize n)
{
    if (n >= lw_timeline_len(t))
        return;
    g_array_set_size(t->ids, (guint)n);
    g_array_set_size(t->pos, (guint)(3 * n));
    g_array_set_size(t->source, (guint)n);
    while (t->runs->len) {
        lw_modality_run *r = &g_array_index(t->runs, lw_modality_run, t->runs->len - 1);
        if (r->start < n) {
            r->n = n - r->start;
            count_grids(r);
            break;
        }
        g_array_set_size(t->runs, t->runs->len - 1);
    }
    /* Media are numbered in order of appearance: the last placeholder names the last one in use. */
    gint32 used = -1;
    for (gsize i = n; i-- > 0 && used < 0;)
        used = lw_timeline_source(t, i).media;
    g_ptr_array_set_size(t->media, used + 1);
    t->next_pos = next_after(t, 0, n);
}

gsize lw_timeline_common(const lw_timeline *a, const lw_timeline *b)
{
    gsize n = MIN(lw_timeline_len(a), lw_timeline_len(b)), i;
    const gint32 *pa = (const gint32 *)a->pos->data, *pb = (const gint32 *)b->pos->data;
    gint32 same_a = -1, same_b = -1; /* the pair of media last found equal */

    for (i = 0; i < n; i++) {
        lw_token_source sa = lw_timeline_source(a, i), sb = lw_timeline_source(b, i);
        if (lw_timeline_id(a, i) != lw_timeline_id(b, i) ||
            memcmp(pa + 3 * i, pb + 3 * i, 12) != 0 || (sa.media < 0) != (sb.media < 0))
            break;
        if (sa.media < 0)
            continue;
        if (sa.row != sb.row)
            break;
        if (sa.media != same_a || sb.media != same_b) {
            const lw_media *ma = a->media->pdata[sa.media], *mb = b->media->pdata[sb.media];
            if (memcmp(ma->hash, mb->hash, sizeof ma->hash) != 0)
                break;
            same_a = sa.media;
            same_b = sb.media;
        }
    }
    return i;
}
