/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lw eval: what a model finds in long contexts, on samples made from a seed.  This file reads the command line
 * and makes the list of samples; eval-jobs.c asks, eval-print.c prints.
 */
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/eval-mass.h"
#include "app/cli/eval-print.h"
#include "app/eval/published.h"
#include "app/eval/random.h"
#include "engine/base/cpu.h"

#define MAX_LENGTH (1u << 24)
#define MAX_SESSIONS 100000
#define MAX_JOBS 256
#define MAX_MODES 16
/* Where samples become so long that fewer of them must do. */
#define LONG_TOKENS 262144

static struct {
    char *model, *mmproj, *lengths, *units, *mode, *attention, *kv, *svg, *out, *oracle, *variant;
    char **data;
    int turns, sessions, n_threads, jobs;
    gint64 seed;
    gboolean strict, compat, hard, own, json, list, resume;
} o = {.turns = 5, .jobs = 1, .seed = 1};

static const GOptionEntry entries[] = {
    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model,
     "Model file, or the name of an installed one (default: the one that comes with Longwave)", "MODEL"},
    {"mmproj", 0, 0, G_OPTION_ARG_FILENAME, &o.mmproj, "Vision file (default: mmproj*.gguf beside the model)", "FILE"},
    {"list", 0, 0, G_OPTION_ARG_NONE, &o.list, "List the tasks", NULL},
    {"lengths", 0, 0, G_OPTION_ARG_STRING, &o.lengths,
     "Tokens of a session at most: 1000, 4k, 1m (default: 1k,4k)", "N,.."},
    {"units", 0, 0, G_OPTION_ARG_STRING, &o.units,
     "Instead of lengths: pairs, sentences, frames... of a context", "N,.."},
    {"data", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o.data,
     "Instead of a suite: sessions of a published SCBench file that fit --lengths (default: 128k); may be repeated",
     "FILE.jsonl"},
    {"turns", 0, 0, G_OPTION_ARG_INT, &o.turns, "Questions about one context, at most those of a file (default: 5)", "N"},
    {"sessions", 0, 0, G_OPTION_ARG_INT, &o.sessions,
     "Contexts of each task and length (default: 20; 5 from 256k on; all of a file)", "N"},
    {"seed", 0, 0, G_OPTION_ARG_INT64, &o.seed, "Seed of the whole run (default: 1)", "N"},
    {"hard", 0, 0, G_OPTION_ARG_NONE, &o.hard, "Decoys and longer chains, where a task has them", NULL},
    {"variant", 0, 0, G_OPTION_ARG_STRING, &o.variant, "A task's own variant, e.g. at=50", "NAME"},
    {"mode", 0, 0, G_OPTION_ARG_STRING, &o.mode,
     "turns (default): one conversation; requests: the context is read once, each question is asked alone", "MODE"},
    {"own-answers", 0, 0, G_OPTION_ARG_NONE, &o.own, "Keep the model's answers instead of the right ones", NULL},
    {"strict", 0, 0, G_OPTION_ARG_NONE, &o.strict, "Scores without SCBench's defects (default)", NULL},
    {"compat", 0, 0, G_OPTION_ARG_NONE, &o.compat, "Scores as SCBench computes them", NULL},
    {"attn", 0, 0, G_OPTION_ARG_STRING, &o.attention,
     LW_CLI_ATTN "; several are asked the same and compared with the first", "MODE,.."},
    {"kv", 0, 0, G_OPTION_ARG_STRING, &o.kv, "Type of the cache: f16 (default), q8_0 or f32", "TYPE"},
    {"oracle", 0, 0, G_OPTION_ARG_STRING, &o.oracle, "No model answers, but: perfect or empty", "WHO"},
    {"threads", 't', 0, G_OPTION_ARG_INT, &o.n_threads, "Threads of a session (default: the CPUs, shared by the jobs)",
     "N"},
    {"jobs", 0, 0, G_OPTION_ARG_INT, &o.jobs, "Samples at a time (default: 1; with more, times are those of a busy machine)", "N"},
    {"out", 0, 0, G_OPTION_ARG_FILENAME, &o.out, "Keep every answer in FOLDER/results.jsonl", "FOLDER"},
    {"resume", 0, 0, G_OPTION_ARG_NONE, &o.resume, "Go on with what --out FOLDER holds", NULL},
    {"svg", 0, 0, G_OPTION_ARG_FILENAME, &o.svg, "Write a picture of accuracy by depth and length", "FILE"},
    {"json", 0, 0, G_OPTION_ARG_NONE, &o.json, "Print JSON", NULL},
    {NULL},
};

