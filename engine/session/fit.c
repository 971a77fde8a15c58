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
        lw_error_set_facts(error, &(lw_error_facts){.kind = LW_FACTS_WEIGHTS, .number = {weights, total},
                                                    .name = {(char *)info->name}});
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
            lw_error_set_facts(error, &(lw_error_facts){.kind = LW_FACTS_CONTEXT,
                                                        .number = {asked, bytes, weights, total}});
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

char *lw_fit_group(guint64 n)
{
    char digits[24];
    int len = g_snprintf(digits, sizeof digits, "%" G_GUINT64_FORMAT, n);
    GString *s = g_string_new(NULL);

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            g_string_append_c(s, ',');
        g_string_append_c(s, digits[i]);
    }
    return g_string_free(s, FALSE);
}

/* Room for some turns to come, no more than the model knows if that is enough, and a number to be typed. */
static char *advised(const lw_fit_choices *c, guint32 largest)
{
    guint64 wanted = (c->n_needed + c->n_needed / 2 + 1023) / 1024 * 1024;

    if (!c->beyond_training)
        wanted = MIN(wanted, c->n_ctx_train);
    return lw_fit_group(MIN(wanted, largest));
}

char *lw_fit_choices_describe(const lw_fit_choices *c)
{
    GString *s = g_string_new(NULL);
    g_autofree char *largest = lw_fit_group(c->n_ctx_largest), *largest_q8 = lw_fit_group(c->n_ctx_largest_q8),
                    *trained = lw_fit_group(c->n_ctx_train);

    if (c->larger_helps) {
        g_autofree char *enough = advised(c, c->n_ctx_largest);
        g_string_append_printf(s, "a context of %s would hold it", enough);
    } else if (c->q8_helps) {
        g_autofree char *enough = advised(c, c->n_ctx_largest_q8);
        g_string_append_printf(s, "memory allows a context of %s, and with a cache of type q8_0 one of %s, "
                                  "which would hold it",
                               largest, enough);
    } else if (c->n_ctx_largest_q8 > c->n_ctx_largest)
        g_string_append_printf(s, "memory allows no more than %s, or %s with a cache of type q8_0", largest,
                               largest_q8);
    else
        g_string_append_printf(s, "memory allows no more than %s", largest);
    if (c->beyond_training && (c->larger_helps || c->q8_helps))
        g_string_append_printf(s, "; the model was trained for %s and may lose the thread beyond", trained);
    g_string_append(s, c->larger_helps || c->q8_helps ? "; or leave something out"
                                                      : "; something has to be left out");
    return g_string_free(s, FALSE);
}
