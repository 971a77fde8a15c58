/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * NumPy's .npy format, version 1.0: a two-dimensional array of little-endian f32.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* rows [n_rows][n_columns].  A regular file is replaced only when all bytes are on the disk, so a full
 * disk never leaves half a file.  Errors: LW_CLI_ERROR_OUTPUT with path, sizes and reason. */
gboolean lw_cli_npy_write(const char *path, const float *rows, gsize n_rows, gsize n_columns,
                          GError **error);

G_END_DECLS
