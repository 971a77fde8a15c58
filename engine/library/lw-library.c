/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/library/lw-library.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/gguf/gguf.h"
#include "engine/library/lw-library-paths.h"
#include "engine/library/ollama.h"
#include "engine/lw-error.h"
#include "engine/models/arch.h"
#include "engine/models/foreign.h"

/* More than anyone keeps; stops a folder that happens to hold a million files. */
#define MAX_ENTRIES 4096
/* Characters of a name shown to people. */
#define MAX_NAME_CHARS 120

void lw_library_entry_free(lw_library_entry *e)
{
    if (!e)
        return;
    g_free(e->path);
    g_free(e->name);
    g_free(e->problem);
    g_free(e->arch);
    g_free(e->types);
    g_free(e->mmproj);
    g_free(e);
}

char *lw_library_folder(void)
{
    return g_build_filename(g_get_user_data_dir(), "longwave", "models", NULL);
}

static gboolean has_suffix_nocase(const char *s, const char *suffix)
{
    gsize n = strlen(s), k = strlen(suffix);
    return n > k && g_ascii_strcasecmp(s + n - k, suffix) == 0;
}

const char *lw_library_source_name(lw_library_source source)
{
    static const char *const names[] = {"with the program", "own", "Ollama", "LM Studio"};
    return names[source];
}

/* A split model is its first part; of an incomplete one, the first part that is there. */
static gboolean is_first_part(const char *path, const char *base)
{
    guint32 no, count;
    gsize n;
    if (!lw_gguf_parse_split_name(base, &no, &count, &n))
        return TRUE;
    for (guint32 i = 1; i < no && i <= LW_GGUF_MAX_PARTS; i++) {
        g_autofree char *part = lw_gguf_split_sibling(path, i);
        if (g_file_test(part, G_FILE_TEST_EXISTS))
            return FALSE;
    }
    return TRUE;
}

/* By name alone: what can be a text model. */
static gboolean is_model_name(const char *base)
{
    return base[0] != '.' && has_suffix_nocase(base, ".gguf") &&
           g_ascii_strncasecmp(base, "mmproj", 6) != 0;
}

/* A name out of a file: one printable line, so that it can go to a terminal or a label. */
static char *printable_name(const char *bytes, gsize n)
{
    g_autofree char *valid = g_utf8_make_valid(bytes, (gssize)MIN(n, 4 * MAX_NAME_CHARS));
    GString *s = g_string_new(NULL);
    guint chars = 0;

    for (const char *p = valid; *p && chars < MAX_NAME_CHARS; p = g_utf8_next_char(p), chars++) {
        gunichar c = g_utf8_get_char(p);
        g_string_append_unichar(s, g_unichar_isprint(c) ? c : ' ');
    }
    char *name = g_string_free(s, FALSE);
    return g_strstrip(name);
}

static char *base_name_of(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *shown = g_filename_display_name(base);
    guint32 no, count;
    gsize n;
    if (lw_gguf_parse_split_name(shown, &no, &count, &n))
        shown[n] = 0;
    else if (has_suffix_nocase(shown, ".gguf"))
        shown[strlen(shown) - 5] = 0;
    return printable_name(shown, strlen(shown));
}

static lw_library_entry *problem_new(const char *path, const char *name, lw_library_source source,
                                     lw_model_error code, const char *problem)
{
    lw_library_entry *e = g_new0(lw_library_entry, 1);
    e->path = g_strdup(path);
    e->name = printable_name(name, strlen(name));
    e->source = source;
    e->problem = g_strdup(problem);
    e->problem_code = code;
    return e;
}

static void set_problem(lw_library_entry *e, const GError *error)
{
    e->problem = g_strdup(error->message);
    e->problem_code =
        error->domain == LW_MODEL_ERROR ? (lw_model_error)error->code : LW_MODEL_ERROR_IO;
}

/* Why the engine cannot run it; nothing when nothing speaks against it. */
static void find_problem(lw_library_entry *e, const lw_gguf *g)
{
    g_autoptr(GError) error = NULL;
    if (!lw_foreign_check(g, &error) || !lw_arch_find(g, &error)) {
        set_problem(e, error);
        return;
    }
    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++) {
        const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
        const lw_type_info *type = lw_type_get_info(t->type);
        if (!type->supported) {
            e->problem = g_strdup_printf("%s: unsupported type %s in tensor %s", lw_gguf_path(g),
                                         type->name, t->name);
            e->problem_code = LW_MODEL_ERROR_UNSUPPORTED;
            return;
        }
    }
}

