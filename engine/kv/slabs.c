/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kv/slabs.h"

#define SLAB_BYTES ((gsize)8 << 20)
#define SMALL_PAGE ((gsize)128 << 10) /* below this a slab would be most of a short conversation */
#define MAX_PER_SLAB 64

typedef struct {
    char *data;
    guint64 used; /* a bit per page */
} slab;

struct lw_kv_slabs {
    const lw_kv_storage *storage;
    gsize page_bytes, tile_bytes;
    guint per_slab;
    GArray *slabs; /* of slab */
};

lw_kv_slabs *lw_kv_slabs_new(const lw_kv_storage *storage, gsize page_bytes, gsize tile_bytes)
{
    lw_kv_slabs *s = g_new0(lw_kv_slabs, 1);

    s->storage = storage;
    s->page_bytes = page_bytes;
    s->tile_bytes = tile_bytes;
    s->per_slab = page_bytes < SMALL_PAGE ? 1 : (guint)CLAMP(SLAB_BYTES / page_bytes, 1, MAX_PER_SLAB);
    s->slabs = g_array_new(FALSE, FALSE, sizeof(slab));
    return s;
}

void lw_kv_slabs_free(lw_kv_slabs *s)
{
    if (!s)
        return;
    for (guint i = 0; i < s->slabs->len; i++)
        s->storage->free(g_array_index(s->slabs, slab, i).data);
    g_array_unref(s->slabs);
    g_free(s);
}

gsize lw_kv_slabs_stride(const lw_kv_slabs *s)
{
    return s->tile_bytes * s->per_slab;
}

void *lw_kv_slabs_take(lw_kv_slabs *s, GError **error)
{
    guint64 full = s->per_slab == 64 ? ~(guint64)0 : ((guint64)1 << s->per_slab) - 1;

    if (s->per_slab == 1)
        return s->storage->alloc(s->page_bytes, error);
    /* Slabs are few, and the newest is the likeliest to have room. */
    for (guint i = s->slabs->len; i-- > 0;) {
        slab *b = &g_array_index(s->slabs, slab, i);
        if (b->used == full)
            continue;
        guint at = (guint)__builtin_ctzll(~b->used);
        b->used |= (guint64)1 << at;
        return b->data + at * s->tile_bytes;
    }

    slab b = {s->storage->alloc(s->page_bytes * s->per_slab, error), 1};
    if (!b.data)
        return NULL;
    g_array_append_val(s->slabs, b);
    return b.data;
}

void lw_kv_slabs_give(lw_kv_slabs *s, void *page)
{
    if (s->per_slab == 1) {
        s->storage->free(page);
        return;
    }
    for (guint i = s->slabs->len; i-- > 0;) {
        slab *b = &g_array_index(s->slabs, slab, i);
        gsize at = (gsize)((guintptr)page - (guintptr)b->data);
        if (at >= s->tile_bytes * s->per_slab)
            continue;
        b->used &= ~((guint64)1 << (at / s->tile_bytes));
        if (b->used == 0) {
            s->storage->free(b->data);
            g_array_remove_index(s->slabs, i);
        }
        return;
    }
    g_return_if_reached();
}
