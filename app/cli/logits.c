/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/json.h"
#include "app/cli/npy.h"
#include "app/cli/pictures.h"

static struct {
    char *model, *mmproj, *tokens, *prompt, *out, *kv, *attention;
    char **images;
    int top, n_threads, n_ctx;
    lw_kv_type kv_type;
    gboolean all, json;
} o = {.top = 10};

static const GOptionEntry entries[] = {
    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model,
     "Model file, or the name of an installed one (default: the one that comes with Longwave)",
     "MODEL"},
    {"mmproj", 0, 0, G_OPTION_ARG_FILENAME, &o.mmproj,
     "Vision file (default: mmproj*.gguf beside the model)", "FILE"},
    {"tokens", 0, 0, G_OPTION_ARG_STRING, &o.tokens, "Token ids, separated by commas or blanks",
     "IDS"},
    {"prompt", 0, 0, G_OPTION_ARG_STRING, &o.prompt, "A text, without a chat template", "TEXT"},
    {"image", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o.images,
     "A picture before the text of --prompt; may be repeated", "FILE"},
    {"top", 0, 0, G_OPTION_ARG_INT, &o.top, "How many tokens to print, best first (default: 10)",
     "N"},
    {"all", 0, 0, G_OPTION_ARG_NONE, &o.all, "Every position, not only the last one", NULL},
    {"out", 0, 0, G_OPTION_ARG_FILENAME, &o.out, "Write all logits as f32 rows to a NumPy file",
     "FILE.npy"},
    {"ctx", 0, 0, G_OPTION_ARG_INT, &o.n_ctx,
     "Context in tokens (default: the model's, or less if memory is short)", "N"},
    {"threads", 't', 0, G_OPTION_ARG_INT, &o.n_threads, "Threads (default: one per CPU)", "N"},
    {"kv", 0, 0, G_OPTION_ARG_STRING, &o.kv, "Type of the cache: f16 (default), q8_0 or f32", "TYPE"},
    {"attn", 0, 0, G_OPTION_ARG_STRING, &o.attention, LW_CLI_ATTN, "MODE"},
    {"json", 0, 0, G_OPTION_ARG_NONE, &o.json, "Print JSON", NULL},
    {NULL},
};

static gboolean usage(GError **error, const char *text)
{
    g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE, "%s (see lw logits --help)", text);
    return FALSE;
}

static gboolean check_options(GError **error)
{
    if (!o.tokens == !o.prompt)
        return usage(error, "give one of --tokens and --prompt");
    if (o.tokens && o.images)
        return usage(error, "--image goes with --prompt, not with --tokens");
    if (o.top < 0 || o.n_ctx < 0 || o.n_threads < 0)
        return usage(error, "--top, --ctx and --threads cannot be negative");
    return lw_kv_type_parse(o.kv, &o.kv_type, error);
}

/* ---- The prompt ---- */

static GPtrArray *open_images(const lw_model *m, GError **error)
{
    g_autoptr(GPtrArray) media = g_ptr_array_new_with_free_func((GDestroyNotify)lw_media_unref);
    const lw_vision_spec *spec = lw_model_get_vision_spec(m);
    const lw_model_info *info = lw_model_get_info(m);

    for (char **path = o.images; path && *path; path++) {
        if (!spec) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s: %s cannot see: %s",
                        *path, info->name,
                        info->vision_missing ? info->vision_missing : "no vision file");
            return NULL;
        }
        lw_media *one = lw_cli_open_picture(*path, spec, NULL, error);
        if (!one)
            return NULL;
        lw_cli_note("%s: %s", *path, one->note);
        g_ptr_array_add(media, one);
    }
    return g_steal_pointer(&media);
}

static lw_prompt *make_prompt(const lw_model *m, GError **error)
{
    if (o.tokens) {
        gsize n;
        g_autofree guint32 *ids =
            lw_cli_parse_list(o.tokens, "--tokens", 0, lw_model_get_info(m)->n_vocab - 1, &n, error);
        return ids ? lw_prompt_new_tokens(m, (const gint32 *)ids, n, error) : NULL;
    }
    g_autoptr(GPtrArray) media = open_images(m, error);
    if (!media)
        return NULL;
    return lw_prompt_new_text(m, o.prompt, (lw_media *const *)media->pdata, media->len, error);
}

/* ---- Printing ---- */

typedef struct {
    gint32 id;
    float logit;
} candidate;

static int by_logit(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->logit != y->logit)
        return x->logit < y->logit ? 1 : -1;
    return x->id - y->id;
}

static double log_sum_exp(const float *logits, gsize n)
{
    double max = -INFINITY, sum = 0;
    for (gsize i = 0; i < n; i++)
        max = fmax(max, logits[i]);
    for (gsize i = 0; i < n; i++)
        sum += exp(logits[i] - max);
    return max + log(sum);
}

