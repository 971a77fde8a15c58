/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One head's key or value of one token into the cache and back, whatever its type: what stands between
 * rows of floats and the tiles of pages.h.  Reading back is for methods that look at single tokens and for
 * tests; attention kernels read whole tiles.
 *
 * Any thread, as long as nobody else touches the token.
 */
#pragma once

#include "engine/kernels/kernels.h"
#include "engine/kv/pages.h"

G_BEGIN_DECLS

/* x: [head_dim]; token < tokens reserved. */
void lw_kv_store_k(const lw_kernels *k, lw_kv_seq *s, guint layer, guint head, gsize token, const float *x);
void lw_kv_store_v(const lw_kernels *k, lw_kv_seq *s, guint layer, guint head, gsize token, const float *x);

/* The stored values, exactly. */
void lw_kv_load_k(const lw_kv_seq *s, guint layer, guint head, gsize token, float *x);
void lw_kv_load_v(const lw_kv_seq *s, guint layer, guint head, gsize token, float *x);

G_END_DECLS
