/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Crude attention, to show that an evaluation notices: methods that see a few keys chosen without looking at
 * the question.  Nobody should answer with them.
 *
 *   window:SINK+LOCAL   the first SINK keys and the last LOCAL ones, as StreamingLLM and A-shape keep them
 *   random:P%[@SEED]    P percent of the keys, drawn for each layer and KV head from the seed, besides the
 *                       first and the last 64
 *
 * With everything kept ("window:all", "random:100%", or a window as long as the context) they are dense
 * attention, bit for bit.
 */
#pragma once

#include "engine/attention/attention.h"

G_BEGIN_DECLS

extern const lw_attention_method lw_attention_window, lw_attention_random;

/* The query at position p sees key j (j <= p, within the model's own window) when
 * j < sink, or j + local > p, or the draw of j is below share. */
typedef struct {
    gsize sink, local; /* tokens */
    guint64 share;     /* of 2^32 */
    guint32 seed;
} lw_crude;

/* That rule, for tests. */
gboolean lw_crude_sees(const lw_crude *c, guint layer, guint kv_head, gsize p, gsize j);

gsize lw_crude_scratch_bytes(const lw_kv_shape *shape, guint n_head, int n_threads);

G_END_DECLS
