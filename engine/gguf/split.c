/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model split into files "base-%05d-of-%05d.gguf": each is a complete GGUF file with tensors of
 * its own; the first one has the model's keys.  The parts are opened one by one by the checks of
 * gguf.c and their tensor tables joined, so that users see one file (ggml docs/gguf.md; llama.cpp's
 * gguf-split).
 *
 * Sibling names come from the name that was opened and from nothing inside the file, and symbolic
 * links are not followed to look for siblings: a folder of links holds a link for every part.
 */
#include "engine/gguf/gguf-private.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/lw-error.h"

/* "-00002-of-00003.gguf" */
#define SUFFIX_BYTES 20

static gboolean G_GNUC_PRINTF(4, 5)
    fail(const lw_gguf *g, GError **error, lw_model_error code, const char *format, ...)
{
    va_list args;
    char *what;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, LW_MODEL_ERROR, code, "%s: %s", g->path, what);
    g_free(what);
    return FALSE;
}

static gboolean parse_digits(const char *s, guint32 *out)
{
    *out = 0;
    for (int i = 0; i < 5; i++) {
        if (!g_ascii_isdigit(s[i]))
            return FALSE;
        *out = *out * 10 + (guint32)(s[i] - '0');
    }
    return TRUE;
}

gboolean lw_gguf_parse_split_name(const char *base, guint32 *no, guint32 *count, gsize *n_stem)
{
    gsize n = strlen(base);
    const char *s;

    if (n <= SUFFIX_BYTES)
        return FALSE;
    s = base + n - SUFFIX_BYTES;
    if (s[0] != '-' || !parse_digits(s + 1, no) || strncmp(s + 6, "-of-", 4) != 0 ||
        !parse_digits(s + 10, count) || g_ascii_strcasecmp(s + 15, ".gguf") != 0)
        return FALSE;
    if (*no < 1 || *no > *count)
        return FALSE;
    *n_stem = n - SUFFIX_BYTES;
    return TRUE;
}

char *lw_gguf_split_sibling(const char *path, guint32 no)
{
    g_autofree char *base = g_path_get_basename(path), *folder = g_path_get_dirname(path);
    guint32 own, count;
    gsize n_stem;

    if (!lw_gguf_parse_split_name(base, &own, &count, &n_stem) || no < 1 || no > count)
        return NULL;
    g_autofree char *name = g_strdup_printf("%.*s-%05u-of-%05u%s", (int)n_stem, base, no, count,
                                            base + strlen(base) - 5);
    /* "model.gguf" stays as it was named, without "./" before it */
    return strchr(path, '/') ? g_build_filename(folder, name, NULL) : g_steal_pointer(&name);
}

/* One of the three keys.  *found tells whether it is there. */
static gboolean get_number(const lw_gguf *g, const char *key, gint64 max, guint32 *out,
                           gboolean *found, GError **error)
{
    GError *local = NULL;
    gint64 v = 0;

    *out = 0;
    *found = lw_gguf_get_i64(g, key, &v, &local);
    if (local != NULL) {
        g_propagate_error(error, local);
        return FALSE;
    }
    if (!*found)
        return TRUE;
    if (v < 0 || v > max)
        return fail(g, error, LW_MODEL_ERROR_CORRUPT,
                    "key '%s' is %" G_GINT64_FORMAT ", it must be 0 to %" G_GINT64_FORMAT, key, v,
                    max);
    *out = (guint32)v;
    return TRUE;
}

gboolean lw_gguf_split_read(const lw_gguf *g, lw_gguf_split *s, GError **error)
{
    gboolean has_no, has_count, has_tensors;

    if (!get_number(g, "split.count", G_MAXUINT16, &s->count, &has_count, error) ||
        !get_number(g, "split.no", G_MAXUINT16, &s->no, &has_no, error) ||
        !get_number(g, "split.tensors.count", G_MAXINT32, &s->n_tensors, &has_tensors, error))
        return FALSE;
    if (s->count <= 1) {
        s->count = 1;
        return TRUE;
    }
    if (s->count > LW_GGUF_MAX_PARTS)
        return fail(g, error, LW_MODEL_ERROR_UNSUPPORTED,
                    "a model split into %u files; the limit is %d", s->count, LW_GGUF_MAX_PARTS);
    if (!has_no || !has_tensors)
        return fail(g, error, LW_MODEL_ERROR_MISSING,
                    "a split model (split.count is %u) without the key '%s'", s->count,
                    has_no ? "split.tensors.count" : "split.no");
    if (s->no >= s->count)
        return fail(g, error, LW_MODEL_ERROR_CORRUPT, "split.no is %u of %u parts counted from 0",
                    s->no, s->count);
    return TRUE;
}

/* Is this file the part that it should be? */
static gboolean check_part(const lw_gguf *g, guint32 no, const lw_gguf_split *want, GError **error)
{
    lw_gguf_split s;

    if (!lw_gguf_split_read(g, &s, error))
        return FALSE;
    if (s.count != want->count)
        return fail(g, error, LW_MODEL_ERROR_CORRUPT,
                    "split.count is %u here and %u in another part", s.count, want->count);
    if (s.no != no)
        return fail(g, error, LW_MODEL_ERROR_CORRUPT,
                    "split.no is %u, part %u of %u should have %u", s.no, no + 1, want->count, no);
    if (s.n_tensors != want->n_tensors)
        return fail(g, error, LW_MODEL_ERROR_CORRUPT,
                    "split.tensors.count is %u here and %u in another part", s.n_tensors,
                    want->n_tensors);
    return TRUE;
}

