/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/stored.h"

#include <string.h>

/* An unknown id: say which there are. */
static void list_latest(lw_mem *store, GError **error)
{
    g_autoptr(GPtrArray) all = lw_mem_list_conversations(store, NULL);
    g_autoptr(GString) s = g_string_new(NULL);

    for (guint i = 0; all && i < all->len && i < 5; i++) {
        const lw_mem_conversation *one = all->pdata[i];
        g_string_append_printf(s, "%s%s \"%s\"", i ? ", " : "; the latest are ", one->id, one->title);
    }
    g_autofree char *line = g_strdelimit(g_string_free(g_steal_pointer(&s), FALSE), "\n\r", ' ');
    g_autofree char *whole = g_strconcat((*error)->message, line, NULL);
    g_free((*error)->message);
    (*error)->message = g_steal_pointer(&whole);
}

/* The rule of the window: the conversation's own, else its model's, else the usual ones. */
static lw_mem_options *resolve(lw_mem *store, const char *conversation, const char *model, GError **error)
{
    g_autoptr(GPtrArray) all = lw_mem_list_options(store, error);
    const lw_mem_options *of_chat = NULL, *of_model = NULL;

    if (!all)
        return NULL;
    for (guint i = 0; i < all->len; i++) {
        const lw_mem_options *one = all->pdata[i];
        const char *owner = one->owner ? one->owner : "";

        if (one->kind == LW_MEM_OPTIONS_CHAT && strcmp(owner, conversation) == 0)
            of_chat = one;
        else if (one->kind == LW_MEM_OPTIONS_MODEL && strcmp(owner, model ? model : "") == 0)
            of_model = one;
    }
    if (of_chat || of_model)
        return lw_mem_options_copy(of_chat ? of_chat : of_model);
    return lw_mem_options_new(LW_MEM_OPTIONS_CHAT, conversation);
}

lw_cli_stored *lw_cli_stored_find(const char *id, const char *model, GError **error)
{
    g_autofree char *folder = lw_mem_default_folder(), *path = NULL;
    g_autoptr(lw_cli_stored) s = g_new0(lw_cli_stored, 1);
    GError *local = NULL;

    s->store = lw_mem_open(folder, error);
    if (!s->store)
        return NULL;
    s->record = lw_mem_find_conversation(s->store, id, &local);
    if (!s->record) {
        if (g_error_matches(local, LW_MEM_ERROR, LW_MEM_ERROR_MISSING))
            list_latest(s->store, &local);
        g_propagate_error(error, local);
        return NULL;
    }
    if (model && !(path = lw_cli_model_path(model, error)))
        return NULL;
    s->options = resolve(s->store, s->record->id, path ? path : s->record->model, error);
    return s->options ? g_steal_pointer(&s) : NULL;
}

void lw_cli_stored_free(lw_cli_stored *s)
{
    if (!s)
        return;
    lw_mem_options_free(s->options);
    lw_mem_conversation_free(s->record);
    lw_mem_close(s->store);
    g_free(s);
}
