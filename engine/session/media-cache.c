/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/session/media-cache.h"

#include "engine/base/alloc.h"

#include <string.h>

typedef struct {
    guint8 hash[32];
    int t;
} grid_key;

typedef struct {
    grid_key key;
    float *rows;
    gsize bytes;
    gboolean pinned;
    GList link; /* in the LRU queue, most recent first */
} grid_entry;

struct lw_media_cache {
    lw_encoder *encoder;
    gsize row_cols, max_bytes, bytes;
    GHashTable *by_key; /* grid_key in the entry -> grid_entry */
    GQueue lru;
};

static guint key_hash(gconstpointer p)
{
    const grid_key *k = p;
    guint32 h;

    memcpy(&h, k->hash, sizeof h);
    return h ^ (guint)k->t * 2654435761u;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    const grid_key *x = a, *y = b;

    return x->t == y->t && memcmp(x->hash, y->hash, sizeof x->hash) == 0;
}

static void entry_free(gpointer p)
{
    grid_entry *e = p;

    lw_free(e->rows);
    g_free(e);
}

lw_media_cache *lw_media_cache_new(lw_encoder *encoder, gsize row_cols, gsize max_bytes)
{
    lw_media_cache *c = g_new0(lw_media_cache, 1);

    c->encoder = encoder;
    c->row_cols = row_cols;
    c->max_bytes = max_bytes;
    c->by_key = g_hash_table_new_full(key_hash, key_equal, NULL, entry_free);
    g_queue_init(&c->lru);
    return c;
}

void lw_media_cache_free(lw_media_cache *c)
{
    if (!c)
        return;
    g_hash_table_unref(c->by_key);
    g_free(c);
}

static void shrink(lw_media_cache *c)
{
    for (GList *l = c->lru.tail; l && c->bytes > c->max_bytes;) {
        grid_entry *e = l->data;
        l = l->prev;
        if (e->pinned)
            continue;
        g_queue_unlink(&c->lru, &e->link);
        c->bytes -= e->bytes;
        g_hash_table_remove(c->by_key, &e->key);
    }
}

const float *lw_media_cache_get(lw_media_cache *c, lw_media *m, int t, const gint *cancel,
                                GError **error)
{
    grid_key key = {.t = t};

    memcpy(key.hash, m->hash, sizeof key.hash);
    grid_entry *e = g_hash_table_lookup(c->by_key, &key);
    if (e) {
        g_queue_unlink(&c->lru, &e->link);
    } else {
        gsize bytes = (gsize)lw_media_grid_tokens(m) * c->row_cols * sizeof(float);
        float *rows = lw_alloc_try(bytes, "an encoded picture", error);
        if (!rows)
            return NULL;
        if (!lw_encoder_run(c->encoder, m, t, rows, cancel, error)) {
            lw_free(rows);
            return NULL;
        }
        e = g_new0(grid_entry, 1);
        e->key = key;
        e->rows = rows;
        e->bytes = bytes;
        e->link.data = e;
        c->bytes += bytes;
        g_hash_table_insert(c->by_key, &e->key, e);
    }
    e->pinned = TRUE;
    g_queue_push_head_link(&c->lru, &e->link);
    return e->rows;
}

void lw_media_cache_unpin(lw_media_cache *c)
{
    for (GList *l = c->lru.head; l; l = l->next)
        ((grid_entry *)l->data)->pinned = FALSE;
    shrink(c);
}
