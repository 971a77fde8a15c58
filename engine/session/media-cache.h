/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Encoded pictures and film grids, found by content hash, so that one that is asked about again is
 * not encoded again.  Bounded: the least recently used grids go first.
 */
#pragma once

#include "engine/models/vision.h"

G_BEGIN_DECLS

/* Bytes of rows kept; a grid in use may exceed it. */
#define LW_MEDIA_CACHE_BYTES ((gsize)256 << 20)

typedef struct lw_media_cache lw_media_cache;

lw_media_cache *lw_media_cache_new(lw_encoder *encoder, gsize row_cols, gsize max_bytes);
void lw_media_cache_free(lw_media_cache *c);

/* Rows of grid t ([tokens][row_cols] f32), encoded now if need be.  Borrowed until
 * lw_media_cache_unpin(): everything asked for since then stays.  Errors: as lw_encoder_run(). */
const float *lw_media_cache_get(lw_media_cache *c, lw_media *m, int t, const gint *cancel,
                                GError **error);
void lw_media_cache_unpin(lw_media_cache *c);

G_END_DECLS
