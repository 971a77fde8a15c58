/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/sampling.h"

#include <math.h>
#include <string.h>

#include "app/cli/json.h"

/* The command line.  NAN and -1: not given. */
static struct {
    double temperature, top_p, min_p, typical, top_n_sigma, xtc, xtc_threshold;
    double repeat, presence, frequency, dry, dry_base;
    int top_k, penalty_last_n, dry_allowed, top_logprobs;
    gint64 seed;
    char **stop, **bias;
    char *grammar, *schema;
} o = {
    NAN, NAN, NAN, NAN, NAN, NAN, NAN,  NAN,  NAN,  NAN,  NAN,
    NAN, -1,  -1,  -1,  -1,  -1,  NULL, NULL, NULL, NULL,
};

const GOptionEntry lw_cli_sampling_entries[] = {
    {"temp", 0, 0, G_OPTION_ARG_DOUBLE, &o.temperature,
     "Temperature, 0: always the likeliest token (default: the model's)", "X"},
    {"top-k", 0, 0, G_OPTION_ARG_INT, &o.top_k, "Only the K likeliest tokens, 0: all", "K"},
    {"top-p", 0, 0, G_OPTION_ARG_DOUBLE, &o.top_p, "Only the likeliest tokens up to this sum", "P"},
    {"min-p", 0, 0, G_OPTION_ARG_DOUBLE, &o.min_p,
     "Only tokens at least this likely beside the likeliest", "P"},
    {"typical", 0, 0, G_OPTION_ARG_DOUBLE, &o.typical,
     "Only the most typical tokens up to this sum, 1: all", "P"},
    {"top-n-sigma", 0, 0, G_OPTION_ARG_DOUBLE, &o.top_n_sigma,
     "Only logits within N standard deviations of the best, 0: all", "N"},
    {"xtc", 0, 0, G_OPTION_ARG_DOUBLE, &o.xtc, "Chance of dropping the obvious tokens, 0: never",
     "P"},
    {"xtc-threshold", 0, 0, G_OPTION_ARG_DOUBLE, &o.xtc_threshold,
     "What --xtc counts as obvious (default: 0.1)", "P"},
    {"repeat-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &o.repeat,
     "Divide the logits of recent tokens, 1: off", "X"},
    {"presence-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &o.presence, "Subtract from recent tokens",
     "X"},
    {"frequency-penalty", 0, 0, G_OPTION_ARG_DOUBLE, &o.frequency,
     "Subtract from recent tokens, for each occurrence", "X"},
    {"penalty-last-n", 0, 0, G_OPTION_ARG_INT, &o.penalty_last_n,
     "How many tokens are recent (default: 64)", "N"},
    {"dry", 0, 0, G_OPTION_ARG_DOUBLE, &o.dry,
     "Penalty for going on with a repeated sequence, 0: off", "X"},
    {"dry-base", 0, 0, G_OPTION_ARG_DOUBLE, &o.dry_base,
     "Its growth with every token (default: 1.75)", "X"},
    {"dry-allowed", 0, 0, G_OPTION_ARG_INT, &o.dry_allowed,
     "Tokens that may repeat freely (default: 2)", "N"},
    {"logit-bias", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.bias,
     "Add X (or \"never\") to the logit of token ID; may be repeated", "ID=X"},
    {"seed", 0, 0, G_OPTION_ARG_INT64, &o.seed, "Seed of the draw (default: a random one)", "N"},
    {"stop", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.stop,
     "End the answer before this text; may be repeated", "TEXT"},
    {"grammar", 0, 0, G_OPTION_ARG_FILENAME, &o.grammar, "The answer follows this GBNF grammar",
     "FILE"},
    {"json-schema", 0, 0, G_OPTION_ARG_FILENAME, &o.schema, "The answer is JSON of this schema",
     "FILE"},
    {"logprobs", 0, 0, G_OPTION_ARG_INT, &o.top_logprobs,
     "Print every token's log-probability and those of the N likeliest on standard error, as lines "
     "of JSON",
     "N"},
    {NULL},
};

static gboolean usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean usage(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE, "%s (see lw run --help)", text);
    return FALSE;
}

