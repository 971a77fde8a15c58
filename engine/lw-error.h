/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Error domains of the engine.  Every message names the thing (file, tensor, key, offset) and the
 * number or limit that was broken, in one sentence a user can act on.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A model file: what is wrong with the bytes. */
#define LW_MODEL_ERROR (lw_model_error_quark())
GQuark lw_model_error_quark(void);

typedef enum {
    LW_MODEL_ERROR_IO,          /* cannot open, read or map */
    LW_MODEL_ERROR_CORRUPT,     /* truncated, out of range, contradicts itself */
    LW_MODEL_ERROR_UNSUPPORTED, /* well formed, but a version, type or architecture we lack */
    LW_MODEL_ERROR_MISSING,     /* a required key, tensor or companion file is absent */
    LW_MODEL_ERROR_NOT_FOUND,   /* there is no such file */
    LW_MODEL_ERROR_NOT_GGUF,    /* some other kind of file, or an empty one */
} lw_model_error;

/* The running engine. */
#define LW_ENGINE_ERROR (lw_engine_error_quark())
GQuark lw_engine_error_quark(void);

typedef enum {
    LW_ENGINE_ERROR_NO_MEMORY,    /* an allocation sized by a file, a picture or the user failed */
    LW_ENGINE_ERROR_CANCELLED,    /* the caller's cancel flag was seen */
    LW_ENGINE_ERROR_CONTEXT_FULL, /* the prompt or the next token does not fit the context */
    LW_ENGINE_ERROR_INVALID,      /* a request that cannot be carried out (bad token id, no vision) */
    LW_ENGINE_ERROR_DEVICE,       /* a backend failed */
} lw_engine_error;

G_END_DECLS
