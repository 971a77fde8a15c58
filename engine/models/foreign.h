/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that another program converts in a way of its own.  Ollama's own conversions keep the text
 * model and the vision tower in one file, under names that differ from everybody else's (Ollama
 * convert/convert_qwen25vl.go, convert_qwen3vl.go): such a file would half work, so it is refused
 * with what to do instead.
 */
#pragma once

#include "engine/gguf/gguf.h"

G_BEGIN_DECLS

/* FALSE with LW_MODEL_ERROR_UNSUPPORTED when g is such a file. */
gboolean lw_foreign_check(const lw_gguf *g, GError **error);

G_END_DECLS
