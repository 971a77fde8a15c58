/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pieces a decoder is put together from: each binds its tensors and appends its ops, so that a
 * family's file reads as its forward pass.  What a family does differently it says in its own file;
 * there are no flags here that stand for a family.
 *
 *   token_embd.weight                      [vocab][embd]
 *   blk.N.attn_{q,k,v}.weight              [heads * head_dim][embd], k and v with KV heads
 *   blk.N.attn_qkv.weight                  the three above as one, in this order
 *   blk.N.attn_{q,k}_norm.weight           [head_dim]
 *   blk.N.attn_output.weight               [embd][heads * head_dim]
 *   blk.N.ffn_{gate,up}.weight             [ff][embd]
 *   blk.N.ffn_up.weight                    [2 * ff][embd] without a ffn_gate: gate, then up
 *   blk.N.ffn_down.weight                  [embd][ff]
 *   output_norm.weight                     [embd]
 *   output.weight                          [vocab][embd]; absent: token_embd
 *
 * The first error is kept; every later call does nothing and returns LW_NO_VAL, so that only
 * lw_decoder_end() has to be checked.
 *
 *   lw_decoder d;
 *   lw_decoder_begin(&d, b, h, 1);
 *   for (; d.layer < h->n_layer; d.layer++) {
 *       lw_val qkv[3];
 *       lw_decoder_qkv(&d, lw_decoder_norm(&d, d.x, "attn_norm"), LW_BIAS_NONE, qkv);
 *       lw_decoder_add(&d, lw_decoder_attention(&d, qkv, rope, attend, LW_BIAS_NONE));
 *       lw_decoder_add(&d, lw_decoder_mlp(&d, lw_decoder_norm(&d, d.x, "ffn_norm"),
 * lw_graph_swiglu));
 *   }
 *   return lw_decoder_end(&d, error);
 */
#pragma once

#include "engine/models/arch.h"

G_BEGIN_DECLS

typedef enum {
    LW_BIAS_NONE,
    LW_BIAS_REQUIRED,
    LW_BIAS_OPTIONAL, /* where the file has one */
} lw_bias;

typedef struct {
    lw_binder *b;
    lw_graph *g;
    const lw_hparams *h;
    guint32 layer;         /* N in the names; the caller counts */
    lw_val x;              /* the residual stream */
    const lw_weight *embd; /* token_embd.weight */
    GError *error;         /* the first one */
} lw_decoder;

/* x = embeddings * embd_scale (1 for most families), layer 0. */
void lw_decoder_begin(lw_decoder *d, lw_binder *b, const lw_hparams *h, float embd_scale);

/* rmsnorm(a) with blk.N.NAME.weight. */
lw_val lw_decoder_norm(lw_decoder *d, lw_val a, const char *name);
/* Queries, keys and values of a, from separate or fused weights. */
void lw_decoder_qkv(lw_decoder *d, lw_val a, lw_bias bias, lw_val qkv[3]);
/* Queries and keys normalised head by head with attn_q_norm and attn_k_norm, before rotation. */
void lw_decoder_qk_norm(lw_decoder *d, const lw_val qkv[3]);
/* Rotate queries and keys, store keys and values, attend, multiply with attn_output.  Zeroed
 * params: lw_rope_params and lw_attend_params in graph.h; an attend.scale of 0 is the model's
 * h->attn_scale. */
lw_val lw_decoder_attention(lw_decoder *d, const lw_val qkv[3], lw_rope_params rope,
                            lw_attend_params attend, lw_bias bias);
/* ffn_down(gated(ffn_gate a, ffn_up a)); gated is lw_graph_swiglu or another of that shape. */
lw_val lw_decoder_mlp(lw_decoder *d, lw_val a, lw_val (*gated)(lw_graph *, lw_val, lw_val));
/* x += a. */
void lw_decoder_add(lw_decoder *d, lw_val a);

/* Logits of the selected rows become the graph's result.  FALSE: the first error of all calls. */
gboolean lw_decoder_end(lw_decoder *d, GError **error);

G_END_DECLS
