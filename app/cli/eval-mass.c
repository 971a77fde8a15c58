/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/eval-mass.h"

#include "app/cli/cli.h"
#include "app/cli/json.h"
#include "app/eval/mass.h"
#include "app/eval/random.h"

/* Of a task and size. */
typedef struct {
    const LwEvalTask *task;
    int size;
    LwEvalMassTable *table;
} cell;

static void clear_cell(gpointer p)
{
    lw_eval_mass_table_free(((cell *)p)->table);
}

static gboolean measure(const lw_cli_eval_plan *e, cell *c, int sessions, guint64 seed, GError **error)
{
    LwEvalRuler ruler = {.model = e->model, .cancel = &lw_cli_cancel};
    LwEvalOptions options = e->options;
    lw_session_params params = e->session;

    params.attention = e->modes[0].mode;
    options.turns = 2; /* the first is looked at, the second says where its reply ends */
    for (int i = 0; i < sessions; i++) {
        guint64 own = lw_eval_seed(seed, c->task->name, (guint64)c->size, (guint64)i);
        gint64 n;
        lw_cli_status("%s %d: sample %d of %d", c->task->name, c->size, i + 1, sessions);
        g_autoptr(LwEvalSample) sample =
            (e->by_units ? lw_eval_sample_of_units(&ruler, c->task, own, LW_EVAL_SIDE_MEASURE, c->size, &options, &n, error)
                         : lw_eval_sample_of_length(&ruler, c->task, own, LW_EVAL_SIDE_MEASURE, c->size, &options, &n,
                                                    error));
        if (!sample || !lw_eval_mass_add(c->table, e->model, &params, sample, n, lw_cli_on_progress, NULL,
                                         &lw_cli_cancel, error))
            return FALSE;
    }
    lw_cli_status_clear();
    return TRUE;
}

/* ---- Printing ---- */

static LwEvalMass both(const LwEvalMassTable *t, guint i)
{
    const LwEvalMass *q = &t->question[i], *a = &t->answer[i];
    LwEvalMass sum = {.edges = q->edges + a->edges, .n = q->n + a->n};

    for (int s = 0; s < LW_EVAL_MASS_SHARES; s++)
        sum.top[s] = q->top[s] + a->top[s];
    return sum;
}

static void add_line(GString *s, const LwEvalMass *m)
{
    for (int k = 0; k < LW_EVAL_MASS_SHARES; k++)
        g_string_append_printf(s, " %8.1f", m->n ? 100 * m->top[k] / m->n : 0);
    g_string_append_printf(s, " %12.1f\n", m->n ? 100 * m->edges / m->n : 0);
}

static gboolean print_text(const lw_cli_eval_plan *e, const GArray *cells, int sessions, GError **error)
{
    g_autoptr(GString) s = g_string_new(NULL);

    for (guint i = 0; i < cells->len; i++) {
        const cell *c = &g_array_index(cells, cell, i);
        LwEvalMass all = {{0}};
        g_autofree char *size = lw_cli_format_count(c->size);

        g_string_append_printf(s, "%s%s, %s %s, %d sample%s: percent of attention on the likeliest keys\n", i ? "\n" : "",
                               c->task->name, size, e->by_units ? "units" : "tokens", sessions, sessions == 1 ? "" : "s");
        g_string_append(s, "layer head   0.1 %      1 %      5 %  first+last 64\n");
        for (guint k = 0; k < c->table->n_layer * c->table->n_head; k++) {
            LwEvalMass m = both(c->table, k);
            g_string_append_printf(s, "%5u %4u", k / c->table->n_head, k % c->table->n_head);
            add_line(s, &m);
            for (int n = 0; n < LW_EVAL_MASS_SHARES; n++)
                all.top[n] += m.top[n];
            all.edges += m.edges;
            all.n += m.n;
        }
        g_string_append(s, "  all     ");
        add_line(s, &all);
        g_string_append_printf(s, "(%u rows of the question and of the gold reply)\n",
                               c->table->question[0].n + c->table->answer[0].n);
    }
    return lw_cli_write(s->str, s->len, error);
}

static void json_mass(JsonBuilder *j, const char *name, const LwEvalMass *m)
{
    json_builder_set_member_name(j, name);
    json_builder_begin_object(j);
    lw_cli_json_int(j, "rows", m->n);
    json_builder_set_member_name(j, "top");
    json_builder_begin_array(j);
    for (int k = 0; k < LW_EVAL_MASS_SHARES; k++)
        json_builder_add_double_value(j, m->n ? m->top[k] / m->n : 0);
    json_builder_end_array(j);
    lw_cli_json_num(j, "first_and_last_64", m->n ? m->edges / m->n : 0);
    json_builder_end_object(j);
}

static gboolean print_json(const lw_cli_eval_plan *e, const GArray *cells, int sessions, GError **error)
{
    JsonBuilder *j = json_builder_new();

    json_builder_begin_object(j);
    lw_cli_json_str(j, "program", "lw " LW_VERSION);
    lw_cli_json_str(j, "model", lw_model_get_info(e->model)->name);
    lw_cli_json_str(j, "attention", e->modes[0].label);
    lw_cli_json_int(j, "samples", sessions);
    json_builder_set_member_name(j, "shares");
    json_builder_begin_array(j);
    for (int k = 0; k < LW_EVAL_MASS_SHARES; k++)
        json_builder_add_double_value(j, lw_eval_mass_shares[k]);
    json_builder_end_array(j);
    json_builder_set_member_name(j, "cells");
    json_builder_begin_array(j);
    for (guint i = 0; i < cells->len; i++) {
        const cell *c = &g_array_index(cells, cell, i);
        json_builder_begin_object(j);
        lw_cli_json_str(j, "task", c->task->name);
        lw_cli_json_int(j, e->by_units ? "units" : "tokens", c->size);
        json_builder_set_member_name(j, "heads");
        json_builder_begin_array(j);
        for (guint k = 0; k < c->table->n_layer * c->table->n_head; k++) {
            json_builder_begin_object(j);
            lw_cli_json_int(j, "layer", k / c->table->n_head);
            lw_cli_json_int(j, "head", k % c->table->n_head);
            json_mass(j, "question", &c->table->question[k]);
            json_mass(j, "answer", &c->table->answer[k]);
            json_builder_end_object(j);
        }
        json_builder_end_array(j);
        json_builder_end_object(j);
    }
    json_builder_end_array(j);
    json_builder_end_object(j);
    return lw_cli_json_print(j, error);
}

gboolean lw_cli_eval_mass(const lw_cli_eval_plan *e, const GPtrArray *tasks, const GArray *sizes, int sessions,
                          guint64 seed, gboolean json, GError **error)
{
    g_autoptr(GArray) cells = g_array_new(FALSE, FALSE, sizeof(cell));
    gboolean ok = TRUE;

    g_array_set_clear_func(cells, clear_cell);
    for (guint s = 0; ok && s < sizes->len; s++)
        for (guint t = 0; ok && t < tasks->len; t++) {
            cell c = {tasks->pdata[t], g_array_index(sizes, int, s), lw_eval_mass_table_new(lw_model_get_info(e->model))};
            g_array_append_val(cells, c);
            ok = measure(e, &c, sessions, seed, error);
        }
    return ok && (json ? print_json(e, cells, sessions, error) : print_text(e, cells, sessions, error));
}
