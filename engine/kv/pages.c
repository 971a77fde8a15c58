/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kv/slabs.h"

typedef struct {
    guint refs;
    char *data;
    gsize stride; /* bytes from one of its tiles to the next */
    lw_kv_lender *lender; /* NULL: data is our own and may be written to while refs is 1 */
} lw_kv_page;

struct lw_kv_cache {
    lw_kv_shape shape;
    const lw_kv_storage *storage;
    lw_kv_slabs *slabs;
    gsize page_bytes, tile_bytes, n_tiles; /* of a page */
    gsize max_pages, n_pages, n_lent; /* n_pages counts the lent ones */
};

struct lw_kv_seq {
    lw_kv_cache *cache;
    GPtrArray *pages; /* of lw_kv_page */
    gsize len;        /* tokens */
};

gsize lw_kv_page_bytes(const lw_kv_shape *s)
{
    return (gsize)s->n_layer * 2 * s->n_head_kv * lw_kv_tile_bytes(s);
}

lw_kv_cache *lw_kv_cache_new(const lw_kv_shape *shape, const lw_kv_storage *storage,
                             gsize max_tokens)
{
    lw_kv_cache *c = g_new0(lw_kv_cache, 1);

    c->shape = *shape;
    c->storage = storage;
    c->page_bytes = lw_kv_page_bytes(shape);
    c->tile_bytes = lw_kv_tile_bytes(shape);
    c->n_tiles = c->page_bytes / c->tile_bytes;
    c->slabs = lw_kv_slabs_new(storage, c->page_bytes, c->tile_bytes);
    c->max_pages = (max_tokens + LW_KV_PAGE - 1) / LW_KV_PAGE;
    return c;
}

void lw_kv_cache_free(lw_kv_cache *c)
{
    if (!c)
        return;
    g_warn_if_fail(c->n_pages == 0);
    lw_kv_slabs_free(c->slabs);
    g_free(c);
}

const lw_kv_shape *lw_kv_cache_shape(const lw_kv_cache *c)
{
    return &c->shape;
}

gsize lw_kv_cache_bytes(const lw_kv_cache *c)
{
    return (c->n_pages - c->n_lent) * c->page_bytes;
}

gsize lw_kv_cache_lent_bytes(const lw_kv_cache *c)
{
    return c->n_lent * c->page_bytes;
}

static gboolean has_room(const lw_kv_cache *c, gsize n, GError **error)
{
    if (n <= c->max_pages - c->n_pages)
        return TRUE;
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL,
                "the context is full: all %" G_GSIZE_FORMAT " tokens of the KV cache are in use",
                c->max_pages * LW_KV_PAGE);
    return FALSE;
}

static lw_kv_page *page_new(lw_kv_cache *c, GError **error)
{
    void *data = has_room(c, 1, error) ? lw_kv_slabs_take(c->slabs, error) : NULL;
    if (!data)
        return NULL;

    lw_kv_page *p = g_new0(lw_kv_page, 1);
    p->refs = 1;
    p->data = data;
    p->stride = lw_kv_slabs_stride(c->slabs);
    c->n_pages++;
    return p;
}

/* In one piece when tiles follow each other on both sides. */
static void copy_tiles(const lw_kv_cache *c, char *dst, gsize dst_stride, const char *src, gsize src_stride)
{
    if (dst_stride == c->tile_bytes && src_stride == c->tile_bytes) {
        c->storage->copy(dst, src, c->page_bytes);
        return;
    }
    for (gsize i = 0; i < c->n_tiles; i++)
        c->storage->copy(dst + i * dst_stride, src + i * src_stride, c->tile_bytes);
}

static void page_unref(lw_kv_cache *c, lw_kv_page *p)
{
    if (--p->refs > 0)
        return;
    if (p->lender) {
        lw_kv_lender_unref(p->lender);
        c->n_lent--;
    } else {
        lw_kv_slabs_give(c->slabs, p->data);
    }
    c->n_pages--;
    g_free(p);
}

lw_kv_lender *lw_kv_lender_new(gboolean (*is_intact)(void *user), void (*free)(void *user),
                               void *user)
{
    lw_kv_lender *l = g_new(lw_kv_lender, 1);

    *l = (lw_kv_lender){1, is_intact, free, user};
    return l;
}

lw_kv_lender *lw_kv_lender_ref(lw_kv_lender *l)
{
    l->refs++;
    return l;
}

void lw_kv_lender_unref(lw_kv_lender *l)
{
    if (!l || --l->refs > 0)
        return;
    l->free(l->user);
    g_free(l);
}

lw_kv_seq *lw_kv_seq_new(lw_kv_cache *c)
{
    lw_kv_seq *s = g_new0(lw_kv_seq, 1);

    s->cache = c;
    s->pages = g_ptr_array_new();
    return s;
}

lw_kv_seq *lw_kv_seq_fork(const lw_kv_seq *s)
{
    lw_kv_seq *f = lw_kv_seq_new(s->cache);

    f->len = s->len;
    for (guint i = 0; i < s->pages->len && (gsize)i * LW_KV_PAGE < s->len; i++) {
        lw_kv_page *p = s->pages->pdata[i];
        p->refs++;
        g_ptr_array_add(f->pages, p);
    }
    return f;
}

