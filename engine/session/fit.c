/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/session/fit.h"

/* Tokens of cache beside the weights. */
static guint64 fitting_tokens(const lw_model_info *info, lw_kv_type type, guint64 available)
{
    guint64 per_token = (guint64)lw_model_info_kv_bytes_per_token(info, type);
    guint64 weights = (guint64)info->file_bytes, room = (guint64)((double)available * LW_FIT_SHARE);

    return per_token && room > weights ? (room - weights) / per_token : 0;
}

gboolean lw_fit_context(const lw_model_info *info, guint32 asked, lw_kv_type type,
                        guint64 available, guint64 total, guint32 *n_ctx, GError **error)
{
    guint64 per_token = (guint64)lw_model_info_kv_bytes_per_token(info, type);
    guint64 weights = (guint64)info->file_bytes;
    g_autofree char *need = g_format_size(weights), *ram = g_format_size(total);

    /* The weights are mapped: they compete for the page cache, so they must fit the machine at all.
     */
    if (weights >= total) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                    "%s needs %s for its weights, this machine has %s of memory; choose a smaller "
                    "model or a "
                    "smaller quantisation of it",
                    info->name, need, ram);
        return FALSE;
    }
    guint64 fits = fitting_tokens(info, type, available);
    if (asked) {
        guint64 bytes = per_token * asked;
        if (bytes >= total - weights) {
            g_autofree char *kv = g_format_size(bytes);
            g_set_error(
                error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                "a context of %u tokens needs %s beside the %s of weights, this machine has %s of "
                "memory",
                asked, kv, need, ram);
            return FALSE;
        }
        *n_ctx = asked;
        return TRUE;
    }
    /* Available memory counts most page cache as free; a busy machine still gets a short context.
     */
    *n_ctx = (guint32)MIN((guint64)info->n_ctx_train, MAX(fits, LW_FIT_MIN_CTX));
    return TRUE;
}

guint32 lw_fit_largest(const lw_model_info *info, lw_kv_type type, guint64 available)
{
    return (guint32)MIN(fitting_tokens(info, type, available), G_MAXUINT32) & ~63u;
}

void lw_fit_choose(const lw_model_info *info, guint32 n_ctx, lw_kv_type type, guint64 available,
                   gsize n_needed, lw_fit_choices *out)
{
    *out = (lw_fit_choices){
        .n_needed = n_needed,
        .n_ctx = n_ctx,
        .n_ctx_train = info->n_ctx_train,
        .n_ctx_largest = MAX(lw_fit_largest(info, type, available), n_ctx),
        .n_ctx_largest_q8 = type == LW_KV_Q8_0 ? 0 : lw_fit_largest(info, LW_KV_Q8_0, available),
    };
    out->larger_helps = n_needed <= out->n_ctx_largest;
    out->q8_helps = !out->larger_helps && n_needed <= out->n_ctx_largest_q8;
    out->beyond_training = n_needed > info->n_ctx_train;
}

char *lw_fit_choices_describe(const lw_fit_choices *c)
{
    GString *s = g_string_new(NULL);

    if (c->larger_helps)
        g_string_append_printf(s, "a context of up to %u fits the memory", c->n_ctx_largest);
    else if (c->q8_helps)
        g_string_append_printf(
            s,
            "memory allows a context of %u, and with a cache of type q8_0 one of %u, which is "
            "enough",
            c->n_ctx_largest, c->n_ctx_largest_q8);
    else if (c->n_ctx_largest_q8 > c->n_ctx_largest)
        g_string_append_printf(s, "memory allows no more than %u, or %u with a cache of type q8_0",
                               c->n_ctx_largest, c->n_ctx_largest_q8);
    else
        g_string_append_printf(s, "memory allows no more than %u", c->n_ctx_largest);
    if (c->beyond_training && (c->larger_helps || c->q8_helps))
        g_string_append_printf(s, "; the model was trained for %u and may lose the thread beyond",
                               c->n_ctx_train);
    g_string_append(s, c->larger_helps || c->q8_helps ? "; or leave something out"
                                                      : "; something has to be left out");
    return g_string_free(s, FALSE);
}
