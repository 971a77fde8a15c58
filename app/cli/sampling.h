/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How an answer is chosen, as options: sampling, stop strings, a grammar, log-probabilities.
 */
#pragma once

#include "app/cli/cli.h"
#include "memory/lw-memory.h"

G_BEGIN_DECLS

/* Ends with {NULL}. */
extern const GOptionEntry lw_cli_sampling_entries[];

/* After parsing: the model's own sampling, or that of a stored conversation (stored, may be NULL), changed by
 * what was given.  params->grammar is the caller's to unref; what else params points to lives until the
 * program ends.  Errors: USAGE naming the option, what reading the files says. */
gboolean lw_cli_sampling_read(const lw_model *m, const lw_mem_options *stored, lw_generate_params *params,
                              GError **error);

G_END_DECLS