static gboolean usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean usage(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE, "%s (see lw eval --help)", text);
    return FALSE;
}

/* ---- The command line ---- */

/* "4k" -> 4096.  0: not a size. */
static guint64 parse_size(const char *word)
{
    gsize n = strlen(word);
    guint shift = n && g_ascii_tolower(word[n - 1]) == 'k' ? 10 : n && g_ascii_tolower(word[n - 1]) == 'm' ? 20 : 0;
    g_autofree char *digits = g_strndup(word, shift ? n - 1 : n);
    guint64 v;

    return g_ascii_string_to_unsigned(digits, 10, 1, MAX_LENGTH, &v, NULL) && v << shift <= MAX_LENGTH ? v << shift : 0;
}

static GArray *parse_sizes(const char *text, const char *option, GError **error)
{
    g_autoptr(GArray) sizes = g_array_new(FALSE, FALSE, sizeof(int));
    g_auto(GStrv) words = g_strsplit_set(text, ", ", -1);

    for (char **w = words; *w; w++) {
        int size = (int)parse_size(*w);
        if (!**w)
            continue;
        if (!size) {
            usage(error, "%s: \"%s\" is not a number from 1 to %uM such as 1000, 4k or 1m", option, *w,
                  MAX_LENGTH >> 20);
            return NULL;
        }
        for (guint i = 0; i < sizes->len; i++) {
            if (g_array_index(sizes, int, i) == size) {
                usage(error, "%s: %s stands there twice", option, *w);
                return NULL;
            }
        }
        g_array_append_val(sizes, size);
    }
    if (!sizes->len) {
        usage(error, "%s: an empty list", option);
        return NULL;
    }
    return g_steal_pointer(&sizes);
}

static void add_task(GPtrArray *tasks, const LwEvalTask *task)
{
    if (!g_ptr_array_find(tasks, task, NULL))
        g_ptr_array_add(tasks, (gpointer)task);
}

/* One word of SUITE.  all: asked for the visual tasks only if the model can see. */
static gboolean add_suite(GPtrArray *tasks, const char *word, gboolean *all, GError **error)
{
    gboolean is_all = !strcmp(word, "all"), visual = !strcmp(word, "visual");
    const LwEvalTask *one = lw_eval_task_find(word);

    if (one) {
        add_task(tasks, one);
        return TRUE;
    }
    if (!is_all && !visual && strcmp(word, "text"))
        return usage(error, "there is no suite or task \"%s\"; lw eval --list names them", word);
    *all |= is_all;
    for (const LwEvalTask *const *t = lw_eval_tasks(); *t; t++)
        if ((*t)->visual == visual)
            add_task(tasks, *t);
    return TRUE;
}

static GPtrArray *read_suites(int argc, char **argv, gboolean *all, GError **error)
{
    g_autoptr(GPtrArray) tasks = g_ptr_array_new();

    for (int i = 1; i < argc; i++) {
        g_auto(GStrv) words = g_strsplit(argv[i], ",", -1);
        for (char **w = words; *w; w++)
            if (**w && !add_suite(tasks, *w, all, error))
                return NULL;
    }
    if (!tasks->len) {
        usage(error, argc > 1 ? "the suite has no tasks" : "no suite given: a task, text, visual or all");
        return NULL;
    }
    return g_steal_pointer(&tasks);
}

