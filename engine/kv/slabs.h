/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where pages of one size come from: the storage hands out slabs of several pages, large enough for the
 * system's huge pages.  Attention reads one layer's and head's tiles of all pages, so those of a slab's
 * pages lie side by side, one stream that the machine's prefetcher can follow: [tile of a page][page].
 * A slab goes back when its last page does.  Small pages and very large ones are handed through one by
 * one.
 *
 * Thread: the engine thread.
 */
#pragma once

#include "engine/kv/pages.h"

G_BEGIN_DECLS

typedef struct lw_kv_slabs lw_kv_slabs;

/* page_bytes is a multiple of tile_bytes. */
lw_kv_slabs *lw_kv_slabs_new(const lw_kv_storage *storage, gsize page_bytes, gsize tile_bytes);
void lw_kv_slabs_free(lw_kv_slabs *s); /* after its pages */

/* Bytes from one tile of a page to the next. */
gsize lw_kv_slabs_stride(const lw_kv_slabs *s);
/* A page's first tile.  Errors: the storage's. */
void *lw_kv_slabs_take(lw_kv_slabs *s, GError **error);
void lw_kv_slabs_give(lw_kv_slabs *s, void *page);

G_END_DECLS
