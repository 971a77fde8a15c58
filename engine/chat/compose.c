/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Turns to messages, rendered text to pieces.
 */
#include "engine/chat/compose.h"

#include "engine/lw-error.h"

#include <string.h>

/* A name is one line: control characters become spaces. */
static void add_name(lw_text_buf *b, const char *name)
{
    for (const char *p = name; *p; p++) {
        gboolean control = (guint8)*p < 0x20 || *p == 0x7F;

        lw_text_buf_add(b, control ? " " : p, 1, LW_ORIGIN_OUTSIDE);
    }
}

static void add_document(lw_text_buf *b, const lw_document *d)
{
    const char *text = d->text ? d->text : "";
    gsize n;

    if (g_str_has_prefix(text, "\xef\xbb\xbf"))
        text += 3;
    n = strlen(text);
    lw_text_buf_add_scaffold(b, "Document \"");
    add_name(b, d->name ? d->name : "");
    lw_text_buf_add_scaffold(b, "\":\n");
    lw_text_buf_add(b, text, n, LW_ORIGIN_OUTSIDE);
    lw_text_buf_add_scaffold(b, n > 0 && text[n - 1] == '\n' ? "\n" : "\n\n");
}

/* The text of turn i with its media inside.  FALSE: a place that is none. */
static gboolean add_text(lw_text_buf *b, const lw_chat_turn *turn, guint *n_media)
{
    const char *text = turn->text ? turn->text : "";
    gsize n = strlen(text), at = 0;

    for (gsize k = 0; turn->media_at && k < turn->n_media; k++) {
        gsize next = turn->media_at[k];
        if (next < at || next > n)
            return FALSE;
        lw_text_buf_add(b, text + at, next - at, LW_ORIGIN_OUTSIDE);
        lw_text_buf_add_place(b, (*n_media)++);
        at = next;
    }
    lw_text_buf_add(b, text + at, n - at, LW_ORIGIN_OUTSIDE);
    return TRUE;
}

gboolean lw_chat_compose(const lw_chat_turn *turns, gsize n, lw_chat_composed *c, GError **error)
{
    guint n_media = 0;

    *c = (lw_chat_composed){.messages = g_new0(lw_chat_message, n + 1),
                            .bufs = g_new0(lw_text_buf, n + 1),
                            .first_medium = g_new0(guint, n + 1),
                            .n = n};
    for (gsize i = 0; i < n; i++) {
        lw_text_buf *b = &c->bufs[i];

        c->first_medium[i] = n_media;
        if (turns[i].n_media > LW_TEXT_MAX_MEDIA - n_media) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                        "more than %d pictures and films in one conversation", LW_TEXT_MAX_MEDIA);
            lw_chat_composed_clear(c);
            return FALSE;
        }
        for (gsize k = 0; !turns[i].media_at && k < turns[i].n_media; k++)
            lw_text_buf_add_place(b, n_media++);
        for (gsize k = 0; k < turns[i].n_documents; k++)
            add_document(b, &turns[i].documents[k]);
        if (!add_text(b, &turns[i], &n_media)) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                        "message %" G_GSIZE_FORMAT ": the places of its %" G_GSIZE_FORMAT
                        " pictures and films are not in order in a text of %" G_GSIZE_FORMAT " bytes",
                        i + 1, turns[i].n_media, strlen(turns[i].text ? turns[i].text : ""));
            lw_chat_composed_clear(c);
            return FALSE;
        }
        if (b->failed) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                        "not enough memory for message %" G_GSIZE_FORMAT " of the prompt", i + 1);
            lw_chat_composed_clear(c);
            return FALSE;
        }
        c->messages[i] = (lw_chat_message){turns[i].role, lw_text_buf_view(b)};
    }
    c->first_medium[n] = n_media;
    return TRUE;
}

void lw_chat_composed_clear(lw_chat_composed *c)
{
    for (gsize i = 0; i < c->n; i++)
        lw_text_buf_clear(&c->bufs[i]);
    g_clear_pointer(&c->bufs, g_free);
    g_clear_pointer(&c->messages, g_free);
    g_clear_pointer(&c->first_medium, g_free);
    c->n = 0;
}

/* ---- Pieces ---- */

static gboolean fail_place(GError **error, const char *what)
{
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                "the model's chat template %s the place of a picture or film", what);
    return FALSE;
}

/* The turn whose medium has this number. */
static gsize turn_of(const lw_chat_composed *c, guint medium)
{
    gsize low = 0, high = c->n;

    while (high - low > 1) {
        gsize middle = low + (high - low) / 2;

        if (c->first_medium[middle] <= medium)
            low = middle;
        else
            high = middle;
    }
    return low;
}

gboolean lw_chat_cut(const lw_chat_composed *c, lw_chat_prompt *p, GError **error)
{
    lw_text t = lw_text_buf_view(&p->text);
    guint n_media = c->first_medium[c->n], n_seen = 0;
    g_autofree guint8 *seen = g_new0(guint8, (gsize)n_media + 1);

    for (gsize at = 0, end; at < t.n; at = end) {
        lw_chat_piece piece = {0};

        if (t.origins[at] == LW_ORIGIN_MEDIA) {
            gint64 medium = lw_text_place_at(t, at);

            if (medium < 0 || medium >= n_media)
                return fail_place(error, "damages");
            if (seen[medium])
                return fail_place(error, "doubles");
            seen[medium] = 1;
            n_seen++;
            end = at + LW_TEXT_PLACE;
            piece.is_media = TRUE;
            piece.turn = (guint)turn_of(c, (guint)medium);
            piece.media = (guint)medium - c->first_medium[piece.turn];
        } else {
            for (end = at + 1; end < t.n && t.origins[end] == t.origins[at];)
                end++;
            piece.span = (lw_span){t.bytes + at, end - at, t.origins[at] == LW_ORIGIN_TEMPLATE};
        }
        g_array_append_val(p->pieces, piece);
    }
    return n_seen == n_media || fail_place(error, "leaves out");
}
