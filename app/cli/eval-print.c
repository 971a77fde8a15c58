/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/eval-print.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/json.h"
#include "app/eval/heatmap.h"
#include "app/eval/summary.h"

/* ---- Tables ---- */

static void add_percent(GString *s, double share)
{
    if (isnan(share))
        g_string_append_printf(s, " %6s", "-");
    else
        g_string_append_printf(s, " %6.1f", share * 100);
}

static void add_name(GString *s, const LwEvalCell *c)
{
    g_autofree char *size = lw_cli_format_count(c->size), *attention = lw_cli_clean(c->attention);

    g_string_append_printf(s, "%-14s %9s  %-16s", c->task, size, attention);
}

static void add_cell(GString *s, const LwEvalCell *c)
{
    g_autofree char *kv = c->kv_bytes ? lw_cli_format_bytes(c->kv_bytes) : g_strdup("-");

    add_name(s, c);
    g_string_append_printf(s, " %5u", c->n);
    add_percent(s, c->mean);
    if (isnan(c->interval.low))
        g_string_append_printf(s, " %17s ", "-");
    else
        g_string_append_printf(s, "   %5.1f to %5.1f %c", c->interval.low * 100, c->interval.high * 100,
                               c->bootstrap ? 'B' : 'W');
    if (isnan(c->tokens_per_second))
        g_string_append_printf(s, " %9s", "-");
    else
        g_string_append_printf(s, " %9.1f", c->tokens_per_second);
    g_string_append_printf(s, " %9s", kv);
    add_percent(s, c->reused);
    add_percent(s, c->reused_later);
    g_string_append_c(s, '\n');
}

static void add_turns(GString *s, const GArray *cells, gboolean times)
{
    for (guint i = 0; i < cells->len; i++) {
        const LwEvalCell *c = &g_array_index(cells, LwEvalCell, i);
        add_name(s, c);
        for (guint t = 0; t < c->n_turns; t++) {
            if (!times)
                add_percent(s, lw_eval_tally_mean(&c->by_turn[t]));
            else if (isnan(c->first_token[t]))
                g_string_append_printf(s, " %6s", "-");
            else
                g_string_append_printf(s, c->first_token[t] < 10 ? " %6.3f" : " %6.1f", c->first_token[t]);
        }
        g_string_append_c(s, '\n');
    }
}

/* Over the depths that something was asked at.  FALSE: none. */
static gboolean depth_range(const LwEvalCell *c, double *least, double *most)
{
    *least = INFINITY;
    *most = -INFINITY;
    for (int b = 0; b < LW_EVAL_DEPTH_BINS; b++)
        if (c->by_depth[b].n) {
            *least = MIN(*least, lw_eval_tally_mean(&c->by_depth[b]));
            *most = MAX(*most, lw_eval_tally_mean(&c->by_depth[b]));
        }
    return *least <= *most;
}

static void add_depths(GString *s, const GArray *cells)
{
    g_string_append(s, "\npercent right by depth of the answer in the context\n");
    g_string_append_printf(s, "%-42s", "");
    for (int b = 0; b < LW_EVAL_DEPTH_BINS; b++) {
        g_autofree char *bin =
            g_strdup_printf("%d-%d%%", b * 100 / LW_EVAL_DEPTH_BINS, (b + 1) * 100 / LW_EVAL_DEPTH_BINS);
        g_string_append_printf(s, " %7s", bin);
    }
    g_string_append(s, "   least  spread\n");
    for (guint i = 0; i < cells->len; i++) {
        const LwEvalCell *c = &g_array_index(cells, LwEvalCell, i);
        add_name(s, c);
        for (int b = 0; b < LW_EVAL_DEPTH_BINS; b++) {
            g_string_append_c(s, ' ');
            add_percent(s, lw_eval_tally_mean(&c->by_depth[b]));
        }
        double least, most;
        gboolean any = depth_range(c, &least, &most);
        g_string_append_c(s, ' ');
        add_percent(s, any ? least : NAN);
        g_string_append_c(s, ' ');
        add_percent(s, any ? most - least : NAN);
        g_string_append_c(s, '\n');
    }
}

static void add_pairs(GString *s, const GArray *pairs)
{
    if (!pairs->len)
        return;
    g_string_append(s, "\ndifferences on the same questions, in points (95 % interval by bootstrap over sessions; p by "
                       "McNemar's exact test)\n");
    for (guint i = 0; i < pairs->len; i++) {
        const LwEvalPair *p = &g_array_index(pairs, LwEvalPair, i);
        g_autofree char *size = lw_cli_format_count(p->size), *a = lw_cli_clean(p->a), *b = lw_cli_clean(p->b);

        g_string_append_printf(s, "%-14s %9s  %s - %s: %+.1f", p->task, size, b, a, p->difference * 100);
        if (!isnan(p->interval.low))
            g_string_append_printf(s, " (%+.1f to %+.1f)", p->interval.low * 100, p->interval.high * 100);
        g_string_append_printf(s, ", n %u, better %u, worse %u", p->n, p->better, p->worse);
        if (!p->graded)
            g_string_append_printf(s, ", p %s%.3f", p->p < 0.001 ? "< " : "", p->p < 0.001 ? 0.001 : p->p);
        g_string_append_c(s, '\n');
    }
}