gboolean lw_gguf_join(lw_gguf **parts, guint32 n_parts, const lw_gguf_split *want, GError **error)
{
    lw_gguf *g = parts[0];
    gsize total = 0, at = 0;
    lw_gguf_tensor *all;

    for (guint32 i = 0; i < n_parts; i++) {
        if (!check_part(parts[i], i, want, error))
            return FALSE;
        total += parts[i]->n_tensors; /* each has at most LW_GGUF_MAX_TENSORS */
    }
    if (total != want->n_tensors || total > LW_GGUF_MAX_TENSORS)
        return fail(g, error, LW_MODEL_ERROR_CORRUPT,
                    "the %u parts hold %" G_GSIZE_FORMAT
                    " tensors, split.tensors.count is %u and the limit %d",
                    n_parts, total, want->n_tensors, LW_GGUF_MAX_TENSORS);

    all = lw_alloc0_array_try(total, sizeof *all, "the tensor table", error);
    if (all == NULL)
        return FALSE;
    for (guint32 i = 0; i < n_parts; i++) {
        if (parts[i]->n_tensors > 0) /* the first part may have none */
            memcpy(all + at, parts[i]->tensors, parts[i]->n_tensors * sizeof *all);
        at += parts[i]->n_tensors;
    }
    /* The names stay in the tables of their parts. */
    lw_free(g->tensors);
    lw_free(g->tensor_by_name);
    g->tensors = all;
    g->n_tensors = total;
    g->tensor_by_name = NULL;
    if (!lw_gguf_sort_tensors(g, error))
        return FALSE;
    g->parts = g_memdup2(parts + 1, (n_parts - 1) * sizeof *parts);
    g->n_parts = n_parts - 1;
    return TRUE;
}

static lw_gguf *open_part(const char *path, const lw_gguf_split *s, guint32 no, GError **error)
{
    g_autofree char *sibling = lw_gguf_split_sibling(path, no + 1);
    GError *local = NULL;
    lw_gguf *g;

    if (!g_file_test(sibling, G_FILE_TEST_EXISTS)) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING,
                    "%s: part %u of %u of this split model is missing: there is no file %s", path,
                    no + 1, s->count, sibling);
        return NULL;
    }
    g = lw_gguf_open_one(sibling, &local);
    if (g == NULL)
        g_propagate_prefixed_error(error, local, "part %u of %u of a split model: ", no + 1,
                                   s->count);
    return g;
}

lw_gguf *lw_gguf_open(const char *path, GError **error)
{
    g_autofree char *base = NULL;
    lw_gguf_split s = {0};
    guint32 no = 0, count = 0;
    gsize n_stem;
    lw_gguf *parts[LW_GGUF_MAX_PARTS] = {NULL}, *g;

    g_return_val_if_fail(path != NULL, NULL);
    g = lw_gguf_open_one(path, error);
    if (g == NULL)
        return NULL;
    if (!lw_gguf_split_read(g, &s, error))
        goto fail_one;
    if (s.count == 1)
        return g;

    base = g_path_get_basename(path);
    if (!lw_gguf_parse_split_name(base, &no, &count, &n_stem)) {
        fail(g, error, LW_MODEL_ERROR_MISSING,
             "part %u of %u of a split model, but its name does not end in -%05u-of-%05u.gguf: the "
             "other "
             "parts cannot be found; give the files their names back",
             s.no + 1, s.count, s.no + 1, s.count);
        goto fail_one;
    }
    if (no != s.no + 1 || count != s.count) {
        fail(g, error, LW_MODEL_ERROR_CORRUPT,
             "the name says part %u of %u, the file itself part %u of %u", no, count, s.no + 1,
             s.count);
        goto fail_one;
    }

    parts[s.no] = g;
    for (guint32 i = 0; i < s.count; i++) {
        if (parts[i] == NULL)
            parts[i] = open_part(path, &s, i, error);
        if (parts[i] == NULL)
            goto fail_all;
    }
    if (lw_gguf_join(parts, s.count, &s, error))
        return parts[0];
fail_all:
    for (guint32 i = 0; i < s.count; i++)
        lw_gguf_free(parts[i]);
    return NULL;
fail_one:
    lw_gguf_free(g);
    return NULL;
}

lw_gguf *lw_gguf_open_parts_bytes(const lw_gguf_str *bytes, guint32 n, GError **error)
{
    lw_gguf *parts[LW_GGUF_MAX_PARTS] = {NULL};
    lw_gguf_split s = {0};
    gboolean ok;

    g_return_val_if_fail(n >= 1 && n <= LW_GGUF_MAX_PARTS, NULL);
    for (guint32 i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("part-%05u-of-%05u.gguf", i + 1, n);

        parts[i] = lw_gguf_open_one_bytes(bytes[i].bytes, bytes[i].n, name, error);
        if (parts[i] == NULL)
            goto fail;
    }
    if (!lw_gguf_split_read(parts[0], &s, error))
        goto fail;
    if (s.count != n)
        ok = fail(parts[0], error, LW_MODEL_ERROR_CORRUPT, "split.count is %u, %u parts were given",
                  s.count, n);
    else
        ok = n == 1 || lw_gguf_join(parts, n, &s, error);
    if (ok)
        return parts[0];
fail:
    for (guint32 i = 0; i < n; i++)
        lw_gguf_free(parts[i]);
    return NULL;
}
