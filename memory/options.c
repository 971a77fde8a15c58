/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How a model is asked: instructions and sampling of a chat, of a model, and presets.
 */
#include "memory/store-private.h"

#include <string.h>

lw_mem_options *lw_mem_options_new(lw_mem_options_kind kind, const char *owner)
{
    lw_mem_options *o = g_new0(lw_mem_options, 1);

    *o = (lw_mem_options){.kind = kind,
                          .owner = g_strdup(owner),
                          .own = TRUE,
                          .temperature = 0.8,
                          .top_k = 40,
                          .top_p = 0.95,
                          .min_p = 0.05,
                          .repeat_penalty = 1,
                          .seed = -1};
    return o;
}

lw_mem_options *lw_mem_options_copy(const lw_mem_options *o)
{
    lw_mem_options *copy = g_new0(lw_mem_options, 1);

    *copy = *o;
    copy->owner = g_strdup(o->owner);
    copy->name = g_strdup(o->name);
    copy->system = g_strdup(o->system);
    return copy;
}

void lw_mem_options_free(lw_mem_options *o)
{
    if (!o)
        return;
    g_free(o->owner);
    g_free(o->name);
    g_free(o->system);
    g_free(o);
}

gboolean lw_mem_put_options(lw_mem *m, const lw_mem_options *o, GError **error)
{
    const char *what = "saving how a model is asked";
    sqlite3_stmt *st;

    if (o->system && strlen(o->system) > LW_MEM_MAX_SYSTEM) {
        g_set_error(error, LW_MEM_ERROR, LW_MEM_ERROR_IO,
                    "the instructions have %zu bytes, the limit is %d", strlen(o->system),
                    LW_MEM_MAX_SYSTEM);
        return FALSE;
    }
    st = lw_mem_prepare(m, "INSERT OR REPLACE INTO options VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", what, error);
    if (!st)
        return FALSE;
    sqlite3_bind_int(st, 1, o->kind);
    lw_mem_bind_text(st, 2, o->owner);
    lw_mem_bind_text(st, 3, o->name);
    lw_mem_bind_text(st, 4, o->system);
    sqlite3_bind_int(st, 5, o->own);
    sqlite3_bind_double(st, 6, o->temperature);
    sqlite3_bind_int(st, 7, o->top_k);
    sqlite3_bind_double(st, 8, o->top_p);
    sqlite3_bind_double(st, 9, o->min_p);
    sqlite3_bind_double(st, 10, o->repeat_penalty);
    sqlite3_bind_int(st, 11, o->max_tokens);
    sqlite3_bind_int64(st, 12, o->seed);
    return lw_mem_finish(m, st, what, error);
}

gboolean lw_mem_delete_options(lw_mem *m, lw_mem_options_kind kind, const char *owner, GError **error)
{
    const char *what = "deleting how a model is asked";
    sqlite3_stmt *st = lw_mem_prepare(m, "DELETE FROM options WHERE kind = ? AND owner = ?", what, error);

    if (!st)
        return FALSE;
    sqlite3_bind_int(st, 1, kind);
    lw_mem_bind_text(st, 2, owner);
    return lw_mem_finish(m, st, what, error);
}

GPtrArray *lw_mem_list_options(lw_mem *m, GError **error)
{
    const char *what = "reading how models are asked";
    sqlite3_stmt *st = lw_mem_prepare(m,
                                      "SELECT kind, owner, name, system, own, temperature, top_k, top_p,"
                                      " min_p, repeat_penalty, max_tokens, seed FROM options"
                                      " ORDER BY kind, name COLLATE NOCASE, owner",
                                      what, error);
    GPtrArray *list;
    int rc;

    if (!st)
        return NULL;
    list = g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_options_free);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        lw_mem_options *o = g_new0(lw_mem_options, 1);
        *o = (lw_mem_options){.kind = (lw_mem_options_kind)sqlite3_column_int(st, 0),
                              .owner = lw_mem_column_text(st, 1),
                              .name = lw_mem_column_text(st, 2),
                              .system = lw_mem_column_text(st, 3),
                              .own = sqlite3_column_int(st, 4) != 0,
                              .temperature = sqlite3_column_double(st, 5),
                              .top_k = sqlite3_column_int(st, 6),
                              .top_p = sqlite3_column_double(st, 7),
                              .min_p = sqlite3_column_double(st, 8),
                              .repeat_penalty = sqlite3_column_double(st, 9),
                              .max_tokens = sqlite3_column_int(st, 10),
                              .seed = sqlite3_column_int64(st, 11)};
        g_ptr_array_add(list, o);
    }
    if (rc != SQLITE_DONE) {
        lw_mem_set_error(m, rc, what, error);
        g_clear_pointer(&list, g_ptr_array_unref);
    }
    sqlite3_finalize(st);
    return list;
}