/* name: NULL for the one inside the file.  NULL when the file turns out to be a vision file under
 * another name. */
static lw_library_entry *entry_new(const char *path, const char *name, lw_library_source source)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return NULL;

    lw_library_entry *e = g_new0(lw_library_entry, 1);
    e->path = g_strdup(path);
    e->bytes = st.st_size;
    e->n_files = 1;
    e->source = source;
    e->is_default = source == LW_LIBRARY_DEFAULT;
    e->is_file = TRUE;
    e->name = name ? printable_name(name, strlen(name)) : NULL;

    g_autoptr(GError) error = NULL;
    lw_gguf *g = lw_gguf_open(path, &error);
    if (!g) {
        set_problem(e, error);
        if (!e->name)
            e->name = base_name_of(path);
        return e;
    }

    lw_gguf_str s;
    if (lw_gguf_get_str(g, "general.architecture", &s, NULL)) {
        if (s.n == 4 && memcmp(s.bytes, "clip", 4) == 0) {
            lw_gguf_free(g);
            lw_library_entry_free(e);
            return NULL;
        }
        e->arch = printable_name(s.bytes, s.n);
    }
    if (!e->name && lw_gguf_get_str(g, "general.name", &s, NULL))
        e->name = printable_name(s.bytes, s.n);
    if (!e->name || !*e->name) {
        g_free(e->name);
        e->name = base_name_of(path);
    }
    e->bytes = (gint64)lw_gguf_file_bytes(g);
    e->n_files = lw_gguf_n_files(g);
    e->types = lw_gguf_describe_types(g, NULL, NULL);
    find_problem(e, g);
    const lw_arch *arch = lw_arch_find(g, NULL);
    if (arch && arch->sees)
        e->mmproj = lw_library_find_mmproj(path);
    lw_gguf_free(g);
    return e;
}

static int by_string(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A walk through folders of models. */
typedef struct {
    lw_library_source source;
    GPtrArray *paths; /* char*, sorted by file name within a folder */
    GPtrArray
        *problems;   /* entries: folders that cannot be read, links to nowhere; NULL: not told */
    GArray *folders; /* struct stat of those seen: links may lead in circles */
} walk;

static gboolean seen_folder(walk *w, const char *folder)
{
    struct stat st;
    if (stat(folder, &st) != 0)
        return FALSE;
    for (guint i = 0; i < w->folders->len; i++) {
        const struct stat *o = &g_array_index(w->folders, struct stat, i);
        if (o->st_dev == st.st_dev && o->st_ino == st.st_ino)
            return TRUE;
    }
    g_array_append_val(w->folders, st);
    return FALSE;
}

static void tell(walk *w, const char *path, lw_model_error code, const char *why)
{
    if (!w->problems || w->problems->len >= MAX_ENTRIES)
        return;
    g_autofree char *name = base_name_of(path);
    g_ptr_array_add(w->problems, problem_new(path, name, w->source, code, why));
}

/* depth: levels of sub-folders still allowed. */
static void collect(walk *w, const char *folder, int depth)
{
    g_autoptr(GError) error = NULL;
    if (seen_folder(w, folder))
        return;
    GDir *dir = g_dir_open(folder, 0, &error);
    if (!dir) {
        if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            tell(w, folder, LW_MODEL_ERROR_IO, error->message);
        return;
    }
    const char *base;
    while ((base = g_dir_read_name(dir)) && w->paths->len < MAX_ENTRIES) {
        g_autofree char *path = g_build_filename(folder, base, NULL);
        if (is_model_name(base) && g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
            if (is_first_part(path, base))
                g_ptr_array_add(w->paths, g_steal_pointer(&path));
        } else if (is_model_name(base) && !g_file_test(path, G_FILE_TEST_EXISTS)) {
            g_autofree char *why = g_strdup_printf("%s: a link to a file that is not there", path);
            tell(w, path, LW_MODEL_ERROR_NOT_FOUND, why);
        } else if (depth > 0 && base[0] != '.' && g_file_test(path, G_FILE_TEST_IS_DIR)) {
            collect(w, path, depth - 1);
        }
    }
    g_dir_close(dir);
    g_ptr_array_sort(w->paths, by_string);
}

/* Paths of the model files in a folder; g_ptr_array_unref(). */
static GPtrArray *files_in(const char *folder, int depth, lw_library_source source,
                           GPtrArray *problems)
{
    walk w = {source, g_ptr_array_new_with_free_func(g_free), problems,
              g_array_new(FALSE, FALSE, sizeof(struct stat))};
    collect(&w, folder, depth);
    g_array_unref(w.folders);
    return w.paths;
}

/* The source tree counts only for a program that lies in the build folder. */
static gboolean runs_from_build(void)
{
    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    return exe && g_str_has_prefix(exe, LW_LIBRARY_BUILD_DIR "/");
}

char *lw_library_default_model(GError **error)
{
    const char *env = g_getenv("LW_DEFAULT_MODEL");
    if (env && *env) {
        if (g_file_test(env, G_FILE_TEST_IS_REGULAR))
            return g_strdup(env);
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING,
                    "%s (from LW_DEFAULT_MODEL): no such file", env);
        return NULL;
    }

    const char *places[3];
    guint n = 0;
    if (runs_from_build())
        places[n++] = LW_LIBRARY_SOURCE_MODELS;
    places[n++] = LW_LIBRARY_INSTALLED_MODELS;
    for (guint i = 0; i < n; i++) {
        g_autoptr(GPtrArray) paths = files_in(places[i], 0, LW_LIBRARY_DEFAULT, NULL);
        if (paths->len > 0)
            return g_strdup(paths->pdata[0]);
    }
    g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING,
                "no default model: no .gguf file in %s%s%s; name one with -m or LW_DEFAULT_MODEL",
                places[0], n > 1 ? " nor in " : "", n > 1 ? places[1] : "");
    return NULL;
}