/* mass [TASK...]: kv when none is named. */
static GPtrArray *read_mass_tasks(int argc, char **argv, GError **error)
{
    gboolean all = FALSE;

    if (o.out || o.svg || o.oracle || o.attention || o.data) {
        usage(error, "mass goes with none of --out, --svg, --oracle, --attn and --data");
        return NULL;
    }
    if (argc == 2) {
        GPtrArray *tasks = g_ptr_array_new();
        add_task(tasks, lw_eval_task_find("kv"));
        return tasks;
    }
    return read_suites(argc - 1, argv + 1, &all, error);
}

/* Files stand in place of a suite. */
static GPtrArray *check_data(int argc, char **argv, GError **error)
{
    if (argc > 1)
        usage(error, "\"%s\": --data stands in place of a suite", argv[1]);
    else if (o.units || o.hard || o.variant)
        usage(error, "--data goes with none of --units, --hard and --variant");
    else
        return g_ptr_array_new();
    return NULL;
}

static void add_visual(GPtrArray *tasks, const lw_model *m)
{
    if (m && !lw_model_get_vision_spec(m)) {
        lw_cli_note("left out: the visual tasks, since %s", lw_model_get_info(m)->vision_missing);
        return;
    }
    for (const LwEvalTask *const *t = lw_eval_tasks(); *t; t++)
        if ((*t)->visual)
            add_task(tasks, *t);
}

static gboolean read_modes(lw_cli_eval_plan *e, lw_cli_eval_mode *modes, GError **error)
{
    g_auto(GStrv) words = g_strsplit(o.attention ? o.attention : "auto", ",", -1);

    for (char **w = words; *w; w++) {
        guint same = 1;
        if (!**w)
            return usage(error, "--attn %s: an empty name", o.attention);
        if (e->n_modes >= MAX_MODES)
            return usage(error, "--attn: more than %d modes", MAX_MODES);
        for (guint i = 0; i < e->n_modes; i++)
            same += !g_strcmp0(modes[i].mode, strcmp(*w, "auto") ? *w : NULL);
        modes[e->n_modes++] = (lw_cli_eval_mode){
            .label = same > 1 ? g_strdup_printf("%s#%u", *w, same) : g_strdup(*w),
            .mode = strcmp(*w, "auto") ? g_strdup(*w) : NULL,
        };
    }
    e->modes = modes;
    return TRUE;
}

static gboolean read_numbers(lw_cli_eval_plan *e, GError **error)
{
    const struct {
        const char *name;
        gint64 value, least, most;
    } numbers[] = {
        {"--turns", o.turns, 1, LW_EVAL_TURNS_MAX},
        {"--sessions", o.sessions, 0, MAX_SESSIONS},
        {"--threads", o.n_threads, 0, 256},
        {"--jobs", o.jobs, 1, MAX_JOBS},
        {"--seed", o.seed, 0, G_MAXINT64},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].value < numbers[i].least || numbers[i].value > numbers[i].most)
            return usage(error, "%s %" G_GINT64_FORMAT ": not from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                         numbers[i].name, numbers[i].value, numbers[i].least, numbers[i].most);
    e->options = (LwEvalOptions){.turns = o.turns, .hard = o.hard, .variant = o.variant};
    e->n_jobs = o.jobs;
    e->session.n_threads = o.n_threads ? o.n_threads : MAX(lw_cpu_count() / o.jobs, 1);
    return lw_kv_type_parse(o.kv, &e->session.kv_type, error);
}

