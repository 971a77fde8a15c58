/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where models live: the default model that comes with the program, the user's folder
 * ($XDG_DATA_HOME/longwave/models, one level of sub-folders), Ollama's stores (ollama.h) and LM
 * Studio's folders (~/.lmstudio/models and ~/.cache/lm-studio/models, two levels: publisher and
 * repository).  All of them are only read.  Vision files (mmproj*.gguf) are not listed by
 * themselves, a split model once.
 *
 * What is wrong with one model or folder is told in its entry and never keeps the others from being
 * listed. Any thread.
 */
#pragma once

#include <glib.h>

#include "engine/lw-error.h"

G_BEGIN_DECLS

/* In the order in which a file found twice is attributed. */
typedef enum {
    LW_LIBRARY_DEFAULT,
    LW_LIBRARY_OWN,
    LW_LIBRARY_OLLAMA,
    LW_LIBRARY_LM_STUDIO,
} lw_library_source;

/* "own", "Ollama"; static. */
const char *lw_library_source_name(lw_library_source source);

typedef struct {
    char *path; /* of the first part; of the folder or manifest when is_file is FALSE */
    char *name; /* Ollama's name (llama3.2:3b), general.name or the file's base name; one printable
                   line */
    char *problem;   /* why it cannot be used, NULL when it looks fine */
    lw_model_error problem_code; /* what kind of problem that is */
    char *arch;      /* general.architecture, NULL: not known */
    char *types;     /* "Q4_K, Q6_K, F32", the largest share first; NULL: not known */
    char *mmproj;    /* its vision file, NULL: none */
    gint64 bytes;    /* of all parts, without the vision file */
    guint32 n_files; /* parts */
    lw_library_source source;
    gboolean is_file;    /* path is a file, if not necessarily a good one */
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

/* A model as people name it: a path, a file name, a general.name or a name of Ollama's in the
 * library (case-insensitive, unique prefix allowed).  Errors: MISSING (lists what there is). */
char *lw_library_resolve(const char *what, GError **error);

/* The vision file of a model file: the projector of the same Ollama model, or the mmproj*.gguf
 * beside it whose name fits best.  NULL: none.  Free with g_free(). */
char *lw_library_find_mmproj(const char *path);

G_END_DECLS
