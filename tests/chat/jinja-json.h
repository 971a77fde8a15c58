/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: JSON -> values of the template interpreter.  Texts are outside; but those under
 * "trusted" in the top object (and roles) are scaffold.
 */
#pragma once

#include <json-glib/json-glib.h>
#include <string.h>

#include "engine/chat/jinja.h"

static inline lw_jvalue jinja_from_json(lw_jinja_run *r, JsonNode *node, const char *key)
{
    lw_origin origin = key && g_str_equal(key, "role") ? LW_ORIGIN_TEMPLATE : LW_ORIGIN_OUTSIDE;

    if (JSON_NODE_HOLDS_OBJECT(node)) {
        JsonObject *o = json_node_get_object(node);
        g_autoptr(GList) members = json_object_get_members(o);
        lw_jvalue map = lw_jinja_new_map(r);

        for (GList *l = members; l; l = l->next) {
            lw_jvalue v = jinja_from_json(r, json_object_get_member(o, l->data), l->data);
            /* The member's name is a constant for as long as the document lives. */
            lw_jinja_map_put(r, map, l->data, v);
        }
        return map;
    }
    if (JSON_NODE_HOLDS_ARRAY(node)) {
        JsonArray *a = json_node_get_array(node);
        guint n = json_array_get_length(a);
        g_autofree lw_jvalue *items = g_new0(lw_jvalue, n + 1);

        for (guint i = 0; i < n; i++)
            items[i] = jinja_from_json(r, json_array_get_element(a, i), NULL);
        return lw_jinja_new_list(r, items, n);
    }
    if (JSON_NODE_HOLDS_NULL(node))
        return lw_jinja_none();
    switch (json_node_get_value_type(node)) {
    case G_TYPE_BOOLEAN:
        return lw_jinja_bool(json_node_get_boolean(node));
    case G_TYPE_INT64:
        return lw_jinja_int(json_node_get_int(node));
    case G_TYPE_DOUBLE:
        return lw_jinja_float(json_node_get_double(node));
    default: {
        const char *s = json_node_get_string(node);
        return lw_jinja_new_text(r, s, strlen(s), origin);
    }
    }
}

/* Each member of the object becomes a variable; *_token are scaffold. */
static inline void jinja_define_all(lw_jinja_run *r, JsonObject *context)
{
    g_autoptr(GList) members = json_object_get_members(context);

    for (GList *l = members; l; l = l->next) {
        JsonNode *node = json_object_get_member(context, l->data);
        lw_jvalue v = jinja_from_json(r, node, l->data);

        if (g_str_has_suffix(l->data, "_token") && v.kind == LW_J_TEXT)
            v = lw_jinja_new_text(r, v.text.bytes, v.text.n, LW_ORIGIN_TEMPLATE);
        lw_jinja_define(r, l->data, v);
    }
}
