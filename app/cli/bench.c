/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Prompt and generation speed at context depths, in the manner of llama-bench: random tokens, one
 * untimed run first, then repetitions.  The depth is read once; every repetition starts again from it,
 * since a prompt that differs only after the depth lets the session keep what stands before.
 */
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/json.h"

#define MAX_TOKENS 4194304u
#define WARM_UP_TOKENS 64u

static struct {
    char *model, *prompts, *generations, *depths, *attention, *kv;
    int n_threads, repetitions;
    lw_kv_type kv_type;
    gboolean json;
} o = {.repetitions = 3};

static const GOptionEntry entries[] = {
    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model,
     "Model file, or the name of an installed one (default: the one that comes with Longwave)",
     "MODEL"},
    {"prompt", 'p', 0, G_OPTION_ARG_STRING, &o.prompts,
     "Prompt lengths in tokens (default: 512; 0: none)", "N,.."},
    {"generate", 'n', 0, G_OPTION_ARG_STRING, &o.generations,
     "Generated tokens (default: 128; 0: none)", "N,.."},
    {"depth", 'd', 0, G_OPTION_ARG_STRING, &o.depths,
     "Tokens in the context before it starts (default: 0)", "N,.."},
    {"threads", 't', 0, G_OPTION_ARG_INT, &o.n_threads, "Threads (default: one per CPU)", "N"},
    {"repetitions", 'r', 0, G_OPTION_ARG_INT, &o.repetitions, "Repetitions (default: 3)", "N"},
    {"kv", 0, 0, G_OPTION_ARG_STRING, &o.kv, "Type of the cache: f16 (default), q8_0 or f32", "TYPE"},
    {"attn", 0, 0, G_OPTION_ARG_STRING, &o.attention, LW_CLI_ATTN, "MODE"},
    {"json", 0, 0, G_OPTION_ARG_NONE, &o.json, "Print JSON", NULL},
    {NULL},
};

typedef struct {
    guint32 n_prompt, n_gen, depth;
    double *rates; /* tokens/s, one per repetition, in the order measured */
    double median, min, max;
} measurement;

typedef struct {
    lw_model *model;
    lw_session *session;
    GArray *usable;  /* ids that a prompt may hold */
    gint32 *ids;     /* the longest prompt: depth first */
    gsize n_ids;
    GRand *random;
    GArray *results; /* of measurement */
} bench;

static void clear_measurement(gpointer p)
{
    g_free(((measurement *)p)->rates);
}

/* ---- Tokens ---- */

/* Control tokens are left out: places of pictures among them mean something to the engine. */
static GArray *usable_ids(const lw_tokenizer *t)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    for (gint32 id = 0; id < lw_tokenizer_n_tokens(t); id++)
        if (!lw_tokenizer_is_control(t, id))
            g_array_append_val(ids, id);
    return ids;
}

static gint32 random_id(bench *b)
{
    return g_array_index(b->usable, gint32, g_rand_int_range(b->random, 0, (gint32)b->usable->len));
}

/* Hold depth + n tokens; everything after the depth is new, so that it has to be computed. */
static gboolean sync_to(bench *b, gsize depth, gsize n, GError **error)
{
    gint32 before = b->ids[depth];
    for (gsize i = depth; i < depth + n; i++)
        b->ids[i] = random_id(b);
    while (n > 0 && b->ids[depth] == before)
        b->ids[depth] = random_id(b);

    lw_prompt *p = lw_prompt_new_tokens(b->model, b->ids, depth + n, error);
    if (!p)
        return FALSE;
    gboolean ok = lw_session_sync(b->session, p, lw_cli_on_progress, NULL, &lw_cli_cancel, error);
    lw_prompt_free(p);
    lw_cli_status_clear();
    return ok;
}

/* ---- Runs ---- */

/* Tokens per second of one prompt or one generation; < 0: error. */
static double run_once(bench *b, const measurement *m, GError **error)
{
    gint64 start;
    gsize n = m->n_prompt ? m->n_prompt : m->n_gen;

    if (m->n_prompt) {
        start = g_get_monotonic_time();
        if (!sync_to(b, m->depth, m->n_prompt, error))
            return -1;
        if (lw_session_get_n_reused(b->session) != m->depth) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                        "the session kept %zu tokens instead of %u: the figure would be wrong",
                        lw_session_get_n_reused(b->session), m->depth);
            return -1;
        }
    } else {
        /* Back to the depth (at least one token has to stand before), untimed. */
        if (!sync_to(b, m->depth, m->depth ? 0 : 1, error))
            return -1;
        start = g_get_monotonic_time();
        for (guint32 i = 0; i < m->n_gen; i++)
            if (!lw_session_decode(b->session, random_id(b), NULL, &lw_cli_cancel, error))
                return -1;
    }
    gint64 took = MAX(g_get_monotonic_time() - start, 1);
    return (double)n * G_USEC_PER_SEC / (double)took;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void summarise(measurement *m)
{
    gsize n = (gsize)o.repetitions;
    g_autofree double *sorted = g_memdup2(m->rates, n * sizeof(double));
    qsort(sorted, n, sizeof(double), by_value);
    m->median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    m->min = sorted[0];
    m->max = sorted[n - 1];
}