static gboolean read_choices(lw_cli_eval_plan *e, GError **error)
{
    if (o.strict && o.compat)
        return usage(error, "--strict and --compat: one or the other");
    if (o.lengths && o.units)
        return usage(error, "--lengths and --units: one or the other");
    if (o.resume && !o.out)
        return usage(error, "--resume goes with --out FOLDER");
    if (o.mode && strcmp(o.mode, "turns") && strcmp(o.mode, "requests"))
        return usage(error, "--mode %s: neither turns nor requests", o.mode);
    if (o.oracle && strcmp(o.oracle, "perfect") && strcmp(o.oracle, "empty"))
        return usage(error, "--oracle %s: neither perfect nor empty", o.oracle);
    e->how = !g_strcmp0(o.mode, "requests") ? LW_EVAL_MODE_REQUESTS : LW_EVAL_MODE_TURNS;
    e->own_answers = o.own;
    if (o.own && e->how == LW_EVAL_MODE_REQUESTS)
        return usage(error, "--own-answers goes with --mode turns: requests have no answers before them");
    e->who = !o.oracle                      ? LW_EVAL_WHO_MODEL
             : !strcmp(o.oracle, "perfect") ? LW_EVAL_WHO_PERFECT
                                            : LW_EVAL_WHO_EMPTY;
    e->by_units = o.units != NULL;
    return TRUE;
}

/* ---- The list of samples ---- */

/* Questions of a sample that an earlier run made. */
static int turns_of(const GPtrArray *manifests, const LwEvalTask *task, int size, int session)
{
    for (guint i = 0; i < manifests->len; i++) {
        const LwEvalManifest *m = manifests->pdata[i];
        if (m->session == session && m->size == size && !strcmp(m->task, task->name))
            return m->turns;
    }
    return o.turns;
}

static gboolean is_done(const GPtrArray *results, const LwEvalTask *task, int size, int session,
                        const char *attention, int turns)
{
    int n = 0;
    for (guint i = 0; i < results->len; i++) {
        const LwEvalResult *r = results->pdata[i];
        n += r->session == session && r->size == size && !strcmp(r->task, task->name) &&
             !strcmp(r->attention, attention);
    }
    return n >= turns;
}

static void clear_unit(gpointer p)
{
    g_free(((lw_cli_eval_unit *)p)->done);
}

/* By size first: short samples soon show whether anything is wrong. */
static void list_units(lw_cli_eval_plan *e, const GPtrArray *tasks, const GArray *sizes)
{
    for (guint s = 0; s < sizes->len; s++) {
        int size = g_array_index(sizes, int, s);
        int n = o.sessions ? o.sessions : size >= LONG_TOKENS && !e->by_units ? 5 : 20;
        for (guint t = 0; t < tasks->len; t++) {
            const LwEvalTask *task = tasks->pdata[t];
            for (int i = 0; i < n; i++) {
                lw_cli_eval_unit unit = {
                    .task = task,
                    .size = size,
                    .session = i,
                    .seed = lw_eval_seed((guint64)o.seed, task->name, (guint64)size, (guint64)i),
                    .done = g_new0(gboolean, e->n_modes),
                };
                int turns = turns_of(e->manifests, task, size, i);
                for (guint m = 0; m < e->n_modes; m++)
                    unit.done[m] = is_done(e->results, task, size, i, e->modes[m].label, turns);
                g_array_append_val(e->units, unit);
            }
        }
    }
}

