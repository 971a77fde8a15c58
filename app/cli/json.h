/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The few JSON shapes that --json needs, over json-glib's builder.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

void lw_cli_json_str(JsonBuilder *b, const char *name, const char *value); /* NULL: null */
void lw_cli_json_int(JsonBuilder *b, const char *name, gint64 value);
void lw_cli_json_num(JsonBuilder *b, const char *name, double value);
void lw_cli_json_bool(JsonBuilder *b, const char *name, gboolean value);

/* Write the finished tree to stdout, indented, with a newline; unrefs the builder. */
gboolean lw_cli_json_print(JsonBuilder *b, GError **error);

G_END_DECLS