static gboolean measure(bench *b, guint32 n_prompt, guint32 n_gen, guint32 depth, GError **error)
{
    measurement m = {.n_prompt = n_prompt, .n_gen = n_gen, .depth = depth};
    m.rates = g_new0(double, o.repetitions);
    for (int r = 0; r < o.repetitions; r++) {
        lw_cli_status("%s %u at depth %u: repetition %d of %d", n_prompt ? "prompt" : "generation",
                      n_prompt ? n_prompt : n_gen, depth, r + 1, o.repetitions);
        m.rates[r] = run_once(b, &m, error);
        if (m.rates[r] < 0) {
            g_free(m.rates);
            return FALSE;
        }
    }
    lw_cli_status_clear();
    summarise(&m);
    g_array_append_val(b->results, m);
    return TRUE;
}

typedef struct {
    guint32 *prompts, *generations, *depths;
    gsize n_prompts, n_generations, n_depths;
} plan;

static guint32 largest(const guint32 *list, gsize n)
{
    guint32 max = 0;
    for (gsize i = 0; i < n; i++)
        max = MAX(max, list[i]);
    return max;
}

static gboolean run_plan(bench *b, const plan *p, GError **error)
{
    guint32 warm = MIN(WARM_UP_TOKENS, (guint32)b->n_ids - 3);
    if (!sync_to(b, 0, warm, error) ||
        !lw_session_decode(b->session, random_id(b), NULL, &lw_cli_cancel, error))
        return FALSE;

    guint32 held = 0; /* tokens of the depth so far; a deeper one only adds to them */
    for (gsize d = 0; d < p->n_depths; d++) {
        guint32 depth = p->depths[d];
        if (depth > held) {
            lw_cli_status("depth %u", depth);
            if (!sync_to(b, held, depth - held, error))
                return FALSE;
        }
        held = depth;
        for (gsize i = 0; i < p->n_prompts; i++)
            if (p->prompts[i] && !measure(b, p->prompts[i], 0, depth, error))
                return FALSE;
        for (gsize i = 0; i < p->n_generations; i++)
            if (p->generations[i] && !measure(b, 0, p->generations[i], depth, error))
                return FALSE;
    }
    return TRUE;
}

/* ---- Printing ---- */

static gboolean print_text(const bench *b, GError **error)
{
    const lw_model_info *info = lw_model_get_info(b->model);
    g_autofree char *bytes = lw_cli_format_bytes(info->weight_bytes);
    g_autofree char *kv = lw_cli_format_bytes((gint64)lw_session_get_kv_bytes(b->session));
    g_autofree char *name = lw_cli_clean(info->name);
    g_autoptr(GString) s = g_string_new(NULL);

    g_string_append_printf(s, "model   %s, %s, %s of weights, %.1f million parameters\n", name,
                           info->types, bytes, (double)info->n_params / 1e6);
    g_string_append_printf(s, "device  %s; cache %s %s\n\n", lw_session_get_device(b->session),
                           o.kv ? o.kv : "f16", kv);
    g_string_append(s, "test      depth      tokens/s       lowest      highest\n");
    for (guint i = 0; i < b->results->len; i++) {
        const measurement *m = &g_array_index(b->results, measurement, i);
        g_autofree char *test = m->n_prompt ? g_strdup_printf("pp%u", m->n_prompt)
                                            : g_strdup_printf("tg%u", m->n_gen);
        g_string_append_printf(s, "%-8s %6u  %12.2f %12.2f %12.2f\n", test, m->depth, m->median,
                               m->min, m->max);
    }
    g_string_append_printf(s, "\nmedian of %d\n", o.repetitions);
    return lw_cli_write(s->str, s->len, error);
}