/* The sessions of a published file, all of which are read once for it; its task goes into `tasks`. */
static gboolean list_file(lw_cli_eval_plan *e, const char *path, int size, GPtrArray *tasks, GError **error)
{
    g_autoptr(LwEvalPublished) file = lw_eval_published_open(path, error);
    LwEvalTask *task = NULL;

    for (int row = 0; file && (!o.sessions || row < o.sessions); row++) {
        g_autoptr(GError) local = NULL;
        g_autoptr(LwEvalSample) sample = lw_eval_published_next(file, &local);
        if (!sample && !local)
            break;
        if (g_error_matches(local, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT)) {
            lw_cli_note("left out: %s", local->message);
            continue;
        }
        if (local) {
            g_propagate_error(error, g_steal_pointer(&local));
            return FALSE;
        }
        if (!task) {
            task = g_new0(LwEvalTask, 1);
            task->name = g_strdup(sample->task);
            g_ptr_array_add(tasks, task);
        }
        lw_cli_eval_unit unit = {.task = task, .size = size, .session = row, .seed = sample->seed, .file = path,
                                 .done = g_new0(gboolean, e->n_modes)};
        int turns = turns_of(e->manifests, task, size, row);
        for (guint m = 0; m < e->n_modes; m++)
            unit.done[m] = is_done(e->results, task, size, row, e->modes[m].label, MIN(turns, (int)sample->turns->len));
        g_array_append_val(e->units, unit);
    }
    if (file && !task) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_INPUT, "%s: no session in it can be read", path);
        return FALSE;
    }
    return file != NULL;
}

static void free_file_task(gpointer p)
{
    LwEvalTask *task = p;
    g_free((char *)task->name);
    g_free(task);
}

/* Samples of an earlier run of the same folder are described twice when they were asked twice. */
static int by_sample(gconstpointer a, gconstpointer b)
{
    const LwEvalManifest *x = *(LwEvalManifest *const *)a, *y = *(LwEvalManifest *const *)b;
    int by = strcmp(x->task, y->task);

    if (by == 0)
        by = (x->size > y->size) - (x->size < y->size);
    return by ? by : (x->session > y->session) - (x->session < y->session);
}

static void tidy_manifests(GPtrArray *manifests)
{
    g_ptr_array_sort(manifests, by_sample);
    for (guint i = 0; i + 1 < manifests->len;)
        if (by_sample(&manifests->pdata[i], &manifests->pdata[i + 1]) == 0)
            g_ptr_array_remove_index(manifests, i);
        else
            i++;
}

/* ---- The run ---- */

static char *model_name(const lw_model *m)
{
    const lw_model_info *info = lw_model_get_info(m);
    return g_strdup_printf("%s, %s, %" G_GINT64_FORMAT " bytes", info->name, info->types, info->file_bytes);
}

static gboolean open_record(lw_cli_eval_plan *e, const lw_cli_eval_heading *h, GError **error)
{
    g_autofree char *seed = g_strdup_printf("%" G_GINT64_FORMAT, o.seed), *turns = g_strdup_printf("%d", o.turns);
    const char *settings[] = {"model", h->model ? h->model : h->who,
                              "kv", h->kv,
                              "mode", h->how,
                              "own answers", o.own ? "yes" : "no",
                              "sizes in", e->by_units ? "units" : "tokens",
                              "seed", seed,
                              "turns", turns,
                              "hard", o.hard ? "yes" : "no",
                              "variant", o.variant ? o.variant : "",
                              "generator", LW_VERSION, NULL};

    e->record = lw_eval_record_open(o.out, settings, o.resume, error);
    if (!e->record)
        return FALSE;
    g_ptr_array_unref(e->results);
    g_ptr_array_unref(e->manifests);
    e->results = lw_eval_record_take_results(e->record);
    e->manifests = lw_eval_record_take_manifests(e->record);
    return TRUE;
}

static gboolean print(const lw_cli_eval_heading *h, const lw_cli_eval_plan *e, GError **error)
{
    if (!(o.json ? lw_cli_eval_print_json(h, e->results, e->manifests, error)
                 : lw_cli_eval_print_text(h, e->results, error)))
        return FALSE;
    return !o.svg || lw_cli_eval_write_svg(h, e->results, o.svg, error);
}

