/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/models/decoder.h"

static const lw_gguf_tensor *find(const lw_decoder *d, const char *name, const char *suffix)
{
    g_autofree char *full = g_strdup_printf("blk.%u.%s.%s", d->layer, name, suffix);

    return lw_gguf_find_tensor(d->b->g, full);
}

/* blk.N.NAME.weight, or NULL after the first error. */
static const lw_weight *bind(lw_decoder *d, const char *name, lw_bias bias, guint32 n_in,
                             guint32 n_out)
{
    if (d->error)
        return NULL;
    gboolean with_bias =
        bias == LW_BIAS_REQUIRED || (bias == LW_BIAS_OPTIONAL && find(d, name, "bias"));
    return lw_bind(d->b, with_bias, n_in, n_out, &d->error, "blk.%u.%s.weight", d->layer, name);
}

static const float *bind_vector(lw_decoder *d, const char *name, guint32 n)
{
    return d->error ? NULL : lw_bind_vector(d->b, n, &d->error, "blk.%u.%s.weight", d->layer, name);
}

void lw_decoder_begin(lw_decoder *d, lw_binder *b, const lw_hparams *h, float embd_scale)
{
    *d = (lw_decoder){.b = b, .g = b->graph, .h = h, .x = LW_NO_VAL};
    d->g->n_head = (int)h->n_head;
    d->g->head_dim = (int)h->head_dim;
    d->embd = lw_bind(b, FALSE, h->n_embd, h->n_vocab, &d->error, "token_embd.weight");
    if (d->embd)
        d->x = lw_graph_embed(d->g, d->embd, embd_scale);
}

lw_val lw_decoder_norm(lw_decoder *d, lw_val a, const char *name)
{
    const float *norm = bind_vector(d, name, d->h->n_embd);

    return norm ? lw_graph_rmsnorm(d->g, a, norm, d->h->eps) : LW_NO_VAL;
}

void lw_decoder_qkv(lw_decoder *d, lw_val a, lw_bias bias, lw_val qkv[3])
{
    static const char *const names[3] = {"attn_q", "attn_k", "attn_v"};
    guint32 q_dim = d->h->n_head * d->h->head_dim, kv_dim = d->h->n_head_kv * d->h->head_dim;
    const guint32 n_out[3] = {q_dim, kv_dim, kv_dim};
    const lw_weight *w[3], *fused = NULL;
    guint32 first = 0;

    if (find(d, "attn_qkv", "weight"))
        fused = bind(d, "attn_qkv", bias, d->h->n_embd, q_dim + 2 * kv_dim);
    for (int i = 0; i < 3; i++) {
        w[i] = fused ? lw_bind_rows(d->b, fused, first, n_out[i])
                     : bind(d, names[i], bias, d->h->n_embd, n_out[i]);
        first += n_out[i];
    }
    if (d->error)
        return;
    lw_graph_linear_n(d->g, a, w, 3, qkv);
}

void lw_decoder_qk_norm(lw_decoder *d, const lw_val qkv[3])
{
    const float *q = bind_vector(d, "attn_q_norm", d->h->head_dim);
    const float *k = bind_vector(d, "attn_k_norm", d->h->head_dim);

    if (d->error)
        return;
    lw_graph_head_norm(d->g, qkv[0], (int)d->h->n_head, q, d->h->eps);
    lw_graph_head_norm(d->g, qkv[1], (int)d->h->n_head_kv, k, d->h->eps);
}

lw_val lw_decoder_attention(lw_decoder *d, const lw_val qkv[3], lw_rope_params rope,
                            lw_attend_params attend, lw_bias bias)
{
    const lw_weight *o = bind(d, "attn_output", bias, d->h->n_head * d->h->head_dim, d->h->n_embd);

    if (!o)
        return LW_NO_VAL;
    if (attend.scale == 0)
        attend.scale = d->h->attn_scale;
    rope.n_rot = d->h->rope[rope.table].n_rot;
    lw_graph_rope_with(d->g, qkv[0], (int)d->h->n_head, rope);
    lw_graph_rope_with(d->g, qkv[1], (int)d->h->n_head_kv, rope);
    lw_graph_store_kv(d->g, d->layer, qkv[1], qkv[2]);
    return lw_graph_linear(
        d->g, lw_graph_attend_with(d->g, d->layer, qkv[0], (int)d->h->n_head, attend), o);
}

lw_val lw_decoder_mlp(lw_decoder *d, lw_val a, lw_val (*gated)(lw_graph *, lw_val, lw_val))
{
    guint32 n_embd = d->h->n_embd, n_ff = d->h->n_ff;
    const lw_gguf_tensor *up = find(d, "ffn_up", "weight");
    const lw_weight *w[2];

    if (up && up->dims[1] == 2 * (guint64)n_ff && !find(d, "ffn_gate", "weight")) {
        const lw_weight *both = bind(d, "ffn_up", LW_BIAS_NONE, n_embd, 2 * n_ff);
        for (guint32 i = 0; i < 2; i++)
            w[i] = both ? lw_bind_rows(d->b, both, i * n_ff, n_ff) : NULL;
    } else {
        w[0] = bind(d, "ffn_gate", LW_BIAS_NONE, n_embd, n_ff);
        w[1] = bind(d, "ffn_up", LW_BIAS_NONE, n_embd, n_ff);
    }
    const lw_weight *down = bind(d, "ffn_down", LW_BIAS_NONE, n_ff, n_embd);
    if (!down)
        return LW_NO_VAL;
    lw_val v[2];
    lw_graph_linear_n(d->g, a, w, 2, v);
    return lw_graph_linear(d->g, gated(d->g, v[0], v[1]), down);
}

void lw_decoder_add(lw_decoder *d, lw_val a)
{
    if (!d->error)
        lw_graph_add(d->g, d->x, a);
}

gboolean lw_decoder_end(lw_decoder *d, GError **error)
{
    const lw_hparams *h = d->h;
    const lw_weight *output = d->embd;
    const float *norm = NULL;

    if (!d->error)
        norm = lw_bind_vector(d->b, h->n_embd, &d->error, "output_norm.weight");
    if (norm && lw_gguf_find_tensor(d->b->g, "output.weight"))
        output = lw_bind(d->b, FALSE, h->n_embd, h->n_vocab, &d->error, "output.weight");
    if (d->error) {
        g_propagate_error(error, g_steal_pointer(&d->error));
        return FALSE;
    }
    d->g->result = lw_graph_linear(
        d->g, lw_graph_rmsnorm(d->g, lw_graph_select(d->g, d->x), norm, h->eps), output);
    return TRUE;
}
