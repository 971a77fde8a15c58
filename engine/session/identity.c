/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/session/identity.h"

#include "engine/base/checksum.h"
#include "engine/models/model.h"

#include <string.h>

static void add_u64(GChecksum *c, guint64 v)
{
    guint64 le = GUINT64_TO_LE(v);

    g_checksum_update(c, (const guchar *)&le, sizeof le);
}

static void add_file(GChecksum *c, const lw_gguf *g)
{
    gsize n_head;
    const void *head = lw_gguf_head(g, &n_head);

    add_u64(c, lw_gguf_file_bytes(g));
    add_u64(c, n_head);
    add_u64(c, lw_checksum64(head, n_head, 1));
    add_u64(c, lw_checksum64(head, n_head, 2));
    add_u64(c, lw_gguf_n_tensors(g));
    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++) {
        const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
        gsize n = MIN(t->n_bytes, LW_IDENTITY_SAMPLE);

        g_checksum_update(c, (const guchar *)t->name, (gssize)strlen(t->name) + 1);
        add_u64(c, t->type);
        for (int d = 0; d < 4; d++)
            add_u64(c, t->dims[d]);
        g_checksum_update(c, (const guchar *)t->data + (t->n_bytes - n) / 2, (gssize)n);
    }
}

void lw_model_identity(const lw_model *m, guint8 out[32])
{
    g_autoptr(GChecksum) c = g_checksum_new(G_CHECKSUM_SHA256);
    const lw_vision *vision = lw_model_get_vision(m);
    gsize n = 32;

    add_file(c, lw_model_get_gguf(m));
    if (vision)
        add_file(c, lw_vision_get_gguf(vision));
    g_checksum_get_digest(c, out, &n);
}
