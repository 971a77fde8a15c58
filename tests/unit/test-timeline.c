/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/session/timeline.h"

#include <string.h>

static void media_free(lw_media *m)
{
    g_free(m);
}

static lw_media *medium(lw_media_kind kind, int t, int rows, int cols, guint8 hash)
{
    lw_media *m = g_new0(lw_media, 1);

    g_atomic_ref_count_init(&m->refs);
    m->kind = kind;
    m->grid_t = t;
    m->grid_h = rows * 2;
    m->grid_w = cols * 2;
    m->merge_size = 2;
    m->seconds_per_grid = 1;
    memset(m->hash, hash, sizeof m->hash);
    m->free = media_free;
    return m;
}

/* text 4, picture of 2 x 3, text 2, film of 3 x 1 x 2, text 3 */
static void build(lw_timeline *t, guint8 picture, guint8 film)
{
    static const gint32 text[] = {1, 2, 3, 4};
    lw_media *p = medium(LW_MEDIA_PICTURE, 1, 2, 3, picture), *f = medium(LW_MEDIA_FILM, 3, 1, 2, film);

    lw_timeline_init(t);
    lw_timeline_add_text(t, text, 4);
    lw_timeline_add_media(t, p, 100, 2);
    lw_timeline_add_text(t, text, 2);
    lw_timeline_add_media(t, f, 101, 2);
    lw_timeline_add_text(t, text, 3);
    lw_media_unref(p);
    lw_media_unref(f);
}

#define N 21u

/* Runs cover the timeline in order and agree with the sources. */
static void check_runs(const lw_timeline *t)
{
    gsize at = 0;

    for (guint i = 0; i < t->runs->len; i++) {
        const lw_modality_run *r = &g_array_index(t->runs, lw_modality_run, i);
        g_assert_cmpuint(r->start, ==, at);
        g_assert_cmpuint(r->n, >, 0);
        for (gsize k = at; k < at + r->n; k++)
            g_assert_cmpint(lw_timeline_source(t, k).media >= 0, ==, r->is_media);
        at += r->n;
    }
    g_assert_cmpuint(at, ==, lw_timeline_len(t));
}

static void assert_same(const lw_timeline *a, const lw_timeline *b)
{
    g_assert_cmpuint(lw_timeline_len(a), ==, lw_timeline_len(b));
    g_assert_cmpuint(lw_timeline_common(a, b), ==, lw_timeline_len(a));
    g_assert_cmpint(a->next_pos, ==, b->next_pos);
    g_assert_cmpuint(a->runs->len, ==, b->runs->len);
    g_assert_cmpuint(a->media->len, ==, b->media->len);
}

/* Copying in pieces of any size gives the same timeline. */
static void test_append_in_pieces(void)
{
    lw_timeline whole;

    build(&whole, 1, 2);
    g_assert_cmpuint(lw_timeline_len(&whole), ==, N);
    g_assert_cmpuint(whole.runs->len, ==, 5);
    check_runs(&whole);
    for (gsize piece = 1; piece <= N; piece++) {
        lw_timeline copy;
        lw_timeline_init(&copy);
        for (gsize at = 0; at < N; at += piece)
            lw_timeline_append(&copy, &whole, at, MIN(piece, N - at));
        check_runs(&copy);
        assert_same(&copy, &whole);
        lw_timeline_clear(&copy);
    }
    lw_timeline_clear(&whole);
}

/* Cutting anywhere and growing again gives the same timeline. */
static void test_truncate_and_regrow(void)
{
    lw_timeline whole;

    build(&whole, 1, 2);
    for (gsize cut = 0; cut <= N; cut++) {
        lw_timeline t;
        lw_timeline_init(&t);
        lw_timeline_append(&t, &whole, 0, N);
        lw_timeline_truncate(&t, cut);
        g_assert_cmpuint(lw_timeline_len(&t), ==, cut);
        check_runs(&t);
        g_assert_cmpuint(t.media->len, ==, cut <= 4 ? 0 : cut <= 12 ? 1 : 2);
        lw_timeline_append(&t, &whole, cut, N - cut);
        check_runs(&t);
        assert_same(&t, &whole);
        lw_timeline_clear(&t);
    }
    lw_timeline_clear(&whole);
}

