/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Messages -> tokens, positions and media places.
 */
#include "engine/session/prompt.h"

#include "engine/models/model.h"

#include <string.h>

static lw_prompt *prompt_new(void)
{
    lw_prompt *p = g_new0(lw_prompt, 1);

    lw_timeline_init(&p->timeline);
    return p;
}

void lw_prompt_free(lw_prompt *p)
{
    if (!p)
        return;
    lw_timeline_clear(&p->timeline);
    g_free(p);
}

static gboolean add_spans(lw_prompt *p, const lw_model *m, const lw_span *spans, gsize n,
                          GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint32));

    if (!lw_tokenizer_encode(lw_model_get_tokenizer(m), spans, n, ids, error))
        return FALSE;
    lw_timeline_add_text(&p->timeline, (const gint32 *)ids->data, ids->len);
    return TRUE;
}

/* A film of which every grid stands alone? */
static gboolean goes_by_grid(const lw_model *m, const lw_media *media)
{
    const lw_vision_spec *spec = lw_model_get_vision_spec(m);

    return spec && spec->film_by_grid && media->kind == LW_MEDIA_FILM;
}

/* What stands before such a grid: "<1.5 seconds>". */
static char *time_of_grid(const lw_media *media, int grid)
{
    double at = media->grid_seconds ? media->grid_seconds[grid] : grid * media->seconds_per_grid;
    char number[G_ASCII_DTOSTR_BUF_SIZE];

    return g_strdup_printf("<%s seconds>", g_ascii_formatd(number, sizeof number, "%.1f", at));
}

/* The placeholder tokens of one medium, or of one grid of it (-1: all), nothing around them. */
static gboolean add_placeholders(lw_prompt *p, const lw_model *m, lw_media *media, int grid, GError **error)
{
    const char *pad = media->kind == LW_MEDIA_FILM ? "<|video_pad|>" : "<|image_pad|>";
    const lw_vision_spec *spec = lw_model_get_vision_spec(m);
    gint32 token = lw_tokenizer_find_special(lw_model_get_tokenizer(m), pad);

    if (!spec) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s",
                    lw_model_get_info(m)->vision_missing);
        return FALSE;
    }
    if (token < 0) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "%s has no token %s, so it cannot be shown %s", lw_model_get_info(m)->name, pad,
                    media->label);
        return FALSE;
    }
    if (grid < 0)
        lw_timeline_add_media(&p->timeline, media, token, spec->tokens_per_second);
    else
        lw_timeline_add_grid(&p->timeline, media, grid, token);
    return TRUE;
}

/* What stands for one medium in the prompt: any number of trusted words and placeholders.  The
 * tokens at both ends are special, so the text before and after splits there anyway.  A film that goes by
 * grid has its first time in the text before it (the caller's), where it is split into tokens with it. */
static gboolean add_medium(lw_prompt *p, const lw_model *m, lw_media *media, GError **error)
{
    const lw_span start = {"<|vision_start|>", strlen("<|vision_start|>"), TRUE};
    const lw_span end = {"<|vision_end|>", strlen("<|vision_end|>"), TRUE};

    if (!goes_by_grid(m, media))
        return add_spans(p, m, &start, 1, error) && add_placeholders(p, m, media, -1, error) &&
               add_spans(p, m, &end, 1, error);
    for (int grid = 0; grid < media->grid_t; grid++) {
        g_autofree char *time = grid ? time_of_grid(media, grid) : g_strdup("");
        const lw_span before[2] = {{time, strlen(time), TRUE}, start};
        if (!add_spans(p, m, before, 2, error) || !add_placeholders(p, m, media, grid, error) ||
            !add_spans(p, m, &end, 1, error))
            return FALSE;
    }
    return TRUE;
}

/* BOS where the model wants one and the template has not written it. */
static void add_bos_once(lw_prompt *p, const lw_model *m, const gint32 *ids, gsize n)
{
    const lw_tokenizer *t = lw_model_get_tokenizer(m);
    gint32 bos = lw_tokenizer_bos(t);

    if (lw_tokenizer_add_bos(t) && bos >= 0 && (n == 0 || ids[0] != bos))
        lw_timeline_add_text(&p->timeline, &bos, 1);
}

static gboolean add_first_spans(lw_prompt *p, const lw_model *m, const lw_span *spans, gsize n,
                                GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint32));

    if (!lw_tokenizer_encode(lw_model_get_tokenizer(m), spans, n, ids, error))
        return FALSE;
    add_bos_once(p, m, (const gint32 *)ids->data, ids->len);
    lw_timeline_add_text(&p->timeline, (const gint32 *)ids->data, ids->len);
    return TRUE;
}

