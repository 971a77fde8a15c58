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

/* What an error is about, for those who say it in another language than English: the names and numbers of its
 * message, for the errors that people meet most. */
typedef enum {
    LW_FACTS_NONE,       /* the message says it all */
    LW_FACTS_NO_FILE,    /* NOT_FOUND: name[0] is the path */
    LW_FACTS_EMPTY,      /* NOT_GGUF: name[0] is a file of no bytes */
    LW_FACTS_NOT_GGUF,   /* NOT_GGUF: the file name[0] begins with the bytes name[1], "3c 68 74 6d" */
    LW_FACTS_ARCH,       /* UNSUPPORTED: the file name[0] is of the architecture name[1]; there is: name[2] */
    LW_FACTS_VISION,     /* UNSUPPORTED: the file name[0] is the vision part of a model */
    LW_FACTS_WEIGHTS,    /* NO_MEMORY: the model name[0] needs number[0] bytes, the machine has number[1] */
    LW_FACTS_CONTEXT,    /* NO_MEMORY: number[0] tokens need number[1] bytes beside number[2] of weights, the
                          * machine has number[3] */
    LW_FACTS_ALLOCATION, /* NO_MEMORY: number[0] bytes could not be had */
} lw_facts_kind;

typedef struct {
    lw_facts_kind kind;
    guint64 number[4];
    char *name[3]; /* UTF-8, one line each */
} lw_error_facts;

/* Of an error of the two domains above; NULL for others.  Borrowed from the error. */
const lw_error_facts *lw_error_get_facts(const GError *error);

/* For those who raise an error: keeps a copy of the facts in it, names made fit for being shown.  Does nothing
 * when error or *error is NULL. */
void lw_error_set_facts(GError **error, const lw_error_facts *facts);

G_END_DECLS
