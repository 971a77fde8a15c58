/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/library/ollama.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/lw-error.h"

#define MAX_MANIFEST_BYTES (1024 * 1024)
#define MAX_MANIFESTS 4096
/* Real manifests have three levels of nesting; json-glib calls itself for each. */
#define MAX_NESTING 32
#define HEX_DIGITS 64

#define MEDIA "application/vnd.ollama.image."
/* Where the installer of Ollama lets its service keep models. */
#define SYSTEM_STORE "/usr/share/ollama/.ollama/models"
#define DEFAULT_REGISTRY "registry.ollama.ai/"
#define DEFAULT_NAMESPACE "library/"

void lw_ollama_entry_free(lw_ollama_entry *e)
{
    if (!e)
        return;
    g_free(e->name);
    g_free(e->manifest);
    g_free(e->model);
    g_free(e->projector);
    g_free(e->problem);
    g_free(e);
}

/* ---- Manifests ---- */

static gboolean fail(GError **error, lw_model_error code, const char *what)
{
    g_set_error_literal(error, LW_MODEL_ERROR, code, what);
    return FALSE;
}

static gboolean check_nesting(const char *json, gsize n)
{
    int depth = 0;
    for (gsize i = 0; i < n; i++) {
        if (json[i] == '[' || json[i] == '{') {
            if (++depth > MAX_NESTING)
                return FALSE;
        } else if (json[i] == ']' || json[i] == '}') {
            depth--;
        }
    }
    return TRUE;
}

static const char *string_member(JsonObject *o, const char *name)
{
    JsonNode *node = json_object_get_member(o, name);
    return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node)
                                                                   : NULL;
}

/* "sha256:<64 hex>" -> the digits, NULL for anything else. */
static char *digest_hex(const char *digest)
{
    if (!digest || strncmp(digest, "sha256:", 7) != 0 || strlen(digest + 7) != HEX_DIGITS)
        return NULL;
    for (const char *p = digest + 7; *p; p++)
        if (!g_ascii_isxdigit(*p))
            return NULL;
    return g_ascii_strdown(digest + 7, -1);
}

static gboolean read_layer(JsonNode *node, char **model, char **projector, gboolean *adapter,
                           GError **error)
{
    if (!JSON_NODE_HOLDS_OBJECT(node))
        return fail(error, LW_MODEL_ERROR_CORRUPT, "a layer is not an object");
    JsonObject *layer = json_node_get_object(node);
    const char *media = string_member(layer, "mediaType");
    if (!media)
        return fail(error, LW_MODEL_ERROR_CORRUPT, "a layer has no mediaType");
    if (strcmp(media, MEDIA "adapter") == 0)
        *adapter = TRUE;
    char **to = strcmp(media, MEDIA "model") == 0       ? model
                : strcmp(media, MEDIA "projector") == 0 ? projector
                                                        : NULL;
    if (!to || *to) /* the first one counts */
        return TRUE;
    *to = digest_hex(string_member(layer, "digest"));
    return *to ||
           fail(error, LW_MODEL_ERROR_CORRUPT, "a layer's digest is not sha256: and 64 digits");
}

