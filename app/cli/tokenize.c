/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "app/cli/cli.h"

/* What lw_tokenizer_encode() takes. */
#define MAX_TEXT_BYTES ((gsize)256 << 20)

static char *model_name;
static gboolean special;

static const GOptionEntry entries[] = {
    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &model_name,
     "Model file, or the name of an installed one (default: the one that comes with Longwave)",
     "MODEL"},
    {"special", 0, 0, G_OPTION_ARG_NONE, &special,
     "Recognise special tokens such as <|im_start|> in the text", NULL},
    {NULL},
};

/* Only the vocabulary is needed: the file may hold no tensors. */
static gboolean print_ids(const lw_gguf *g, const char *text, gsize n, GError **error)
{
    lw_tokenizer *t = lw_tokenizer_new(g, error);
    if (!t)
        return FALSE;
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    gboolean ok = lw_tokenizer_encode_text(t, text, (gssize)n, special, ids, error);
    if (ok) {
        g_autoptr(GString) s = g_string_new(NULL);
        for (guint i = 0; i < ids->len; i++)
            g_string_append_printf(s, "%s%d", i ? " " : "", g_array_index(ids, gint32, i));
        g_string_append_c(s, '\n');
        ok = lw_cli_write(s->str, s->len, error);
    }
    lw_tokenizer_free(t);
    return ok;
}

gboolean lw_cli_tokenize(int argc, char **argv, GError **error)
{
    gsize n;
    if (!lw_cli_parse(&argc, &argv, "[FILE]", "Print the token ids of a text on one line.",
                      "Without FILE, or with \"-\": standard input.  The text is taken as it is: no "
                      "template, no\nbeginning-of-text token, and a final newline counts.",
                      entries, NULL, error) ||
        !lw_cli_check_n_args(argc, argv, 1, error))
        return FALSE;
    g_autofree char *path = lw_cli_model_path(model_name, error);
    if (!path)
        return FALSE;
    lw_gguf *g = lw_gguf_open(path, error);
    if (!g)
        return FALSE;
    g_autofree char *text =
        lw_cli_read_text(argc > 1 ? argv[1] : NULL, MAX_TEXT_BYTES, &n, error);
    gboolean ok = text && print_ids(g, text, n, error);
    lw_gguf_free(g);
    return ok;
}