static int by_name(gconstpointer a, gconstpointer b)
{
    const lw_library_entry *x = *(lw_library_entry *const *)a, *y = *(lw_library_entry *const *)b;
    if (x->is_default != y->is_default)
        return x->is_default ? -1 : 1;
    g_autofree char *fx = g_utf8_casefold(x->name, -1), *fy = g_utf8_casefold(y->name, -1);
    int c = strcmp(fx, fy);
    return c ? c : strcmp(x->path, y->path);
}

/* The same file under another program's roof, or behind a link, is one model. */
typedef struct {
    dev_t device;
    ino_t inode;
    lw_library_source source;
} seen_file;

static gboolean seen_elsewhere(GArray *seen, const char *path, lw_library_source source)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return FALSE;
    for (guint i = 0; i < seen->len; i++) {
        const seen_file *f = &g_array_index(seen, seen_file, i);
        if (f->device == st.st_dev && f->inode == st.st_ino && f->source != source)
            return TRUE;
    }
    seen_file f = {st.st_dev, st.st_ino, source};
    g_array_append_val(seen, f);
    return FALSE;
}

static void add(GPtrArray *list, GArray *seen, const char *path, const char *name,
                lw_library_source source)
{
    if (list->len >= MAX_ENTRIES || seen_elsewhere(seen, path, source))
        return;
    lw_library_entry *e = entry_new(path, name, source);
    if (e)
        g_ptr_array_add(list, e);
}

static void add_folder(GPtrArray *list, GArray *seen, const char *folder, int depth,
                       lw_library_source source)
{
    g_autoptr(GPtrArray) paths = files_in(folder, depth, source, list);
    for (guint i = 0; i < paths->len; i++)
        add(list, seen, paths->pdata[i], NULL, source);
}

static void add_ollama(GPtrArray *list, GArray *seen)
{
    g_autoptr(GPtrArray) models = lw_ollama_list();
    for (guint i = 0; i < models->len; i++) {
        const lw_ollama_entry *o = models->pdata[i];
        if (o->problem)
            g_ptr_array_add(list, problem_new(o->manifest, o->name, LW_LIBRARY_OLLAMA, o->problem_code,
                                              o->problem));
        else
            add(list, seen, o->model, o->name, LW_LIBRARY_OLLAMA);
    }
}

