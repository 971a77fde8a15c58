/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/media-fit.h"

/* Tokens around a medium: vision start and end, and the newline a template may put between. */
#define MEDIA_OVERHEAD 4
/* Below this a picture shows nothing. */
#define MIN_MEDIA_TOKENS 4

gint64 lw_media_fit_answer(gint64 n_ctx)
{
    return MIN(1024, n_ctx / 4);
}

typedef struct {
    guint index;
    gint64 tokens;
} sized;

static int by_tokens(gconstpointer a, gconstpointer b)
{
    gint64 x = ((const sized *)a)->tokens, y = ((const sized *)b)->tokens;
    return (x > y) - (x < y);
}

gboolean lw_media_fit(lw_media **media, gint64 *shrunk, guint n, gint64 n_ctx, gint64 n_text,
                      gint64 n_answer, lw_media_reopen_fn reopen, void *user, GError **error)
{
    if (n == 0)
        return TRUE;

    g_autofree sized *order = g_new(sized, n);
    gint64 room = n_ctx - n_text - n_answer;

    for (guint i = 0; i < n; i++)
        order[i] = (sized){i, lw_media_room(media[i])};
    qsort(order, n, sizeof *order, by_tokens);

    for (guint i = 0; i < n; i++) {
        lw_media **m = &media[order[i].index];
        gint64 need = order[i].tokens, share = room / (n - i) - MEDIA_OVERHEAD;

        shrunk[order[i].index] = 0;
        if (need > share) {
            lw_media *smaller = NULL;
            if (share >= MIN_MEDIA_TOKENS) {
                smaller = reopen(user, order[i].index, share, error);
                if (!smaller)
                    return FALSE;
            }
            if (!smaller || lw_media_room(smaller) > share) {
                g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL,
                            "%s needs %" G_GINT64_FORMAT " tokens, and the context of "
                            "%" G_GINT64_FORMAT " has room for %" G_GINT64_FORMAT " beside "
                            "%" G_GINT64_FORMAT " of text and %" G_GINT64_FORMAT " kept for the answer; "
                            "take a larger context or start anew",
                            (*m)->label, smaller ? lw_media_room(smaller) : need, n_ctx,
                            MAX(share, 0), n_text, n_answer);
                lw_media_unref(smaller);
                return FALSE;
            }
            lw_media_unref(*m);
            *m = smaller;
            shrunk[order[i].index] = need;
        }
        room -= lw_media_room(*m) + MEDIA_OVERHEAD;
    }
    return TRUE;
}
