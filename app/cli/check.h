/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Are all weights numbers?  A file may hold infinite or undefined scales and still be well formed;
 * its answers would be nonsense.  Opening a model does not look, since that would read the whole
 * file.
 */
#pragma once

#include "engine/gguf/gguf.h"

G_BEGIN_DECLS

typedef struct {
    gint64 n_values;    /* looked at */
    gint64 n_bad;       /* infinite or not a number */
    gsize n_skipped;    /* tensors of types that no kernel reads */
    const char *tensor; /* the first bad one in the file's order; NULL: none */
    gint64 tensor_bad;  /* in it */
} lw_cli_check;

/* Reads every weight, on all CPUs.  FALSE: *cancel became non-zero, or the file changed meanwhile.
 * Errors: LW_ENGINE_ERROR_CANCELLED, LW_MODEL_ERROR_IO. */
gboolean lw_cli_check_weights(const lw_gguf *g, const gint *cancel, lw_cli_check *out,
                              GError **error);

G_END_DECLS