static void add_position(const lw_tokenizer *t, gsize position, const float *logits, gsize n_vocab,
                         GString *text, JsonBuilder *json)
{
    g_autofree candidate *all = g_new(candidate, n_vocab);
    for (gsize i = 0; i < n_vocab; i++)
        all[i] = (candidate){(gint32)i, isnan(logits[i]) ? -INFINITY : logits[i]};
    qsort(all, n_vocab, sizeof *all, by_logit);
    double norm = log_sum_exp(logits, n_vocab);

    if (json) {
        json_builder_begin_object(json);
        lw_cli_json_int(json, "position", (gint64)position);
        json_builder_set_member_name(json, "top");
        json_builder_begin_array(json);
    } else {
        g_string_append_printf(text, "position %zu\n", position);
    }
    for (gsize k = 0; k < MIN((gsize)o.top, n_vocab); k++) {
        gsize n = 0;
        const char *bytes = lw_tokenizer_token_bytes(t, all[k].id, &n);
        g_autofree char *piece = g_utf8_make_valid(bytes ? bytes : "", bytes ? (gssize)n : 0);
        double p = exp(all[k].logit - norm);
        if (json) {
            json_builder_begin_object(json);
            lw_cli_json_int(json, "id", all[k].id);
            lw_cli_json_num(json, "logit", all[k].logit);
            lw_cli_json_num(json, "probability", p);
            lw_cli_json_str(json, "text", piece);
            json_builder_end_object(json);
        } else {
            g_autofree char *escaped = g_strescape(piece, NULL);
            g_autofree char *shown = g_utf8_validate(piece, -1, NULL) && !strpbrk(piece, "\n\r\t\033\"\\")
                                         ? lw_cli_clean(piece)
                                         : lw_cli_clean(escaped);
            g_string_append_printf(text, "%8d  %12.6f  %8.6f  \"%s\"\n", all[k].id, all[k].logit, p,
                                   shown);
        }
    }
    if (json) {
        json_builder_end_array(json);
        json_builder_end_object(json);
    }
}

static gboolean print_top(const lw_model *m, const float *rows, gsize n_rows, gsize first,
                          GError **error)
{
    const lw_tokenizer *t = lw_model_get_tokenizer(m);
    gsize n_vocab = lw_model_get_info(m)->n_vocab;

    if (!o.json) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (gsize i = 0; i < n_rows; i++)
            add_position(t, first + i, rows + i * n_vocab, n_vocab, text, NULL);
        return lw_cli_write(text->str, text->len, error);
    }
    JsonBuilder *b = json_builder_new();
    json_builder_begin_object(b);
    lw_cli_json_int(b, "vocabulary", (gint64)n_vocab);
    json_builder_set_member_name(b, "positions");
    json_builder_begin_array(b);
    for (gsize i = 0; i < n_rows; i++)
        add_position(t, first + i, rows + i * n_vocab, n_vocab, NULL, b);
    json_builder_end_array(b);
    json_builder_end_object(b);
    return lw_cli_json_print(b, error);
}

static gboolean compute(lw_session *s, lw_model *m, const lw_prompt *p, GError **error)
{
    lw_session_keep_all_logits(s, o.all);
    if (!lw_session_sync(s, p, lw_cli_on_progress, NULL, &lw_cli_cancel, error))
        return FALSE;

    gsize n_rows = 1, first = lw_prompt_n_tokens(p) - 1;
    const float *rows = lw_session_get_logits(s);
    if (o.all) {
        rows = lw_session_get_all_logits(s, &n_rows);
        first = lw_prompt_n_tokens(p) - n_rows;
    }
    g_return_val_if_fail(rows, FALSE);
    if (o.out && !lw_cli_npy_write(o.out, rows, n_rows, lw_model_get_info(m)->n_vocab, error))
        return FALSE;
    return print_top(m, rows, n_rows, first, error);
}

gboolean lw_cli_logits(int argc, char **argv, GError **error)
{
    lw_cli_catch_interrupt();
    if (!lw_cli_parse(&argc, &argv, "--tokens IDS | --prompt TEXT",
                      "Logits of the next token, for comparison with other engines.",
                      "Prints id, logit, probability and text of the best tokens.", entries, NULL, error) ||
        !lw_cli_check_n_args(argc, argv, 0, error) || !check_options(error))
        return FALSE;

    lw_model *m = lw_cli_open_model(o.model, o.mmproj, error);
    if (!m)
        return FALSE;
    gboolean ok = FALSE;
    lw_session *s = NULL;
    lw_prompt *p = make_prompt(m, error);
    if (p) {
        lw_session_params params = {
            .n_ctx = (guint32)o.n_ctx,
            .n_threads = o.n_threads,
            .kv_type = o.kv_type,
            .attention = o.attention && strcmp(o.attention, "auto") ? o.attention : NULL,
        };
        s = lw_session_new(m, &params, error);
    }
    if (s)
        ok = compute(s, m, p, error);
    if (s)
        lw_session_free(s);
    if (p)
        lw_prompt_free(p);
    lw_model_unref(m);
    return ok;
}
