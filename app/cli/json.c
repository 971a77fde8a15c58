/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/json.h"

#include <math.h>

#include "app/cli/cli.h"

void lw_cli_json_str(JsonBuilder *b, const char *name, const char *value)
{
    json_builder_set_member_name(b, name);
    if (!value) {
        json_builder_add_null_value(b);
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    json_builder_add_string_value(b, valid);
}

void lw_cli_json_int(JsonBuilder *b, const char *name, gint64 value)
{
    json_builder_set_member_name(b, name);
    json_builder_add_int_value(b, value);
}

void lw_cli_json_num(JsonBuilder *b, const char *name, double value)
{
    json_builder_set_member_name(b, name);
    if (isfinite(value)) /* JSON has no infinity and no NaN */
        json_builder_add_double_value(b, value);
    else
        json_builder_add_null_value(b);
}

void lw_cli_json_bool(JsonBuilder *b, const char *name, gboolean value)
{
    json_builder_set_member_name(b, name);
    json_builder_add_boolean_value(b, value);
}

gboolean lw_cli_json_print(JsonBuilder *b, GError **error)
{
    g_autoptr(JsonNode) root = json_builder_get_root(b);
    g_autofree char *text = json_to_string(root, TRUE);
    g_object_unref(b);
    return lw_cli_print(error, "%s\n", text);
}