static gboolean read_biases(lw_sampler_params *p, GError **error)
{
    static GArray *list;

    list = g_array_new(FALSE, FALSE, sizeof(lw_logit_bias));
    for (char **b = o.bias; b && *b; b++) {
        lw_logit_bias one = {0, -INFINITY};
        char *end;
        gint64 id = g_ascii_strtoll(*b, &end, 10);
        if (end == *b || *end != '=' || id < 0 || id > G_MAXINT32)
            return usage(error, "--logit-bias %s: it has the form ID=X", *b);
        one.token = (gint32)id;
        if (strcmp(end + 1, "never") != 0) {
            const char *number = end + 1;
            one.bias = (float)g_ascii_strtod(number, &end);
            if (end == number || *end || !isfinite(one.bias))
                return usage(error, "--logit-bias %s: \"%s\" is neither a number nor \"never\"", *b,
                             number);
        }
        g_array_append_val(list, one);
    }
    p->bias = (const lw_logit_bias *)list->data;
    p->n_bias = list->len;
    return TRUE;
}

static gboolean read_grammar(lw_generate_params *params, GError **error)
{
    const char *path = o.grammar ? o.grammar : o.schema;
    gsize n;

    if (!path)
        return TRUE;
    if (o.grammar && o.schema)
        return usage(error, "--grammar and --json-schema exclude each other");
    g_autofree char *text = lw_cli_read_text(path, LW_GRAMMAR_MAX_TEXT, &n, error);
    if (!text)
        return FALSE;
    params->grammar = o.grammar ? lw_grammar_new(text, (gssize)n, error)
                                : lw_grammar_new_json_schema(text, (gssize)n, error);
    if (!params->grammar)
        g_prefix_error(error, "%s: ", path);
    return params->grammar != NULL;
}

/* One token, one line. */
static void print_token(void *user, const lw_generated_token *t)
{
    g_autoptr(JsonBuilder) b = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autofree char *raw = g_strndup(t->bytes, t->n), *text = g_utf8_make_valid(raw, -1);

    json_builder_begin_object(b);
    lw_cli_json_int(b, "token", t->token);
    lw_cli_json_str(b, "text", text);
    lw_cli_json_num(b, "logprob", (double)t->logprob);
    json_builder_set_member_name(b, "top");
    json_builder_begin_array(b);
    for (gsize i = 0; i < t->n_top; i++) {
        json_builder_begin_object(b);
        lw_cli_json_int(b, "token", t->top[i].token);
        lw_cli_json_num(b, "logprob", (double)t->top[i].logprob);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
    json_builder_end_object(b);
    g_autoptr(JsonNode) root = json_builder_get_root(b);
    json_generator_set_root(generator, root);
    g_autofree char *line = json_generator_to_data(generator, NULL);
    lw_cli_note("%s", line);
}

gboolean lw_cli_sampling_read(const lw_model *m, const lw_mem_options *stored, lw_generate_params *params,
                              GError **error)
{
    gboolean own = !stored || stored->own;
    lw_sampler_params p = lw_model_get_sampling(m);
    const struct {
        double given;
        float *value;
    } floats[] = {
        {o.temperature, &p.temperature},
        {o.top_p, &p.top_p},
        {o.min_p, &p.min_p},
        {o.typical, &p.typical_p},
        {o.top_n_sigma, &p.top_n_sigma},
        {o.xtc, &p.xtc_probability},
        {o.xtc_threshold, &p.xtc_threshold},
        {o.repeat, &p.repeat_penalty},
        {o.presence, &p.presence_penalty},
        {o.frequency, &p.frequency_penalty},
        {o.dry, &p.dry_multiplier},
        {o.dry_base, &p.dry_base},
    };
    const struct {
        int given;
        gint32 *value;
    } ints[] = {
        {o.top_k, &p.top_k},
        {o.penalty_last_n, &p.penalty_last_n},
        {o.dry_allowed, &p.dry_allowed},
    };

    if (!own) {
        p.temperature = (float)stored->temperature;
        p.top_k = stored->top_k;
        p.top_p = (float)stored->top_p;
        p.min_p = (float)stored->min_p;
        p.repeat_penalty = (float)stored->repeat_penalty;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(floats); i++) {
        if (!isnan(floats[i].given))
            *floats[i].value = (float)floats[i].given;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(ints); i++) {
        if (ints[i].given >= 0)
            *ints[i].value = ints[i].given;
    }
    p.seed = o.seed >= 0                     ? (guint64)o.seed
             : !own && stored->seed >= 0 ? (guint64)stored->seed
                                             : g_random_int();
    if (!read_biases(&p, error) || !read_grammar(params, error))
        return FALSE;
    if (o.top_logprobs > LW_MAX_TOP_LOGPROBS)
        return usage(error, "--logprobs %d: at most %d", o.top_logprobs, LW_MAX_TOP_LOGPROBS);
    if (o.top_logprobs >= 0) {
        params->on_token = print_token;
        params->n_top = (guint)o.top_logprobs;
    }
    params->stop = (const char *const *)o.stop;
    params->sampling = p;
    return TRUE;
}
