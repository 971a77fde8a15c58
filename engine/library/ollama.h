/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ollama's store, read only: manifests/<registry>/<namespace>/<model>/<tag> is JSON whose layers
 * name blobs by digest, blobs/sha256-<hex> are the files.  Of the layers only the model and its
 * projector (the vision file) are used: template and parameters are in a language of Ollama's own,
 * and the GGUF file has its own.
 *
 * Nothing in a store is believed: a manifest has at most 1 MiB, a digest is 64 hexadecimal digits
 * and therefore never leaves the blobs folder.
 */
#pragma once

#include <glib.h>

#include "engine/lw-error.h"

G_BEGIN_DECLS

typedef struct {
    char *name;      /* as people type it: "llama3.2:3b", "hf.co/someone/model:Q4_K_M" */
    char *manifest;  /* path */
    char *model;     /* path of the blob; NULL when there is a problem */
    char *projector; /* path of the vision blob, NULL: none */
    char *problem;   /* one sentence, NULL: none */
    lw_model_error problem_code; /* what kind of problem that is */
} lw_ollama_entry;

void lw_ollama_entry_free(lw_ollama_entry *e);

/* Every manifest of $OLLAMA_MODELS, ~/.ollama/models and the system's store, in the order of their
 * paths. A folder that is there and cannot be read is an entry with a problem. g_ptr_array_unref().
 */
GPtrArray *lw_ollama_list(void);

/* The vision blob that belongs to a model blob by some manifest of the same store, or NULL: path is
 * no blob, or its model cannot see.  g_free(). */
char *lw_ollama_projector(const char *path);

/* Digests (64 hexadecimal digits) of the two layers; *projector is NULL when there is none.
 * Errors: LW_MODEL_ERROR (CORRUPT, UNSUPPORTED, MISSING). */
gboolean lw_ollama_parse_manifest(const char *json, gsize n, char **model, char **projector,
                                  GError **error);

G_END_DECLS
