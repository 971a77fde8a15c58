/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/session/fit.h"

gboolean lw_fit_context(const lw_model_info *info, guint32 asked, lw_kv_type type, guint64 available,
                        guint64 total, guint32 *n_ctx, GError **error)
{
    guint64 per_token = (guint64)lw_model_info_kv_bytes_per_token(info, type);
    guint64 weights = (guint64)info->file_bytes;
    g_autofree char *need = g_format_size(weights), *ram = g_format_size(total);

    /* The weights are mapped: they compete for the page cache, so they must fit the machine at all. */
    if (weights >= total) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                    "%s needs %s for its weights, this machine has %s of memory; choose a smaller model or a "
                    "smaller quantisation of it",
                    info->name, need, ram);
        return FALSE;
    }
    guint64 room = (guint64)((double)available * LW_FIT_SHARE);
    guint64 fits = room > weights ? (room - weights) / per_token : 0;
    if (asked) {
        guint64 bytes = per_token * asked;
        if (bytes >= total - weights) {
            g_autofree char *kv = g_format_size(bytes);
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                        "a context of %u tokens needs %s beside the %s of weights, this machine has %s of "
                        "memory",
                        asked, kv, need, ram);
            return FALSE;
        }
        *n_ctx = asked;
        return TRUE;
    }
    /* Available memory counts most page cache as free; a busy machine still gets a short context. */
    *n_ctx = (guint32)MIN((guint64)info->n_ctx_train, MAX(fits, LW_FIT_MIN_CTX));
    return TRUE;
}
