/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/json.h"
#include "app/cli/npy.h"

/* What lw_tokenizer_encode() takes. */
#define MAX_TEXT_BYTES ((gsize)256 << 20)
#define MAX_TEXTS 1000000u

static struct {
    char *model, *pooling, *out;
    int n_threads, n_ctx;
    lw_pooling way;
    gboolean whole, json;
} o;

static const GOptionEntry entries[] = {
    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model,
     "Model file, or the name of an installed one (default: the one that comes with Longwave)", "MODEL"},
    {"whole", 0, 0, G_OPTION_ARG_NONE, &o.whole, "The whole file is one text, not every line", NULL},
    {"pooling", 0, 0, G_OPTION_ARG_STRING, &o.pooling,
     "How a text's tokens become one vector: mean, cls or last (default: what the model's file says)",
     "WAY"},
    {"out", 0, 0, G_OPTION_ARG_FILENAME, &o.out, "Write the vectors as f32 rows to a NumPy file, and print none",
     "FILE.npy"},
    {"ctx", 0, 0, G_OPTION_ARG_INT, &o.n_ctx, "Tokens of the longest text (default: the model's)", "N"},
    {"threads", 't', 0, G_OPTION_ARG_INT, &o.n_threads, "Threads (default: one per CPU)", "N"},
    {"json", 0, 0, G_OPTION_ARG_NONE, &o.json, "Print JSON", NULL},
    {NULL},
};

static gboolean check_options(GError **error)
{
    if (o.n_ctx < 0 || o.n_threads < 0) {
        g_set_error_literal(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE,
                            "--ctx and --threads cannot be negative (see lw embed --help)");
        return FALSE;
    }
    if (!o.pooling)
        return TRUE;
    for (lw_pooling p = LW_POOLING_MEAN; p <= LW_POOLING_LAST; p++)
        if (strcmp(o.pooling, lw_pooling_name(p)) == 0)
            o.way = p;
    if (o.way)
        return TRUE;
    g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE, "--pooling %s: must be mean, cls or last", o.pooling);
    return FALSE;
}

/* The texts of the input, pointing into it: its lines, or all of it.  The newline that ends the input begins
 * no further line. */
static GPtrArray *split(char *text, gsize n, GError **error)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new();

    for (char *at = text, *end = text + n; !o.whole && at < end;) {
        char *stop = memchr(at, '\n', (gsize)(end - at));
        if (!stop)
            stop = end;
        char *next = stop + 1;
        if (stop > at && stop[-1] == '\r')
            stop--;
        *stop = '\0';
        if (stop == at) {
            g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_INPUT,
                        "line %u is empty: every line is a text (--whole takes the input as one)", texts->len + 1);
            return NULL;
        }
        if (texts->len == MAX_TEXTS) {
            g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_INPUT, "more than %u lines; divide the input", MAX_TEXTS);
            return NULL;
        }
        g_ptr_array_add(texts, at);
        at = next;
    }
    if (o.whole && n)
        g_ptr_array_add(texts, text);
    if (texts->len == 0) {
        g_set_error_literal(error, LW_CLI_ERROR, LW_CLI_ERROR_INPUT, "there is no text to embed");
        return NULL;
    }
    return g_steal_pointer(&texts);
}

/* Nine digits: reading them back gives the same f32. */
static gboolean print_text(const float *rows, gsize n, gsize n_embd, GError **error)
{
    g_autoptr(GString) s = g_string_new(NULL);
    char number[G_ASCII_DTOSTR_BUF_SIZE];

    for (gsize i = 0; i < n; i++) {
        g_string_truncate(s, 0);
        for (gsize k = 0; k < n_embd; k++) {
            g_ascii_formatd(number, sizeof number, "%.9g", (double)rows[i * n_embd + k]);
            g_string_append_printf(s, "%s%s", k ? " " : "", number);
        }
        g_string_append_c(s, '\n');
        if (!lw_cli_write(s->str, s->len, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean print_json(const lw_embedder *e, const char *model, const float *rows, gsize n, GError **error)
{
    gsize n_embd = lw_embedder_get_n_embd(e);
    JsonBuilder *b = json_builder_new();

    json_builder_begin_object(b);
    lw_cli_json_str(b, "model", model);
    lw_cli_json_str(b, "pooling", lw_pooling_name(lw_embedder_get_pooling(e)));
    lw_cli_json_int(b, "dimensions", (gint64)n_embd);
    lw_cli_json_int(b, "texts", (gint64)n);
    if (o.out) {
        lw_cli_json_str(b, "out", o.out);
    } else {
        json_builder_set_member_name(b, "embeddings");
        json_builder_begin_array(b);
        for (gsize i = 0; i < n; i++) {
            json_builder_begin_array(b);
            for (gsize k = 0; k < n_embd; k++)
                json_builder_add_double_value(b, (double)rows[i * n_embd + k]);
            json_builder_end_array(b);
        }
        json_builder_end_array(b);
    }
    json_builder_end_object(b);
    return lw_cli_json_print(b, error);
}

static gboolean embed(lw_model *m, const GPtrArray *texts, GError **error)
{
    lw_embedder_params params = {.pooling = o.way, .n_ctx = (guint32)o.n_ctx, .n_threads = o.n_threads};
    lw_embedder *e = lw_embedder_new(m, &params, error);
    if (!e)
        return FALSE;

    gsize n = texts->len, n_embd = lw_embedder_get_n_embd(e);
    g_autofree float *rows = g_try_malloc_n(n, n_embd * sizeof *rows);
    gboolean ok = rows != NULL;
    if (!ok)
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                    "no memory for %" G_GSIZE_FORMAT " vectors of %" G_GSIZE_FORMAT " numbers", n, n_embd);
    ok = ok && lw_embedder_run(e, (const char *const *)texts->pdata, n, rows, &lw_cli_cancel, error) &&
         (!o.out || lw_cli_npy_write(o.out, rows, n, n_embd, error));
    if (ok && o.json)
        ok = print_json(e, lw_model_get_info(m)->name, rows, n, error);
    else if (ok && !o.out)
        ok = print_text(rows, n, n_embd, error);
    lw_embedder_free(e);
    return ok;
}

gboolean lw_cli_embed(int argc, char **argv, GError **error)
{
    gsize n;

    lw_cli_catch_interrupt();
    if (!lw_cli_parse(&argc, &argv, "[FILE]", "Vectors of texts, one a line.",
                      "Without FILE, or with \"-\": standard input.  Every line is a text, and gives a line of "
                      "numbers\nwhose squares add up to 1.  A text that is longer than the model takes is an error: "
                      "nothing is\ncut.  Prefixes that a model wants (\"search_query: \") are yours to write.",
                      entries, NULL, error) ||
        !lw_cli_check_n_args(argc, argv, 1, error) || !check_options(error))
        return FALSE;
    lw_model *m = lw_cli_open_model(o.model, "", error);
    if (!m)
        return FALSE;
    g_autofree char *text = lw_cli_read_text(argc > 1 ? argv[1] : NULL, MAX_TEXT_BYTES, &n, error);
    g_autoptr(GPtrArray) texts = text ? split(text, n, error) : NULL;
    gboolean ok = texts && embed(m, texts, error);
    lw_model_unref(m);
    return ok;
}