gboolean lw_ollama_parse_manifest(const char *json, gsize n, char **model, char **projector,
                                  GError **error)
{
    g_autofree char *found_model = NULL, *found_projector = NULL;
    gboolean adapter = FALSE;

    if (n > MAX_MANIFEST_BYTES)
        return fail(error, LW_MODEL_ERROR_CORRUPT, "the manifest has more than 1 MiB");
    if (!check_nesting(json, n))
        return fail(error, LW_MODEL_ERROR_CORRUPT, "the manifest is nested too deeply");
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) local = NULL;
    if (!json_parser_load_from_data(parser, json, (gssize)n, &local)) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT, "the manifest is not JSON (%s)",
                    local->message);
        return FALSE;
    }
    JsonNode *root = json_parser_get_root(parser);
    JsonNode *layers = root && JSON_NODE_HOLDS_OBJECT(root)
                           ? json_object_get_member(json_node_get_object(root), "layers")
                           : NULL;
    if (!layers || !JSON_NODE_HOLDS_ARRAY(layers))
        return fail(error, LW_MODEL_ERROR_CORRUPT, "the manifest lists no layers");
    JsonArray *list = json_node_get_array(layers);
    for (guint i = 0; i < json_array_get_length(list); i++)
        if (!read_layer(json_array_get_element(list, i), &found_model, &found_projector, &adapter,
                        error))
            return FALSE;
    if (!found_model)
        return fail(error, LW_MODEL_ERROR_UNSUPPORTED,
                    "the manifest names no GGUF file (a model that runs elsewhere, or one stored "
                    "in another "
                    "format)");
    if (adapter)
        return fail(error, LW_MODEL_ERROR_UNSUPPORTED,
                    "the model needs an adapter (LoRA), which cannot be applied");
    *model = g_steal_pointer(&found_model);
    *projector = g_steal_pointer(&found_projector);
    return TRUE;
}

/* ---- Stores ---- */

/* The blob's path; older versions of Ollama wrote a colon. */
static char *blob_path(const char *root, const char *hex)
{
    g_autofree char *dashed = g_strdup_printf("%s/blobs/sha256-%s", root, hex);
    g_autofree char *colon = g_strdup_printf("%s/blobs/sha256:%s", root, hex);

    return g_file_test(colon, G_FILE_TEST_IS_REGULAR) &&
                   !g_file_test(dashed, G_FILE_TEST_IS_REGULAR)
               ? g_steal_pointer(&colon)
               : g_steal_pointer(&dashed);
}

/* "registry.ollama.ai/library/llama3.2/3b" -> "llama3.2:3b" */
static char *people_name(const char *relative)
{
    g_autofree char *valid = g_filename_display_name(relative);
    const char *s = valid;
    if (g_str_has_prefix(s, DEFAULT_REGISTRY)) {
        s += strlen(DEFAULT_REGISTRY);
        if (g_str_has_prefix(s, DEFAULT_NAMESPACE))
            s += strlen(DEFAULT_NAMESPACE);
    }
    char *name = g_strdup(s), *slash = strrchr(name, '/');
    if (slash)
        *slash = ':';
    return name;
}

static char *read_manifest(const char *path, gsize *n, GError **error)
{
    struct stat st;
    char *text = NULL;

    /* A pipe or a device would be read for ever. */
    if (stat(path, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_size > MAX_MANIFEST_BYTES)) {
        fail(error, LW_MODEL_ERROR_CORRUPT,
             "not a manifest: no regular file, or one of more than 1 MiB");
        return NULL;
    }
    return g_file_get_contents(path, &text, n, error) ? text : NULL;
}

static lw_ollama_entry *entry_new(const char *root, const char *manifest, const char *relative)
{
    lw_ollama_entry *e = g_new0(lw_ollama_entry, 1);
    g_autofree char *model = NULL, *projector = NULL;
    g_autoptr(GError) error = NULL;
    gsize n = 0;

    e->name = people_name(relative);
    e->manifest = g_strdup(manifest);
    g_autofree char *json = read_manifest(manifest, &n, &error);
    if (!json || !lw_ollama_parse_manifest(json, n, &model, &projector, &error)) {
        e->problem = g_strdup_printf("%s: %s", manifest, error->message);
        e->problem_code =
            error->domain == LW_MODEL_ERROR ? (lw_model_error)error->code : LW_MODEL_ERROR_IO;
        return e;
    }
    g_autofree char *blob = blob_path(root, model);
    if (!g_file_test(blob, G_FILE_TEST_EXISTS)) {
        e->problem = g_strdup_printf(
            "%s: the model's file %s is missing; pull it again with Ollama", manifest, blob);
        e->problem_code = LW_MODEL_ERROR_MISSING;
        return e;
    }
    e->model = g_steal_pointer(&blob);
    if (projector)
        e->projector = blob_path(root, projector);
    return e;
}

