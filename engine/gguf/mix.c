/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tensor types of a file, for people.
 */
#include <stdlib.h>

#include "engine/gguf/gguf.h"

typedef struct {
    const char *name;
    gsize bytes;
} type_share;

static int by_bytes(const void *a, const void *b)
{
    gsize x = ((const type_share *)a)->bytes, y = ((const type_share *)b)->bytes;
    return x < y ? 1 : x > y ? -1 : 0;
}

char *lw_gguf_describe_types(const lw_gguf *g, gint64 *weight_bytes, gint64 *n_params)
{
    type_share share[64];
    guint types[64], n = 0;
    GString *s = g_string_new(NULL);
    gint64 bytes = 0, params = 0;

    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++) {
        const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
        guint k = 0;
        bytes += (gint64)t->n_bytes;
        params += (gint64)(t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3]);
        while (k < n && types[k] != t->type)
            k++;
        if (k == n && n < G_N_ELEMENTS(types)) {
            types[n] = t->type;
            share[n++] = (type_share){lw_type_get_info(t->type)->name, 0};
        }
        if (k < n)
            share[k].bytes += t->n_bytes;
    }
    qsort(share, n, sizeof *share, by_bytes);
    for (guint k = 0; k < n; k++)
        g_string_append_printf(s, "%s%s", k ? ", " : "", share[k].name);
    if (weight_bytes)
        *weight_bytes = bytes;
    if (n_params)
        *n_params = params;
    return g_string_free(s, FALSE);
}
