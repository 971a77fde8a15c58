/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/json.h"
#include "engine/library/lw-library.h"

static gboolean as_json;

static const GOptionEntry entries[] = {
    {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL},
};

static gboolean print_json(GPtrArray *list, GError **error)
{
    JsonBuilder *b = json_builder_new();
    json_builder_begin_array(b);
    for (guint i = 0; i < list->len; i++) {
        const lw_library_entry *e = list->pdata[i];
        json_builder_begin_object(b);
        lw_cli_json_str(b, "name", e->name);
        lw_cli_json_str(b, "path", e->path);
        lw_cli_json_int(b, "bytes", e->bytes);
        lw_cli_json_int(b, "files", e->n_files);
        lw_cli_json_str(b, "source", lw_library_source_name(e->source));
        lw_cli_json_bool(b, "default", e->is_default);
        lw_cli_json_str(b, "architecture", e->arch);
        lw_cli_json_str(b, "types", e->types);
        lw_cli_json_bool(b, "vision", e->mmproj != NULL);
        lw_cli_json_str(b, "mmproj", e->mmproj);
        lw_cli_json_str(b, "problem", e->problem);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
    return lw_cli_json_print(b, error);
}

/* The two types that matter: "Q4_K, Q6_K". */
static char *short_types(const char *types)
{
    const char *comma = types ? strchr(types, ',') : NULL;
    comma = comma ? strchr(comma + 1, ',') : NULL;
    return comma ? g_strndup(types, (gsize)(comma - types)) : g_strdup(types ? types : "");
}

static gboolean print_table(GPtrArray *list, GError **error)
{
    g_autoptr(GString) s = g_string_new(NULL);
    int width = 8;

    for (guint i = 0; i < list->len; i++)
        width = MAX(width, (int)g_utf8_strlen(((lw_library_entry *)list->pdata[i])->name, -1));
    width = MIN(width, 48);
    for (guint i = 0; i < list->len; i++) {
        const lw_library_entry *e = list->pdata[i];
        g_autofree char *size = lw_cli_format_bytes(e->bytes);
        g_autofree char *path = lw_cli_clean(e->path);
        /* printf pads by bytes, people count characters */
        int pad = MAX(width - (int)g_utf8_strlen(e->name, -1), 0);
        g_autofree char *types = short_types(e->types);
        g_string_append_printf(s, "%s%*s  %10s  %-11s %-6s  %s: %s\n", e->name, pad, "",
                               e->is_file ? size : "", types,
                               !e->is_file || !e->types ? "" : e->mmproj ? "vision" : "text",
                               lw_library_source_name(e->source), path);
        if (e->problem) {
            g_autofree char *problem = lw_cli_clean(e->problem);
            g_string_append_printf(s, "    cannot be used: %s\n", problem);
        }
    }
    return lw_cli_write(s->str, s->len, error);
}

gboolean lw_cli_models(int argc, char **argv, GError **error)
{
    g_autofree char *folder = lw_library_folder();
    g_autofree char *about =
        g_strdup_printf("Your own models: GGUF files in %s,\neach in a folder of its own with its "
                        "mmproj file when it has one.  Models of Ollama and LM Studio\nare found and "
                        "only read.  -m takes every name listed, or the beginning of one.",
                        folder);
    if (!lw_cli_parse(&argc, &argv, "",
                      "List the models there are: name, size, types, vision, and where they come from.",
                      about, entries, NULL, error) ||
        !lw_cli_check_n_args(argc, argv, 0, error))
        return FALSE;

    g_autoptr(GPtrArray) list = lw_library_list();
    if (as_json)
        return print_json(list, error);
    if (!list->len)
        lw_cli_note("No models in %s, and none came with the program.", folder);
    return print_table(list, error);
}