static char *describe(const lw_cli_eval_heading *h)
{
    GString *s = g_string_new(NULL);

    g_string_append_printf(s, "%s, ", strcmp(h->how, "turns") ? "requests: each question alone after the context"
                                      : h->own_answers        ? "turns with the model's own answers"
                                                              : "turns with gold answers");
    g_string_append_printf(s, "%s scores, seed %" G_GUINT64_FORMAT "%s%s%s, greedy", h->strict ? "strict" : "compat",
                           h->seed, h->hard ? ", hard" : "", h->variant ? ", variant " : "", h->variant ? h->variant : "");
    return g_string_free(s, FALSE);
}

gboolean lw_cli_eval_print_text(const lw_cli_eval_heading *h, GPtrArray *results, GError **error)
{
    g_autoptr(GArray) cells = lw_eval_summarise(results, h->strict, h->tasks, h->attentions);
    g_autoptr(GArray) pairs = lw_eval_compare(results, h->strict, h->tasks, h->attentions);
    g_autoptr(GString) s = g_string_new(NULL);
    g_autofree char *asked = describe(h);

    if (h->device) {
        g_autofree char *name = lw_cli_clean(h->model);
        g_string_append_printf(s, "model   %s; %s; cache %s\n", name, h->device, h->kv);
    } else {
        g_string_append_printf(s, "model   none: the %s oracle%s%s\n", h->who, h->model ? "; lengths by " : "",
                               h->model ? h->model : "");
    }
    g_string_append_printf(s, "asked   %s\n\n", asked);
    g_string_append_printf(s, "%-14s %9s  %-16s %5s %6s %18s  %9s %9s %6s %6s\n", "task", h->by_units ? "units" : "tokens",
                           "attention", "n", "mean", "95 % interval", "tokens/s", "cache", "reused", "later");
    for (guint i = 0; i < cells->len; i++)
        add_cell(s, &g_array_index(cells, LwEvalCell, i));
    g_string_append(s, "mean: percent right; interval: W Wilson, B bootstrap over sessions; reused: percent of prompt "
                       "tokens\nthat came from the cache, in all turns and in later ones\n");
    g_string_append(s, "\npercent right by turn\n");
    add_turns(s, cells, FALSE);
    add_depths(s, cells);
    if (h->device) {
        g_string_append(s, "\nseconds to the first token by turn (median)\n");
        add_turns(s, cells, TRUE);
    }
    add_pairs(s, pairs);
    return lw_cli_write(s->str, s->len, error);
}

/* ---- JSON ---- */

/* JSON has no NaN. */
static void add_number(JsonBuilder *j, double v)
{
    if (isnan(v))
        json_builder_add_null_value(j);
    else
        json_builder_add_double_value(j, v);
}

static void num(JsonBuilder *j, const char *name, double v)
{
    json_builder_set_member_name(j, name);
    add_number(j, v);
}

static void tallies(JsonBuilder *j, const char *name, const LwEvalTally *t, guint n)
{
    json_builder_set_member_name(j, name);
    json_builder_begin_array(j);
    for (guint i = 0; i < n; i++) {
        json_builder_begin_object(j);
        lw_cli_json_int(j, "n", t[i].n);
        num(j, "mean", lw_eval_tally_mean(&t[i]));
        json_builder_end_object(j);
    }
    json_builder_end_array(j);
}

static void json_cell(JsonBuilder *j, const LwEvalCell *c, gboolean by_units)
{
    json_builder_begin_object(j);
    lw_cli_json_str(j, "task", c->task);
    lw_cli_json_int(j, by_units ? "units" : "tokens", c->size);
    lw_cli_json_str(j, "attention", c->attention);
    lw_cli_json_int(j, "n", c->n);
    lw_cli_json_int(j, "sessions", c->n_sessions);
    num(j, "mean", c->mean);
    num(j, "low", c->interval.low);
    num(j, "high", c->interval.high);
    lw_cli_json_str(j, "interval", c->bootstrap ? "bootstrap over sessions" : "wilson");
    tallies(j, "by_turn", c->by_turn, c->n_turns);
    tallies(j, "by_depth", c->by_depth, LW_EVAL_DEPTH_BINS);
    double least, most;
    gboolean any = depth_range(c, &least, &most);
    num(j, "depth_least", any ? least : NAN);
    num(j, "depth_spread", any ? most - least : NAN);
    json_builder_set_member_name(j, "first_token_seconds");
    json_builder_begin_array(j);
    for (guint t = 0; t < c->n_turns; t++)
        add_number(j, c->first_token[t]);
    json_builder_end_array(j);
    num(j, "tokens_per_second", c->tokens_per_second);
    lw_cli_json_int(j, "kv_bytes", c->kv_bytes);
    num(j, "reused", c->reused);
    num(j, "reused_later", c->reused_later);
    lw_cli_json_int(j, "missed_tokens", c->missed);
    json_builder_end_object(j);
}

