/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A conversation that the window or an earlier run stored, found again: which model answers there, and how it
 * is asked (instructions and sampling: the conversation's own, else its model's).
 */
#pragma once

#include "app/cli/cli.h"
#include "memory/lw-memory.h"

G_BEGIN_DECLS

typedef struct {
    lw_mem *store;
    lw_mem_conversation *record;
    lw_mem_options *options; /* never NULL */
} lw_cli_stored;

/* id: or an unambiguous beginning of it.  model: of -m, as it was given, or NULL.
 * Errors: LW_MEM_ERROR (an unknown id lists the latest ones), those of lw_cli_model_path(). */
lw_cli_stored *lw_cli_stored_find(const char *id, const char *model, GError **error);
void lw_cli_stored_free(lw_cli_stored *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lw_cli_stored, lw_cli_stored_free)

G_END_DECLS
