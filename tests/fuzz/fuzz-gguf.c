/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is a GGUF file, or the parts of a split one with "--part--" between them.  Whatever opens is
 * read completely.
 */
#include "engine/gguf/gguf-private.h"
#include "tests/fuzz/fuzz.h"

static void read_key(const lw_gguf *g, const char *key)
{
    lw_gguf_str s, *strs;
    gint32 *ints;
    float *floats, f;
    guint32 u;
    gint64 i;
    gboolean flag;
    guint8 sum = 0;
    gsize n;

    fuzz_require(lw_gguf_has(g, key));
    lw_gguf_get_u32(g, key, &u, NULL);
    lw_gguf_get_i64(g, key, &i, NULL);
    lw_gguf_get_f32(g, key, &f, NULL);
    lw_gguf_get_bool(g, key, &flag, NULL);
    if (lw_gguf_get_str(g, key, &s, NULL)) {
        for (gsize k = 0; k < s.n; k++)
            sum ^= (guint8)s.bytes[k];
    }
    if (lw_gguf_get_i32_array(g, key, &ints, &n, NULL))
        g_free(ints);
    if (lw_gguf_get_f32_array(g, key, &floats, &n, NULL))
        g_free(floats);
    if (lw_gguf_get_str_array(g, key, &strs, &n, NULL)) {
        for (gsize k = 0; k < n; k++) {
            for (gsize b = 0; b < strs[k].n; b++)
                sum ^= (guint8)strs[k].bytes[b];
        }
        g_free(strs);
    }
    *(volatile guint8 *)&sum = sum;
}

static void read_tensor(const lw_gguf *g, gsize i)
{
    const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
    const volatile guint8 *bytes = t->data;
    guint64 n_elems = t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];

    fuzz_require(lw_gguf_find_tensor(g, t->name) == t);
    fuzz_require(t->n_bytes > 0 && t->n_bytes <= lw_gguf_file_bytes(g));
    fuzz_require(lw_type_row_bytes(t->type, n_elems) == t->n_bytes);
    (void)bytes[0];
    (void)bytes[t->n_bytes - 1];
}

#define DELIMITER "--part--"
#define MAX_PARTS 8

static lw_gguf *open_input(const uint8_t *data, size_t n, GError **error)
{
    lw_gguf_str parts[MAX_PARTS];
    guint32 n_parts = 0;
    const char *p = (const char *)data, *end = p + n;

    while (n_parts + 1 < MAX_PARTS) {
        const char *next = n > 0 ? memmem(p, (size_t)(end - p), DELIMITER, strlen(DELIMITER)) : NULL;

        if (next == NULL)
            break;
        parts[n_parts++] = (lw_gguf_str){p, (gsize)(next - p)};
        p = next + strlen(DELIMITER);
    }
    if (n_parts == 0)
        return lw_gguf_open_bytes(data, n, "fuzz.gguf", error);
    parts[n_parts++] = (lw_gguf_str){p, (gsize)(end - p)};
    return lw_gguf_open_parts_bytes(parts, n_parts, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    GError *error = NULL;
    lw_gguf *g = open_input(data, n, &error);

    fuzz_require((g == NULL) == (error != NULL));
    g_clear_error(&error);
    if (g == NULL)
        return 0;
    for (gsize i = 0; i < lw_gguf_n_kv(g); i++) {
        char *line = lw_gguf_format_value(g, i);

        fuzz_require(g_utf8_validate(line, -1, NULL));
        g_free(line);
        read_key(g, lw_gguf_key_at(g, i, NULL));
    }
    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++)
        read_tensor(g, i);
    lw_gguf_free(g);
    return 0;
}