GPtrArray *lw_library_list(void)
{
    /* Where LM Studio has kept models, newest first: <folder>/<publisher>/<repository>/ */
    static const char *const lm_studio[][3] = {{".lmstudio", "models"},
                                               {".cache", "lm-studio", "models"}};
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)lw_library_entry_free);
    g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(seen_file));
    g_autofree char *folder = lw_library_folder();
    g_autofree char *standard = lw_library_default_model(NULL);

    if (standard)
        add(list, seen, standard, NULL, LW_LIBRARY_DEFAULT);
    add_folder(list, seen, folder, 1, LW_LIBRARY_OWN);
    add_ollama(list, seen);
    for (guint i = 0; i < G_N_ELEMENTS(lm_studio); i++) {
        g_autofree char *path = g_build_filename(g_get_home_dir(), lm_studio[i][0], lm_studio[i][1],
                                                 lm_studio[i][2], NULL);
        add_folder(list, seen, path, 2, LW_LIBRARY_LM_STUDIO);
    }
    g_ptr_array_sort(list, by_name);
    return list;
}

/* 2: equal, 1: begins with, 0: neither.  `what` is folded. */
static int match(const char *what, const char *candidate)
{
    g_autofree char *folded = g_utf8_casefold(candidate, -1);
    if (strcmp(folded, what) == 0)
        return 2;
    return g_str_has_prefix(folded, what) ? 1 : 0;
}

static int match_entry(const char *what, const lw_library_entry *e)
{
    g_autofree char *base = g_path_get_basename(e->path);
    g_autofree char *file = g_filename_display_name(base);
    g_autofree char *stem = base_name_of(e->path);
    int best = match(what, e->name);
    /* "llama3.2" is Ollama's "llama3.2:latest". */
    if (e->source == LW_LIBRARY_OLLAMA && g_str_has_suffix(e->name, ":latest")) {
        g_autofree char *untagged = g_strndup(e->name, strlen(e->name) - strlen(":latest"));
        best = MAX(best, match(what, untagged));
    }
    /* A blob's or a manifest's file name is nobody's name for it. */
    return e->source == LW_LIBRARY_OLLAMA ? best
                                          : MAX(best, MAX(match(what, file), match(what, stem)));
}

static void append_names(GString *s, GPtrArray *entries)
{
    enum { SHOWN = 12 };
    for (guint i = 0; i < entries->len && i < SHOWN; i++)
        g_string_append_printf(s, "%s%s", i ? ", " : "",
                               ((lw_library_entry *)entries->pdata[i])->name);
    if (entries->len > SHOWN)
        g_string_append_printf(s, " and %u more", entries->len - SHOWN);
}

/* The models that fit the name best. */
static GPtrArray *find_named(GPtrArray *all, const char *name)
{
    g_autofree char *folded = g_utf8_casefold(name, -1);
    GPtrArray *found = g_ptr_array_new();
    int best = 1;

    for (guint i = 0; i < all->len; i++) {
        int m = match_entry(folded, all->pdata[i]);
        if (m > best) {
            best = m;
            g_ptr_array_set_size(found, 0);
        }
        if (m == best)
            g_ptr_array_add(found, all->pdata[i]);
    }
    return found;
}

char *lw_library_resolve(const char *what, GError **error)
{
    struct stat st;
    if (!*what) {
        g_set_error_literal(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING,
                            "the model name is empty");
        return NULL;
    }
    int missing = stat(what, &st) == 0 ? 0 : errno;
    if (!missing && !S_ISDIR(st.st_mode))
        return g_strdup(what);

    g_autofree char *valid = g_utf8_make_valid(what, -1);
    g_autoptr(GPtrArray) all = lw_library_list();
    g_autoptr(GPtrArray) found = find_named(all, valid);
    if (found->len == 1) {
        const lw_library_entry *e = found->pdata[0];
        if (e->is_file)
            return g_strdup(e->path);
        g_set_error_literal(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING, e->problem);
        return NULL;
    }
    /* A name with a slash can be one of Ollama's; otherwise it was a path. */
    if (strchr(what, '/') && !found->len) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING, "%s: %s", what,
                    missing ? g_strerror(missing) : "a folder, not a model file");
        return NULL;
    }

    g_autofree char *folder = lw_library_folder();
    GString *s = g_string_new(NULL);
    if (found->len > 1) {
        g_string_printf(s, "\"%s\" fits %u models: ", valid, found->len);
        append_names(s, found);
    } else {
        g_string_printf(s, "no model \"%s\": no such file, and the library (%s and others) holds ",
                        valid, folder);
        if (all->len)
            append_names(s, all);
        else
            g_string_append(s, "no models");
    }
    g_autofree char *text = g_string_free(s, FALSE);
    g_set_error_literal(error, LW_MODEL_ERROR, LW_MODEL_ERROR_MISSING, text);
    return NULL;
}
