/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/models/report.h"

#include "engine/base/memory.h"
#include "engine/session/fit.h"

static const guint32 context_lengths[LW_REPORT_MAX_CONTEXTS - 1] = {4096, 16384, 32768};

/* The embedding table is looked up, not read, unless it is the output layer too. */
static gint64 weights_per_token(const lw_gguf *g, const lw_model_info *info)
{
    const lw_gguf_tensor *embd = lw_gguf_find_tensor(g, "token_embd.weight");
    gboolean tied = !lw_gguf_find_tensor(g, "output.weight");
    return info->weight_bytes - (embd && !tied ? (gint64)embd->n_bytes : 0);
}

/* Every weight of the layers is multiplied and added once a prompt token; the output layer only for
 * the last. */
static double flop_per_token(const lw_gguf *g)
{
    double n = 0;
    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++) {
        const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
        if (t->n_dims == 2 && g_str_has_prefix(t->name, "blk."))
            n += 2.0 * (double)t->dims[0] * (double)t->dims[1];
    }
    return n;
}

lw_report *lw_report_new(const lw_model *m, gboolean measure)
{
    const lw_gguf *g = lw_model_get_gguf(m);
    const lw_model_info *info = lw_model_get_info(m);
    g_autoptr(GError) error = NULL;
    lw_report *r = g_new0(lw_report, 1);

    r->memory_total = lw_memory_total();
    r->memory_available = lw_memory_available();
    /* The share that lw_fit_context() goes by. */
    r->free_bytes = (gint64)((double)r->memory_available * LW_FIT_SHARE) - info->file_bytes;
    if (!lw_fit_context(info, 0, LW_KV_F16, r->memory_available, r->memory_total, &r->n_ctx,
                        &error)) {
        r->does_not_fit = g_strdup(error->message);
        r->n_ctx = 0;
    }
    r->bytes_per_token = weights_per_token(g, info);
    r->flop_per_token = flop_per_token(g);
    r->speed = measure ? lw_speed_measure(g) : lw_speed_get(g);
    return r;
}

void lw_report_free(lw_report *r)
{
    if (!r)
        return;
    g_free(r->does_not_fit);
    g_free(r);
}

guint lw_report_contexts(const lw_report *r, const lw_model_info *info,
                         lw_report_context rows[LW_REPORT_MAX_CONTEXTS])
{
    gint64 f16 = lw_model_info_kv_bytes_per_token(info, LW_KV_F16);
    gint64 q8_0 = lw_model_info_kv_bytes_per_token(info, LW_KV_Q8_0);
    guint n = 0;
    if (info->only_embeds) /* no cache */
        return 0;
    for (gsize k = 0; k <= G_N_ELEMENTS(context_lengths); k++) {
        gint64 tokens =
            k < G_N_ELEMENTS(context_lengths) ? context_lengths[k] : info->n_ctx_train;
        if (k < G_N_ELEMENTS(context_lengths) && tokens >= info->n_ctx_train)
            continue;
        rows[n++] = (lw_report_context){tokens, tokens * f16, tokens * q8_0,
                                        tokens * f16 <= r->free_bytes,
                                        q8_0 && tokens * q8_0 <= r->free_bytes};
    }
    return n;
}

double lw_report_generation_speed(const lw_report *r, gint64 kv_bytes)
{
    gint64 bytes = r->bytes_per_token + kv_bytes;
    return bytes > 0 ? r->speed.read_bytes_per_second / (double)bytes : 0;
}

double lw_report_prompt_speed(const lw_report *r)
{
    return r->flop_per_token > 0 ? r->speed.flops / r->flop_per_token : 0;
}