static int by_string(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names in a folder, sorted; NULL when it cannot be read. */
static GPtrArray *names_in(const char *folder, GError **error)
{
    GDir *dir = g_dir_open(folder, 0, error);
    if (!dir)
        return NULL;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *base;
    while ((base = g_dir_read_name(dir)) && names->len < MAX_MANIFESTS)
        if (base[0] != '.')
            g_ptr_array_add(names, g_strdup(base));
    g_dir_close(dir);
    g_ptr_array_sort(names, by_string);
    return names;
}

/* Manifests lie exactly `levels` folders down; a namespace may be missing for registries without
 * one. */
static void walk(const char *root, const char *folder, const char *relative, int levels,
                 GPtrArray *list)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) names = names_in(folder, &error);
    if (!names) {
        if (g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return;
        lw_ollama_entry *e = g_new0(lw_ollama_entry, 1);
        e->name = g_strdup("Ollama");
        e->manifest = g_strdup(folder);
        e->problem = g_strdup(error->message);
        e->problem_code = LW_MODEL_ERROR_IO;
        g_ptr_array_add(list, e);
        return;
    }
    for (guint i = 0; i < names->len && list->len < MAX_MANIFESTS; i++) {
        const char *base = names->pdata[i];
        g_autofree char *path = g_build_filename(folder, base, NULL);
        g_autofree char *below =
            *relative ? g_build_filename(relative, base, NULL) : g_strdup(base);
        gboolean is_dir = g_file_test(path, G_FILE_TEST_IS_DIR);
        if (is_dir && levels > 1)
            walk(root, path, below, levels - 1, list);
        else if (!is_dir && levels == 1)
            g_ptr_array_add(list, entry_new(root, path, below));
    }
}

static void walk_store(const char *root, GPtrArray *list)
{
    g_autofree char *manifests = g_build_filename(root, "manifests", NULL);
    walk(root, manifests, "", 4, list); /* registry, namespace, model, tag */
}

GPtrArray *lw_ollama_list(void)
{
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)lw_ollama_entry_free);
    g_autofree char *home = g_build_filename(g_get_home_dir(), ".ollama", "models", NULL);
    const char *system = g_getenv("LW_OLLAMA_SYSTEM");
    const char *roots[] = {g_getenv("OLLAMA_MODELS"), home, system ? system : SYSTEM_STORE};
    struct stat seen[G_N_ELEMENTS(roots)];
    guint n_seen = 0;

    for (guint i = 0; i < G_N_ELEMENTS(roots); i++) {
        struct stat st;
        gboolean again = FALSE;
        /* One that cannot be looked at is somebody else's business, like the system's store behind
         * a folder that only the service may enter. */
        if (!roots[i] || !*roots[i] || stat(roots[i], &st) != 0)
            continue;
        for (guint k = 0; k < n_seen; k++)
            again |= seen[k].st_dev == st.st_dev && seen[k].st_ino == st.st_ino;
        if (again)
            continue;
        seen[n_seen++] = st;
        walk_store(roots[i], list);
    }
    return list;
}

char *lw_ollama_projector(const char *path)
{
    g_autofree char *base = g_path_get_basename(path), *blobs = g_path_get_dirname(path);
    g_autofree char *root = g_path_get_dirname(blobs);
    g_autoptr(GPtrArray) list = NULL;

    if (!g_str_has_prefix(base, "sha256-") && !g_str_has_prefix(base, "sha256:"))
        return NULL;
    list = g_ptr_array_new_with_free_func((GDestroyNotify)lw_ollama_entry_free);
    walk_store(root, list);
    for (guint i = 0; i < list->len; i++) {
        lw_ollama_entry *e = list->pdata[i];
        g_autofree char *own = e->model ? g_path_get_basename(e->model) : NULL;
        if (own && e->projector && strcmp(own, base) == 0)
            return g_steal_pointer(&e->projector);
    }
    return NULL;
}
