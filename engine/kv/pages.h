/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The KV cache: pages of LW_KV_PAGE tokens, each holding K and V of every layer, reference counted
 * so that sequences can share a prefix.  A sequence is a table of pages plus a length: forking
 * shares the pages and copies a page only when one side writes to it, rolling back is truncation.
 *
 * Layout of a page: [layer][K, V][kv_head] tiles, so one head's keys of one page are one contiguous tile:
 * the unit every attention kernel, sparse block list and index works on.  K is stored after RoPE.  In
 * memory of our own the tiles of a page are spread over a slab, between those of its neighbours (slabs.h);
 * in lent memory they follow each other.
 *
 *   f16, f32: [LW_KV_PAGE tokens][head_dim]
 *   q8_0: 8-bit codes, keys interleaved for the kernels, then f16 scales (kernels/kernels.h); tokens are
 *         written and read back with store.h
 *
 * Thread: the engine thread; kernels read tiles from pool threads while it waits.
 */
#pragma once

#include "engine/lw-engine.h"

G_BEGIN_DECLS

/* Tokens per page: the tile of the sparse-prefill block lists (64 x 64). */
#define LW_KV_PAGE 64
/* Of the layout of a page, for whoever keeps pages beyond the process: raise it when the bytes of a
 * page come to mean something else. */
#define LW_KV_LAYOUT 1

typedef struct {
    guint32 n_layer, n_head_kv, head_dim;
    lw_kv_type type;
} lw_kv_shape;

/* Errors: LW_ENGINE_ERROR_INVALID when this type cannot hold heads of this size. */
gboolean lw_kv_shape_check(const lw_kv_shape *shape, GError **error);
gsize lw_kv_tile_bytes(const lw_kv_shape *shape); /* one head's keys (or values) of one page */
gsize lw_kv_page_bytes(const lw_kv_shape *shape);

typedef struct lw_kv_cache lw_kv_cache; /* where pages come from; bounded */
typedef struct lw_kv_seq lw_kv_seq;     /* one sequence of tokens */

/* Page storage of the backend that computes with it. */
typedef struct {
    void *(*alloc)(gsize n_bytes, GError **error);
    void (*free)(void *page);
    void (*copy)(void *dst, const void *src, gsize n_bytes);
    gboolean
        on_device; /* pages are no memory of the host: they can be neither lent nor written out */
} lw_kv_storage;

/* Read-only memory of somebody else that pages may lie in (a mapped file); reference counted. */
typedef struct {
    guint refs;
    gboolean (*is_intact)(void *user); /* FALSE: the memory no longer holds what was lent */
    void (*free)(void *user);          /* when the last reference goes */
    void *user;
} lw_kv_lender;

/* With one reference. */
lw_kv_lender *lw_kv_lender_new(gboolean (*is_intact)(void *user), void (*free)(void *user),
                               void *user);
lw_kv_lender *lw_kv_lender_ref(lw_kv_lender *l);
void lw_kv_lender_unref(lw_kv_lender *l); /* NULL is allowed */

/* At most max_tokens in all sequences together (rounded up to pages). */
lw_kv_cache *lw_kv_cache_new(const lw_kv_shape *shape, const lw_kv_storage *storage,
                             gsize max_tokens);
void lw_kv_cache_free(lw_kv_cache *c); /* after its sequences */
const lw_kv_shape *lw_kv_cache_shape(const lw_kv_cache *c);
gsize lw_kv_cache_bytes(const lw_kv_cache *c);      /* allocated now */
gsize lw_kv_cache_lent_bytes(const lw_kv_cache *c); /* in memory of lenders, besides */

lw_kv_seq *lw_kv_seq_new(lw_kv_cache *c);
/* The same tokens; pages are shared until one of the two writes to them. */
lw_kv_seq *lw_kv_seq_fork(const lw_kv_seq *s);
void lw_kv_seq_free(lw_kv_seq *s);

const lw_kv_shape *lw_kv_seq_shape(const lw_kv_seq *s);
gsize lw_kv_seq_len(const lw_kv_seq *s);

/* Make [len, len + n) writable: allocate pages, copy a shared last page.  The length stays.
 * Errors: CONTEXT_FULL (over max_tokens), NO_MEMORY; the sequence is unchanged. */
gboolean lw_kv_seq_reserve(lw_kv_seq *s, gsize n, GError **error);
/* The n reserved tokens are now stored in every layer. */
void lw_kv_seq_commit(lw_kv_seq *s, gsize n);
/* Forget everything from token n on; frees pages. */
void lw_kv_seq_truncate(lw_kv_seq *s, gsize n);

/* Append n_tokens that lie in lent pages, which are never written to: the sequence ends at a page
 * border, and every page but the last is full.  Each page holds a reference to the lender. Errors:
 * CONTEXT_FULL; the sequence is unchanged. */
gboolean lw_kv_seq_append_lent(lw_kv_seq *s, const void *const *pages, gsize n_tokens,
                               lw_kv_lender *lender, GError **error);
/* Append the first n_tokens (1..LW_KV_PAGE) of a page that is copied; the sequence ends at a page
 * border. Errors: as lw_kv_seq_reserve(). */
gboolean lw_kv_seq_append_copy(lw_kv_seq *s, const void *page, gsize n_tokens, GError **error);
/* FALSE: a page was lent by somebody who has lost it; what was computed from the sequence means
 * nothing. */
gboolean lw_kv_seq_is_intact(const lw_kv_seq *s);
/* The bytes of a page in one piece, lw_kv_page_bytes(): where they lie, or copied to buf, which is as
 * large; page < pages reserved. */
const void *lw_kv_seq_page(const lw_kv_seq *s, gsize page, void *buf);

/* A page's tile of keys (values) of one layer and head.  page < pages reserved. */
void *lw_kv_seq_k(const lw_kv_seq *s, guint layer, guint head, gsize page);
void *lw_kv_seq_v(const lw_kv_seq *s, guint layer, guint head, gsize page);

G_END_DECLS
