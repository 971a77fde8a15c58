/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tokenizer against other implementations: the values in tokenizer/ were made by make.py there,
 * which says by whom.  Those with real vocabularies are skipped when the shared data is absent.
 */
#include "engine/tokenizer/pretokenize.h"
#include "engine/tokenizer/tokenizer.h"

/* Lines of tab-separated fields; "#" begins a comment. */
static char **read_lines(const char *name)
{
    char *path = g_test_build_filename(G_TEST_DIST, "tokenizer", name, NULL), *text, **lines;
    GError *error = NULL;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    lines = g_strsplit(text, "\n", -1);
    g_free(text);
    g_free(path);
    return lines;
}

static GByteArray *from_hex(const char *hex)
{
    GByteArray *a = g_byte_array_new();

    for (; g_ascii_isxdigit(hex[0]) && g_ascii_isxdigit(hex[1]); hex += 2) {
        guint8 byte = (guint8)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));

        g_byte_array_append(a, &byte, 1);
    }
    return a;
}

static void test_pieces(void)
{
    char **lines = read_lines("pieces.txt");
    guint n = 0;

    for (char **line = lines; *line != NULL; line++) {
        char **fields = g_strsplit(*line, "\t", 3);

        if (**line != '#' && **line != '\0') {
            const lw_pretokenizer *pre = lw_pretokenizer_find(fields[0], strlen(fields[0]));
            GByteArray *text = from_hex(fields[1]);
            const guint8 *p = text->data, *end = p + text->len;
            GString *have = g_string_new(NULL);

            g_assert_nonnull(pre);
            while (p < end) {
                gsize k = pre->piece(p, end);

                g_string_append_printf(have, "%s%" G_GSIZE_FORMAT, have->len > 0 ? " " : "", k);
                p += k;
            }
            if (strcmp(have->str, fields[2]) != 0)
                g_error("%s %s: pieces %s, expected %s", fields[0], fields[1], have->str,
                        fields[2]);
            g_string_free(have, TRUE);
            g_byte_array_unref(text);
            n++;
        }
        g_strfreev(fields);
    }
    g_assert_cmpuint(n, >=, 800);
    g_strfreev(lines);
}

static void check_ids(const lw_tokenizer *t, const char *name)
{
    char **lines = read_lines(name);
    guint n = 0;

    for (char **line = lines; *line != NULL; line++) {
        char **fields = g_strsplit(*line, "\t", 2);

        if (**line != '#' && **line != '\0') {
            GByteArray *text = from_hex(fields[0]);
            GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
            GString *have = g_string_new(NULL);
            GError *error = NULL;

            lw_tokenizer_encode_text(t, (const char *)text->data, text->len, FALSE, ids, &error);
            g_assert_no_error(error);
            for (guint i = 0; i < ids->len; i++)
                g_string_append_printf(have, "%s%d", i > 0 ? " " : "",
                                       g_array_index(ids, gint32, i));
            if (strcmp(have->str, fields[1]) != 0)
                g_error("%s %s: ids %s, expected %s", name, fields[0], have->str, fields[1]);
            g_string_free(have, TRUE);
            g_array_unref(ids);
            g_byte_array_unref(text);
            n++;
        }
        g_strfreev(fields);
    }
    g_assert_cmpuint(n, >=, 400);
    g_strfreev(lines);
}

static void test_ids(gconstpointer name)
{
    char *file = g_strconcat(name, ".gguf", NULL), *values = g_strconcat(name, ".txt", NULL);
    char *path = g_build_filename(g_getenv("LW_SHARED"), "data", "vocab", file, NULL);
    GError *error = NULL;
    lw_gguf *g;
    lw_tokenizer *t;

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_test_skip_printf("%s is absent (LW_SHARED names the shared folder)", file);
    } else {
        g = lw_gguf_open(path, &error);
        g_assert_no_error(error);
        t = lw_tokenizer_new(g, &error);
        g_assert_no_error(error);
        check_ids(t, values);
        lw_tokenizer_free(t);
        lw_gguf_free(g);
    }
    g_free(path);
    g_free(values);
    g_free(file);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tokenizer/pieces", test_pieces);
    g_test_add_data_func("/tokenizer/ids/sentencepiece", "llama-spm", test_ids);
    g_test_add_data_func("/tokenizer/ids/wordpiece", "bert-bge", test_ids);
    return g_test_run();
}