static gboolean add_pieces(lw_prompt *p, const lw_model *m, const lw_message *messages,
                           const GArray *pieces, GError **error)
{
    g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(lw_span));
    gboolean first = TRUE;

    for (guint i = 0; i <= pieces->len; i++) {
        const lw_chat_piece *piece =
            i < pieces->len ? &g_array_index(pieces, lw_chat_piece, i) : NULL;

        if (piece && !piece->is_media) {
            g_array_append_val(spans, piece->span);
            continue;
        }
        lw_media *medium = piece ? messages[piece->turn].media[piece->media] : NULL;
        g_autofree char *time = medium && goes_by_grid(m, medium) ? time_of_grid(medium, 0) : NULL;
        if (time) {
            lw_span span = {time, strlen(time), TRUE};
            g_array_append_val(spans, span);
        }
        /* The stretch before a medium, or the last one. */
        if (!(first ? add_first_spans : add_spans)(p, m, (const lw_span *)spans->data, spans->len,
                                                   error))
            return FALSE;
        if (medium && !add_medium(p, m, medium, error))
            return FALSE;
        first = FALSE;
        g_array_set_size(spans, 0);
    }
    return TRUE;
}

lw_prompt *lw_prompt_new_chat(const lw_model *m, const lw_message *messages, gsize n,
                              const lw_chat_params *params, GError **error)
{
    g_autofree lw_chat_turn *turns = g_new0(lw_chat_turn, n);
    lw_chat_prompt rendered;
    lw_prompt *p;

    for (gsize i = 0; i < n; i++)
        turns[i] = (lw_chat_turn){.role = messages[i].role,
                                  .text = messages[i].text,
                                  .n_media = messages[i].n_media,
                                  .media_at = messages[i].media_at,
                                  .documents = messages[i].documents,
                                  .n_documents = messages[i].n_documents};
    if (!lw_chat_render(lw_model_get_chat(m), turns, n, params, &rendered, error))
        return NULL;
    p = prompt_new();
    p->opens_thinking = rendered.opens_thinking;
    if (!add_pieces(p, m, messages, rendered.pieces, error))
        g_clear_pointer(&p, lw_prompt_free);
    lw_chat_prompt_clear(&rendered);
    return p;
}

gboolean lw_prompt_opens_thinking(const lw_prompt *p)
{
    return p->opens_thinking;
}

lw_prompt *lw_prompt_new_tokens(const lw_model *m, const gint32 *ids, gsize n, GError **error)
{
    gint32 n_vocab = lw_tokenizer_n_tokens(lw_model_get_tokenizer(m));

    for (gsize i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= n_vocab) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                        "token id %d is outside the vocabulary (0 to %d)", ids[i], n_vocab - 1);
            return NULL;
        }
    }
    lw_prompt *p = prompt_new();
    lw_timeline_add_text(&p->timeline, ids, n);
    return p;
}

lw_prompt *lw_prompt_new_text(const lw_model *m, const char *text, lw_media *const *media,
                              gsize n_media, GError **error)
{
    const lw_span body = {text, strlen(text), FALSE};
    lw_prompt *p = prompt_new();
    gboolean ok = TRUE;

    add_bos_once(p, m, NULL, 0);
    for (gsize i = 0; ok && i < n_media; i++) {
        g_autofree char *time = goes_by_grid(m, media[i]) ? time_of_grid(media[i], 0) : g_strdup("");
        const lw_span before = {time, strlen(time), TRUE};
        ok = add_spans(p, m, &before, 1, error) && add_medium(p, m, media[i], error);
    }
    if (!ok || !add_spans(p, m, &body, 1, error))
        g_clear_pointer(&p, lw_prompt_free);
    return p;
}

gboolean lw_prompt_append_text(lw_prompt *p, const lw_model *m, const char *text, GError **error)
{
    const lw_span span = {text, strlen(text), FALSE};

    return add_spans(p, m, &span, 1, error);
}

gsize lw_prompt_n_tokens(const lw_prompt *p)
{
    return lw_timeline_len(&p->timeline);
}

const gint32 *lw_prompt_ids(const lw_prompt *p)
{
    return (const gint32 *)p->timeline.ids->data;
}

const gint32 *lw_prompt_positions(const lw_prompt *p)
{
    return (const gint32 *)p->timeline.pos->data;
}

gsize lw_prompt_common(const lw_prompt *a, const lw_prompt *b)
{
    return lw_timeline_common(&a->timeline, &b->timeline);
}

lw_prompt *lw_prompt_new_prefix(const lw_prompt *p, gsize n)
{
    g_return_val_if_fail(n >= 1 && n <= lw_timeline_len(&p->timeline), NULL);

    lw_prompt *prefix = prompt_new();
    lw_timeline_append(&prefix->timeline, &p->timeline, 0, n);
    return prefix;
}