void lw_kv_seq_free(lw_kv_seq *s)
{
    if (!s)
        return;
    lw_kv_seq_truncate(s, 0);
    g_ptr_array_unref(s->pages);
    g_free(s);
}

const lw_kv_shape *lw_kv_seq_shape(const lw_kv_seq *s)
{
    return &s->cache->shape;
}

gsize lw_kv_seq_len(const lw_kv_seq *s)
{
    return s->len;
}

/* Drop pages that hold no token below n. */
static void drop_pages(lw_kv_seq *s, gsize n)
{
    gsize keep = (n + LW_KV_PAGE - 1) / LW_KV_PAGE;

    while (s->pages->len > keep) {
        page_unref(s->cache, s->pages->pdata[s->pages->len - 1]);
        g_ptr_array_set_size(s->pages, (gint)s->pages->len - 1);
    }
}

gboolean lw_kv_seq_reserve(lw_kv_seq *s, gsize n, GError **error)
{
    lw_kv_cache *c = s->cache;
    gsize last = s->len / LW_KV_PAGE;

    /* The page that the next token falls into may be shared or lent: copy before writing. */
    if (n > 0 && last < s->pages->len) {
        lw_kv_page *old = s->pages->pdata[last];
        if (old->refs > 1 || old->lender) {
            lw_kv_page *copy = page_new(c, error);
            if (!copy)
                return FALSE;
            copy_tiles(c, copy->data, copy->stride, old->data, old->stride);
            page_unref(c, old);
            s->pages->pdata[last] = copy;
        }
    }
    while ((gsize)s->pages->len * LW_KV_PAGE < s->len + n) {
        lw_kv_page *p = page_new(c, error);
        if (!p) {
            drop_pages(s, s->len);
            return FALSE;
        }
        g_ptr_array_add(s->pages, p);
    }
    return TRUE;
}

void lw_kv_seq_commit(lw_kv_seq *s, gsize n)
{
    g_return_if_fail(s->len + n <= (gsize)s->pages->len * LW_KV_PAGE);
    s->len += n;
}

void lw_kv_seq_truncate(lw_kv_seq *s, gsize n)
{
    s->len = MIN(s->len, n);
    drop_pages(s, s->len);
}

gboolean lw_kv_seq_append_lent(lw_kv_seq *s, const void *const *pages, gsize n_tokens,
                               lw_kv_lender *lender, GError **error)
{
    lw_kv_cache *c = s->cache;
    gsize n = (n_tokens + LW_KV_PAGE - 1) / LW_KV_PAGE;

    g_return_val_if_fail(s->len == (gsize)s->pages->len * LW_KV_PAGE && !c->storage->on_device,
                         FALSE);
    if (!has_room(c, n, error))
        return FALSE;
    for (gsize i = 0; i < n; i++) {
        lw_kv_page *p = g_new0(lw_kv_page, 1);
        p->refs = 1;
        p->data = (char *)pages[i];
        p->stride = c->tile_bytes;
        p->lender = lw_kv_lender_ref(lender);
        g_ptr_array_add(s->pages, p);
    }
    c->n_pages += n;
    c->n_lent += n;
    s->len += n_tokens;
    return TRUE;
}

gboolean lw_kv_seq_append_copy(lw_kv_seq *s, const void *page, gsize n_tokens, GError **error)
{
    g_return_val_if_fail(s->len % LW_KV_PAGE == 0 && n_tokens >= 1 && n_tokens <= LW_KV_PAGE,
                         FALSE);
    if (!lw_kv_seq_reserve(s, n_tokens, error))
        return FALSE;
    const lw_kv_page *p = s->pages->pdata[s->len / LW_KV_PAGE];
    copy_tiles(s->cache, p->data, p->stride, page, s->cache->tile_bytes);
    s->len += n_tokens;
    return TRUE;
}

gboolean lw_kv_seq_is_intact(const lw_kv_seq *s)
{
    const lw_kv_lender *asked = NULL;

    /* Lent pages come first: what is appended later is our own. */
    for (guint i = 0; i < s->pages->len; i++) {
        const lw_kv_lender *l = ((const lw_kv_page *)s->pages->pdata[i])->lender;
        if (!l)
            break;
        if (l != asked && !l->is_intact(l->user))
            return FALSE;
        asked = l;
    }
    return TRUE;
}

const void *lw_kv_seq_page(const lw_kv_seq *s, gsize page, void *buf)
{
    const lw_kv_page *p = s->pages->pdata[page];

    if (p->stride == s->cache->tile_bytes)
        return p->data;
    copy_tiles(s->cache, buf, s->cache->tile_bytes, p->data, p->stride);
    return buf;
}

static void *tile(const lw_kv_seq *s, guint layer, guint head, gsize page, guint kind)
{
    const lw_kv_cache *c = s->cache;
    const lw_kv_page *p = s->pages->pdata[page];

    return p->data + (((gsize)layer * 2 + kind) * c->shape.n_head_kv + head) * p->stride;
}

void *lw_kv_seq_k(const lw_kv_seq *s, guint layer, guint head, gsize page)
{
    return tile(s, layer, head, page, 0);
}

void *lw_kv_seq_v(const lw_kv_seq *s, guint layer, guint head, gsize page)
{
    return tile(s, layer, head, page, 1);
}