/* Run, and print what there is, also after Ctrl-C or an error. */
static gboolean run_and_print(lw_cli_eval_plan *e, lw_cli_eval_heading *h, GError **error)
{
    g_autoptr(GError) stopped = NULL, unprinted = NULL;

    h->complete = lw_cli_eval_run(e, &stopped) && !e->n_skipped;
    lw_eval_results_tidy(e->results);
    tidy_manifests(e->manifests);
    if (e->n_skipped > 1)
        lw_cli_note("%u of %u samples were left out", e->n_skipped, e->units->len);
    if (e->results->len && !print(h, e, stopped ? &unprinted : error))
        return FALSE;
    if (stopped) {
        g_autofree char *more = o.out ? g_strdup_printf("; --out %s --resume goes on", o.out) : g_strdup("");
        g_propagate_error(error, g_steal_pointer(&stopped));
        if (g_error_matches(error ? *error : NULL, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED))
            g_prefix_error(error, "%u of %u samples asked%s: ", e->n_done, e->units->len, more);
        return FALSE;
    }
    if (!e->results->len) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE, "nothing could be asked: every sample was left out");
        return FALSE;
    }
    return TRUE;
}

/* The device's name is only known to a session. */
static char *describe_device(lw_cli_eval_plan *e, GError **error)
{
    lw_session_params params = e->session;
    params.n_ctx = 64;
    for (guint i = 0; i < e->n_modes; i++) {
        params.attention = e->modes[i].mode;
        lw_session *s = lw_session_new(e->model, &params, error);
        if (!s)
            return NULL;
        if (i + 1 == e->n_modes) {
            g_autofree char *device = g_strdup(lw_session_get_device(s));
            lw_session_free(s);
            return e->n_jobs > 1 ? g_strdup_printf("%d times %s", e->n_jobs, device) : g_steal_pointer(&device);
        }
        lw_session_free(s);
    }
    g_return_val_if_reached(NULL);
}

static const char *const *labels_of(const lw_cli_eval_plan *e)
{
    const char **labels = g_new0(const char *, e->n_modes + 1);
    for (guint i = 0; i < e->n_modes; i++)
        labels[i] = e->modes[i].label;
    return labels;
}

static const char *const *names_of(const GPtrArray *tasks)
{
    const char **names = g_new0(const char *, tasks->len + 1);
    for (guint i = 0; i < tasks->len; i++)
        names[i] = ((const LwEvalTask *)tasks->pdata[i])->name;
    return names;
}

static gboolean evaluate(lw_cli_eval_plan *e, GPtrArray *tasks, const GArray *sizes, GError **error)
{
    g_autofree char *model = e->model ? model_name(e->model) : NULL;
    g_autofree char *device = e->who == LW_EVAL_WHO_MODEL ? describe_device(e, error) : NULL;
    if ((e->who == LW_EVAL_WHO_MODEL && !device) || (e->model && !lw_tokenizer_prepare(lw_model_get_tokenizer(e->model), error)))
        return FALSE;
    g_autofree const char *const *names = names_of(tasks), *const *labels = labels_of(e);
    lw_cli_eval_heading h = {
        .model = model,
        .device = device,
        .kv = lw_kv_type_name(e->session.kv_type),
        .how = e->how == LW_EVAL_MODE_TURNS ? "turns" : "requests",
        .who = o.oracle ? o.oracle : "model",
        .seed = (guint64)o.seed,
        .strict = !o.compat,
        .by_units = e->by_units,
        .hard = o.hard,
        .own_answers = o.own,
        .turns = o.turns,
        .variant = o.variant,
        .tasks = names,
        .attentions = labels,
    };
    if (o.out && !open_record(e, &h, error))
        return FALSE;
    e->units = g_array_new(FALSE, FALSE, sizeof(lw_cli_eval_unit));
    g_array_set_clear_func(e->units, clear_unit);
    g_autoptr(GPtrArray) file_tasks = g_ptr_array_new_with_free_func(free_file_task);
    g_autofree const char *const *file_names = NULL;
    for (char **path = o.data; path && *path; path++)
        if (!list_file(e, *path, g_array_index(sizes, int, 0), file_tasks, error))
            return FALSE;
    if (o.data)
        h.tasks = file_names = names_of(file_tasks);
    else
        list_units(e, tasks, sizes);
    if (e->model && !e->by_units) {
        guint32 trained = lw_model_get_info(e->model)->n_ctx_train;
        for (guint i = 0; i < sizes->len; i++) {
            if ((guint32)g_array_index(sizes, int, i) > trained) {
                lw_cli_note("the model was trained for %u tokens; longer sessions show how far it holds", trained);
                break;
            }
        }
    }
    return run_and_print(e, &h, error);
}