static gboolean print_json(const bench *b, GError **error)
{
    const lw_model_info *info = lw_model_get_info(b->model);
    JsonBuilder *j = json_builder_new();

    json_builder_begin_object(j);
    lw_cli_json_str(j, "program", "lw " LW_VERSION);
    lw_cli_json_str(j, "device", lw_session_get_device(b->session));
    lw_cli_json_str(j, "model", info->name);
    lw_cli_json_str(j, "path", info->path);
    lw_cli_json_str(j, "types", info->types);
    lw_cli_json_int(j, "parameters", info->n_params);
    lw_cli_json_int(j, "weight_bytes", info->weight_bytes);
    lw_cli_json_int(j, "kv_bytes", (gint64)lw_session_get_kv_bytes(b->session));
    lw_cli_json_str(j, "kv", o.kv ? o.kv : "f16");
    lw_cli_json_str(j, "attention", o.attention ? o.attention : "auto");
    lw_cli_json_int(j, "repetitions", o.repetitions);
    json_builder_set_member_name(j, "results");
    json_builder_begin_array(j);
    for (guint i = 0; i < b->results->len; i++) {
        const measurement *m = &g_array_index(b->results, measurement, i);
        json_builder_begin_object(j);
        lw_cli_json_int(j, "n_prompt", m->n_prompt);
        lw_cli_json_int(j, "n_gen", m->n_gen);
        lw_cli_json_int(j, "depth", m->depth);
        lw_cli_json_num(j, "median_tokens_per_second", m->median);
        lw_cli_json_num(j, "min_tokens_per_second", m->min);
        lw_cli_json_num(j, "max_tokens_per_second", m->max);
        json_builder_set_member_name(j, "tokens_per_second");
        json_builder_begin_array(j);
        for (int r = 0; r < o.repetitions; r++)
            json_builder_add_double_value(j, m->rates[r]);
        json_builder_end_array(j);
        json_builder_end_object(j);
    }
    json_builder_end_array(j);
    json_builder_end_object(j);
    return lw_cli_json_print(j, error);
}

static gboolean run_bench(bench *b, const plan *p, GError **error)
{
    guint32 longest = largest(p->depths, p->n_depths) +
                      MAX(largest(p->prompts, p->n_prompts), largest(p->generations, p->n_generations));
    b->n_ids = MAX(longest, WARM_UP_TOKENS) + 3;
    b->ids = g_new0(gint32, b->n_ids);
    b->usable = usable_ids(lw_model_get_tokenizer(b->model));
    if (b->usable->len < 2) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "a vocabulary of %u ordinary tokens is too small to measure with",
                    b->usable->len);
        return FALSE;
    }
    lw_session_params params = {
        .n_ctx = (guint32)b->n_ids,
        .n_threads = o.n_threads,
        .kv_type = o.kv_type,
        .attention = o.attention && strcmp(o.attention, "auto") ? o.attention : NULL,
    };
    b->session = lw_session_new(b->model, &params, error);
    if (!b->session || !run_plan(b, p, error))
        return FALSE;
    return o.json ? print_json(b, error) : print_text(b, error);
}

static gboolean make_plan(plan *p, GError **error)
{
    if (o.repetitions < 1 || o.repetitions > 1000) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE,
                    "--repetitions %d: not from 1 to 1000", o.repetitions);
        return FALSE;
    }
    if (o.n_threads < 0) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE, "--threads %d: negative", o.n_threads);
        return FALSE;
    }
    if (!lw_kv_type_parse(o.kv, &o.kv_type, error))
        return FALSE;
    p->prompts = lw_cli_parse_list(o.prompts ? o.prompts : "512", "--prompt", 0, MAX_TOKENS,
                                   &p->n_prompts, error);
    p->generations = p->prompts ? lw_cli_parse_list(o.generations ? o.generations : "128",
                                                    "--generate", 0, MAX_TOKENS, &p->n_generations,
                                                    error)
                                : NULL;
    p->depths = p->generations ? lw_cli_parse_list(o.depths ? o.depths : "0", "--depth", 0,
                                                   MAX_TOKENS, &p->n_depths, error)
                               : NULL;
    return p->depths != NULL;
}

gboolean lw_cli_bench(int argc, char **argv, GError **error)
{
    plan p = {0};
    bench b = {0};

    lw_cli_catch_interrupt();
    if (!lw_cli_parse(&argc, &argv, "", "Prompt and generation speed at context depths.",
                      "Every length is measured at every depth.", entries, NULL, error) ||
        !lw_cli_check_n_args(argc, argv, 0, error))
        return FALSE;

    gboolean ok = make_plan(&p, error);
    if (ok) {
        b.model = lw_cli_open_model(o.model, "", error); /* vision is not measured */
        b.random = g_rand_new_with_seed(1);
        b.results = g_array_new(FALSE, FALSE, sizeof(measurement));
        g_array_set_clear_func(b.results, clear_measurement);
        ok = b.model && run_bench(&b, &p, error);
        g_array_unref(b.results);
        g_rand_free(b.random);
        if (b.usable)
            g_array_unref(b.usable);
        if (b.session)
            lw_session_free(b.session);
        if (b.model)
            lw_model_unref(b.model);
        g_free(b.ids);
    }
    g_free(p.prompts);
    g_free(p.generations);
    g_free(p.depths);
    return ok;
}