static void json_pair(JsonBuilder *j, const LwEvalPair *p, gboolean by_units)
{
    json_builder_begin_object(j);
    lw_cli_json_str(j, "task", p->task);
    lw_cli_json_int(j, by_units ? "units" : "tokens", p->size);
    lw_cli_json_str(j, "a", p->a);
    lw_cli_json_str(j, "b", p->b);
    lw_cli_json_int(j, "n", p->n);
    num(j, "difference", p->difference);
    num(j, "low", p->interval.low);
    num(j, "high", p->interval.high);
    lw_cli_json_int(j, "better", p->better);
    lw_cli_json_int(j, "worse", p->worse);
    num(j, "mcnemar_p", p->graded ? NAN : p->p);
    json_builder_end_object(j);
}

static void json_manifest(JsonBuilder *j, const LwEvalManifest *m, gboolean by_units)
{
    g_autofree char *seed = g_strdup_printf("%016" G_GINT64_MODIFIER "x", m->seed);

    json_builder_begin_object(j);
    lw_cli_json_str(j, "task", m->task);
    lw_cli_json_int(j, by_units ? "asked_units" : "asked_tokens", m->size);
    lw_cli_json_int(j, "session", m->session);
    lw_cli_json_str(j, "seed", seed);
    lw_cli_json_str(j, "generator", m->generator);
    lw_cli_json_int(j, "units", m->units);
    lw_cli_json_int(j, "turns", m->turns);
    lw_cli_json_int(j, "tokens", m->n_tokens);
    lw_cli_json_str(j, "sha256", m->sha256);
    json_builder_end_object(j);
}

gboolean lw_cli_eval_print_json(const lw_cli_eval_heading *h, GPtrArray *results, GPtrArray *manifests,
                                GError **error)
{
    g_autoptr(GArray) cells = lw_eval_summarise(results, h->strict, h->tasks, h->attentions);
    g_autoptr(GArray) pairs = lw_eval_compare(results, h->strict, h->tasks, h->attentions);
    JsonBuilder *j = json_builder_new();

    json_builder_begin_object(j);
    lw_cli_json_str(j, "program", "lw " LW_VERSION);
    lw_cli_json_str(j, "model", h->model);
    lw_cli_json_str(j, "device", h->device);
    lw_cli_json_str(j, "answers", h->who);
    lw_cli_json_str(j, "kv", h->kv);
    lw_cli_json_str(j, "mode", h->how);
    lw_cli_json_bool(j, "own_answers", h->own_answers);
    lw_cli_json_str(j, "scores", h->strict ? "strict" : "compat");
    lw_cli_json_int(j, "seed", (gint64)h->seed);
    lw_cli_json_int(j, "turns", h->turns);
    lw_cli_json_bool(j, "hard", h->hard);
    lw_cli_json_str(j, "variant", h->variant);
    lw_cli_json_bool(j, "complete", h->complete);
    json_builder_set_member_name(j, "cells");
    json_builder_begin_array(j);
    for (guint i = 0; i < cells->len; i++)
        json_cell(j, &g_array_index(cells, LwEvalCell, i), h->by_units);
    json_builder_end_array(j);
    json_builder_set_member_name(j, "differences");
    json_builder_begin_array(j);
    for (guint i = 0; i < pairs->len; i++)
        json_pair(j, &g_array_index(pairs, LwEvalPair, i), h->by_units);
    json_builder_end_array(j);
    json_builder_set_member_name(j, "samples");
    json_builder_begin_array(j);
    for (guint i = 0; i < manifests->len; i++)
        json_manifest(j, manifests->pdata[i], h->by_units);
    json_builder_end_array(j);
    json_builder_end_object(j);
    return lw_cli_json_print(j, error);
}

/* ---- Picture ---- */

gboolean lw_cli_eval_write_svg(const lw_cli_eval_heading *h, GPtrArray *results, const char *path,
                               GError **error)
{
    g_autoptr(GArray) cells = lw_eval_summarise(results, h->strict, h->tasks, h->attentions);
    g_autofree char *name = h->device ? lw_cli_clean(h->model) : g_strdup_printf("the %s oracle", h->who);
    g_autofree char *title = g_strdup_printf("lw eval: %s", name), *note = describe(h);
    g_autofree char *svg = lw_eval_heatmap(cells, title, note, h->by_units ? "units" : "tokens");
    g_autoptr(GError) local = NULL;

    if (g_file_set_contents(path, svg, -1, &local))
        return TRUE;
    g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_OUTPUT, "--svg: %s", local->message);
    return FALSE;
}