static gboolean print_list(GError **error)
{
    g_autoptr(GString) s = g_string_new(NULL);

    for (int visual = 0; visual <= 1; visual++) {
        g_string_append(s, visual ? "visual\n" : "text\n");
        for (const LwEvalTask *const *t = lw_eval_tasks(); *t; t++)
            if ((*t)->visual == visual)
                g_string_append_printf(s, "  %-14s %s\n", (*t)->name, (*t)->title);
    }
    return lw_cli_write(s->str, s->len, error);
}

gboolean lw_cli_eval(int argc, char **argv, GError **error)
{
    lw_cli_eval_mode modes[MAX_MODES] = {{0}};
    lw_cli_eval_plan e = {0};

    lw_cli_catch_interrupt();
    if (!lw_cli_parse(&argc, &argv, "SUITE...", "What a model finds in long contexts, on samples made from a seed.",
                      "SUITE is a task, text, visual or all.  Progress goes to standard error; Ctrl-C keeps and prints\n"
                      "what is done.  lw eval mass [TASK...]: what share of every head's attention lies on its\n"
                      "likeliest keys.",
                      entries, NULL, error))
        return FALSE;
    if (o.list)
        return lw_cli_check_n_args(argc, argv, 0, error) && print_list(error);

    gboolean all = FALSE, mass = argc > 1 && !strcmp(argv[1], "mass");
    g_autoptr(GPtrArray) tasks = mass     ? read_mass_tasks(argc, argv, error)
                                 : o.data ? check_data(argc, argv, error)
                                          : read_suites(argc, argv, &all, error);
    g_autoptr(GArray) sizes = NULL;
    if (tasks)
        sizes = o.units ? parse_sizes(o.units, "--units", error)
                        : parse_sizes(o.lengths ? o.lengths : o.data ? "128k" : "1k,4k", "--lengths", error);
    if (sizes && o.data && sizes->len > 1) {
        usage(error, "--data goes with one length, the most that a session takes");
        g_clear_pointer(&sizes, g_array_unref);
    }
    gboolean ok = sizes && read_choices(&e, error) && read_numbers(&e, error) && read_modes(&e, modes, error);
    if (ok && (e.who == LW_EVAL_WHO_MODEL || o.model)) {
        e.model = lw_cli_open_model(o.model, o.mmproj, error);
        ok = e.model != NULL;
    }
    if (ok) {
        if (all)
            add_visual(tasks, e.model);
    }
    if (ok && mass) {
        ok = lw_cli_eval_mass(&e, tasks, sizes, o.sessions ? o.sessions : 2, (guint64)o.seed, o.json, error);
    } else if (ok) {
        e.results = g_ptr_array_new_with_free_func((GDestroyNotify)lw_eval_result_free);
        e.manifests = g_ptr_array_new_with_free_func((GDestroyNotify)lw_eval_manifest_free);
        ok = evaluate(&e, tasks, sizes, error);
    }
    g_clear_pointer(&e.results, g_ptr_array_unref);
    g_clear_pointer(&e.manifests, g_ptr_array_unref);
    g_clear_pointer(&e.units, g_array_unref);
    lw_eval_record_free(e.record);
    if (e.model)
        lw_model_unref(e.model);
    for (guint i = 0; i < e.n_modes; i++) {
        g_free(modes[i].label);
        g_free(modes[i].mode);
    }
    return ok;
}