/* The same picture twice in a row is two media, also when the copy breaks inside. */
static void test_twins(void)
{
    lw_timeline whole, copy;
    lw_media *p = medium(LW_MEDIA_PICTURE, 1, 2, 2, 9);

    lw_timeline_init(&whole);
    lw_timeline_add_media(&whole, p, 100, 2);
    lw_timeline_add_media(&whole, p, 100, 2);
    lw_media_unref(p);
    g_assert_cmpuint(whole.runs->len, ==, 2);
    for (gsize cut = 1; cut < 8; cut++) {
        lw_timeline_init(&copy);
        lw_timeline_append(&copy, &whole, 0, cut);
        lw_timeline_append(&copy, &whole, cut, 8 - cut);
        check_runs(&copy);
        assert_same(&copy, &whole);
        lw_timeline_clear(&copy);
    }
    lw_timeline_clear(&whole);
}

static void test_common(void)
{
    lw_timeline a, b;

    build(&a, 1, 2);
    build(&b, 1, 2);
    g_assert_cmpuint(lw_timeline_common(&a, &b), ==, N);
    g_array_index(b.ids, gint32, 19) = 77;
    g_assert_cmpuint(lw_timeline_common(&a, &b), ==, 19);
    lw_timeline_clear(&b);
    build(&b, 1, 3); /* another film of the same shape */
    g_assert_cmpuint(lw_timeline_common(&a, &b), ==, 12);
    lw_timeline_clear(&b);
    build(&b, 3, 2); /* another picture */
    g_assert_cmpuint(lw_timeline_common(&a, &b), ==, 4);
    lw_timeline_clear(&b);
    build(&b, 1, 2);
    g_array_index(b.pos, gint32, 3 * 2 + 1) += 1; /* another position */
    g_assert_cmpuint(lw_timeline_common(&a, &b), ==, 2);
    lw_timeline_clear(&b);
    lw_timeline_clear(&a);
}

/* A film whose grids stand alone between texts: still one medium, and every grid a run of its own with the
 * ids of a picture, however it is copied or cut. */
static void test_by_grid(void)
{
    static const gint32 text[] = {1, 2};
    lw_media *f = medium(LW_MEDIA_FILM, 3, 1, 2, 5);
    lw_timeline whole, copy;

    lw_timeline_init(&whole);
    for (int grid = 0; grid < 3; grid++) {
        lw_timeline_add_text(&whole, text, 2);
        lw_timeline_add_grid(&whole, f, grid, 101);
    }
    lw_timeline_add_text(&whole, text, 1);
    lw_media_unref(f);
    g_assert_cmpuint(lw_timeline_len(&whole), ==, 13);
    g_assert_cmpuint(whole.media->len, ==, 1);
    g_assert_cmpuint(whole.runs->len, ==, 7);
    /* Text 0 and 1, the grid at 2 (one row of two columns), text from 4. */
    for (int grid = 0; grid < 3; grid++) {
        const gint32 *pos = &g_array_index(whole.pos, gint32, 3 * (4 * grid + 2));
        const gint32 want[6] = {4 * grid + 2, 4 * grid + 2, 4 * grid + 2,
                                4 * grid + 2, 4 * grid + 2, 4 * grid + 3};
        g_assert_cmpmem(pos, sizeof want, want, sizeof want);
        g_assert_cmpuint(lw_timeline_source(&whole, (gsize)(4 * grid + 2)).row, ==, (guint)(2 * grid));
    }
    for (gsize cut = 1; cut < 13; cut++) {
        lw_timeline_init(&copy);
        lw_timeline_append(&copy, &whole, 0, cut);
        lw_timeline_append(&copy, &whole, cut, 13 - cut);
        for (int again = 0; again < 2; again++) {
            check_runs(&copy);
            assert_same(&copy, &whole);
            for (guint i = 0; i < copy.runs->len; i++) {
                const lw_modality_run *r = &g_array_index(copy.runs, lw_modality_run, i);
                g_assert_cmpint(r->grid_t, ==, r->is_media ? 1 : 0);
            }
            lw_timeline_truncate(&copy, cut);
            lw_timeline_append(&copy, &whole, cut, 13 - cut);
        }
        lw_timeline_clear(&copy);
    }
    lw_timeline_clear(&whole);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/timeline/append-in-pieces", test_append_in_pieces);
    g_test_add_func("/timeline/truncate-and-regrow", test_truncate_and_regrow);
    g_test_add_func("/timeline/twins", test_twins);
    g_test_add_func("/timeline/common", test_common);
    g_test_add_func("/timeline/by-grid", test_by_grid);
    return g_test_run();
}
