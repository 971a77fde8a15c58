/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where models live: the user's folder ($XDG_DATA_HOME/longwave/models, one level of sub-folders
 * allowed) and the default model that comes with the program.  Vision files (mmproj*.gguf) are not
 * listed by themselves.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    char *path;
    char *name;      /* general.name or the file's base name */
    char *problem;   /* why it cannot be opened, NULL when it looks fine */
    gint64 bytes;    /* of the file */
    gboolean is_default; /* the one that comes with the program */
} lw_library_entry;

void lw_library_entry_free(lw_library_entry *e);

/* $XDG_DATA_HOME/longwave/models (not created here).  Free with g_free(). */
char *lw_library_folder(void);

/* All models, default first, then by name.  Files are opened and checked, not loaded.
 * Free with g_ptr_array_unref(). */
GPtrArray *lw_library_list(void);

/* Path of the default model: $LW_DEFAULT_MODEL, the source tree's data/model when run from a build,
 * or the installed one.  NULL with LW_MODEL_ERROR_MISSING that names the places looked at. */
char *lw_library_default_model(GError **error);

/* A model as people name it: a path, a file name or a general.name in the library (case-insensitive,
 * unique prefix allowed).  Errors: MISSING (lists what there is). */
char *lw_library_resolve(const char *what, GError **error);

G_END_DECLS
