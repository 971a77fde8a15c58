/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "app/cli/check.h"
#include "app/cli/cli.h"
#include "app/cli/json.h"
#include "app/models/report.h"

static struct {
    char *mmproj;
    gboolean json, keys, tensors, measure, check;
} o;

static const GOptionEntry entries[] = {
    {"json", 0, 0, G_OPTION_ARG_NONE, &o.json, "Print JSON", NULL},
    {"keys", 0, 0, G_OPTION_ARG_NONE, &o.keys, "List the metadata instead (any GGUF file)", NULL},
    {"tensors", 0, 0, G_OPTION_ARG_NONE, &o.tensors, "List the tensors instead (any GGUF file)",
     NULL},
    {"measure", 0, 0, G_OPTION_ARG_NONE, &o.measure,
     "Measure this machine on up to 1 GiB of the weights, and remember it", NULL},
    {"check", 0, 0, G_OPTION_ARG_NONE, &o.check,
     "Read all weights and fail when one is infinite or no number (any GGUF file)", NULL},
    {"mmproj", 0, 0, G_OPTION_ARG_FILENAME, &o.mmproj,
     "Vision file (default: mmproj*.gguf beside the model)", "FILE"},
    {NULL},
};

/* ---- --keys, --tensors ---- */

static char *dims_text(const lw_gguf_tensor *t)
{
    GString *s = g_string_new(NULL);
    for (guint d = 0; d < t->n_dims; d++)
        g_string_append_printf(s, "%s%" G_GUINT64_FORMAT, d ? " x " : "", t->dims[d]);
    return g_string_free(s, FALSE);
}

static void list_keys(const lw_gguf *g, GString *text, JsonBuilder *json)
{
    for (gsize i = 0; i < lw_gguf_n_kv(g); i++) {
        lw_gguf_type type;
        g_autofree char *key = lw_cli_clean(lw_gguf_key_at(g, i, &type));
        g_autofree char *raw = lw_gguf_format_value(g, i);
        g_autofree char *value = lw_cli_clean(raw);
        if (json)
            lw_cli_json_str(json, key, value);
        else
            g_string_append_printf(text, "%s = %s\n", key, value);
    }
}

static void list_tensors(const lw_gguf *g, GString *text, JsonBuilder *json)
{
    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++) {
        const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
        g_autofree char *name = lw_cli_clean(t->name);
        g_autofree char *dims = dims_text(t);
        const char *type = lw_type_get_info(t->type)->name;
        if (!json) {
            g_string_append_printf(text, "%-32s %-6s %20s  %zu bytes\n", name, type, dims,
                                   t->n_bytes);
            continue;
        }
        json_builder_begin_object(json);
        lw_cli_json_str(json, "name", name);
        lw_cli_json_str(json, "type", type);
        json_builder_set_member_name(json, "dims");
        json_builder_begin_array(json);
        for (guint d = 0; d < t->n_dims; d++)
            json_builder_add_int_value(json, (gint64)t->dims[d]);
        json_builder_end_array(json);
        lw_cli_json_int(json, "bytes", (gint64)t->n_bytes);
        json_builder_end_object(json);
    }
}

static gboolean print_lists(const char *path, GError **error)
{
    lw_gguf *g = lw_gguf_open(path, error);
    if (!g)
        return FALSE;

    gboolean ok;
    if (o.json) {
        JsonBuilder *b = json_builder_new();
        json_builder_begin_object(b);
        if (o.keys) {
            json_builder_set_member_name(b, "keys");
            json_builder_begin_object(b);
            list_keys(g, NULL, b);
            json_builder_end_object(b);
        }
        if (o.tensors) {
            json_builder_set_member_name(b, "tensors");
            json_builder_begin_array(b);
            list_tensors(g, NULL, b);
            json_builder_end_array(b);
        }
        json_builder_end_object(b);
        ok = lw_cli_json_print(b, error);
    } else {
        g_autoptr(GString) s = g_string_new(NULL);
        if (o.keys)
            list_keys(g, s, NULL);
        if (o.tensors)
            list_tensors(g, s, NULL);
        ok = lw_cli_write(s->str, s->len, error);
    }
    lw_gguf_free(g);
    return ok;
}

/* ---- --check ---- */

static gboolean check(const char *path, GError **error)
{
    lw_gguf *g = lw_gguf_open(path, error);
    lw_cli_check c;
    if (!g)
        return FALSE;

    lw_cli_catch_interrupt();
    gboolean ok = lw_cli_check_weights(g, &lw_cli_cancel, &c, error);
    if (ok && c.n_bad) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
                    " weights are infinite or no number, the first in tensor %s (%" G_GINT64_FORMAT ")",
                    lw_gguf_path(g), c.n_bad, c.n_values, c.tensor, c.tensor_bad);
        ok = FALSE;
    }
    if (ok) {
        g_autofree char *n = lw_cli_format_count(c.n_values);
        lw_cli_note("%s weights, all of them numbers", n);
    }
    if (ok && c.n_skipped)
        lw_cli_note("%zu tensors of types that cannot be read were left out", c.n_skipped);
    lw_gguf_free(g);
    return ok;
}

/* ---- The report ---- */

typedef struct {
    guint type;
    gsize n_tensors;
    gint64 bytes;
} type_share;

static gint by_bytes(gconstpointer a, gconstpointer b)
{
    gint64 x = ((const type_share *)a)->bytes, y = ((const type_share *)b)->bytes;
    return (x < y) - (x > y);
}

static GArray *type_shares(const lw_gguf *g)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(type_share));
    for (gsize i = 0; i < lw_gguf_n_tensors(g); i++) {
        const lw_gguf_tensor *t = lw_gguf_tensor_at(g, i);
        guint k = 0;
        while (k < list->len && g_array_index(list, type_share, k).type != t->type)
            k++;
        if (k == list->len) {
            type_share fresh = {.type = t->type};
            g_array_append_val(list, fresh);
        }
        type_share *s = &g_array_index(list, type_share, k);
        s->n_tensors++;
        s->bytes += (gint64)t->n_bytes;
    }
    g_array_sort(list, by_bytes);
    return list;
}

typedef struct {
    const lw_model_info *info;
    GArray *types;
    lw_report *fit;
} report;

static void json_speed(JsonBuilder *b, const char *name, double v)
{
    lw_cli_json_num(b, name, v > 0 ? v : NAN); /* null */
}

static char *format_date(gint64 when, const char *format)
{
    g_autoptr(GDateTime) t = g_date_time_new_from_unix_local(when);
    return t ? g_date_time_format(t, format) : g_strdup("?");
}

static void json_estimates(JsonBuilder *b, const report *r)
{
    static const char *const kinds[] = {NULL, "quick", "full", "stored"};
    lw_report_context rows[LW_REPORT_MAX_CONTEXTS];
    guint n = lw_report_contexts(r->fit, r->info, rows);
    g_autofree char *date = r->fit->speed.kind ? format_date(r->fit->speed.when, "%FT%T%:z") : NULL;

    lw_cli_json_str(b, "measurement", kinds[r->fit->speed.kind]);
    lw_cli_json_str(b, "measured_at", date);
    json_speed(b, "measured_read_bytes_per_second", r->fit->speed.read_bytes_per_second);
    json_speed(b, "measured_flop_per_second", r->fit->speed.flops);
    json_speed(b, "estimated_tokens_per_second", lw_report_generation_speed(r->fit, 0));
    json_speed(b, "estimated_prompt_tokens_per_second", lw_report_prompt_speed(r->fit));
    json_builder_set_member_name(b, "contexts");
    json_builder_begin_array(b);
    for (guint k = 0; k < n; k++) {
        const lw_report_context *c = &rows[k];
        json_builder_begin_object(b);
        lw_cli_json_int(b, "tokens", c->tokens);
        lw_cli_json_int(b, "kv_bytes_f16", c->f16);
        lw_cli_json_bool(b, "fits_f16", c->fits_f16);
        json_speed(b, "estimated_tokens_per_second_f16", lw_report_generation_speed(r->fit, c->f16));
        if (c->q8_0) {
            lw_cli_json_int(b, "kv_bytes_q8_0", c->q8_0);
            lw_cli_json_bool(b, "fits_q8_0", c->fits_q8_0);
            json_speed(b, "estimated_tokens_per_second_q8_0", lw_report_generation_speed(r->fit, c->q8_0));
        }
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
}

static gboolean print_json(const report *r, GError **error)
{
    const lw_model_info *i = r->info;
    JsonBuilder *b = json_builder_new();

    json_builder_begin_object(b);
    lw_cli_json_str(b, "path", i->path);
    lw_cli_json_str(b, "name", i->name);
    lw_cli_json_str(b, "description", i->description);
    lw_cli_json_str(b, "architecture", i->arch);
    lw_cli_json_int(b, "parameters", i->n_params);
    lw_cli_json_int(b, "file_bytes", i->file_bytes);
    lw_cli_json_int(b, "weight_bytes", i->weight_bytes);
    json_builder_set_member_name(b, "types");
    json_builder_begin_array(b);
    for (guint k = 0; k < r->types->len; k++) {
        const type_share *s = &g_array_index(r->types, type_share, k);
        json_builder_begin_object(b);
        lw_cli_json_str(b, "type", lw_type_get_info(s->type)->name);
        lw_cli_json_int(b, "tensors", (gint64)s->n_tensors);
        lw_cli_json_int(b, "bytes", s->bytes);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
    lw_cli_json_int(b, "layers", i->n_layer);
    lw_cli_json_int(b, "embedding", i->n_embd);
    lw_cli_json_int(b, "heads", i->n_head);
    lw_cli_json_int(b, "kv_heads", i->n_head_kv);
    lw_cli_json_int(b, "head_size", i->head_dim);
    lw_cli_json_int(b, "vocabulary", i->n_vocab);
    lw_cli_json_int(b, "context", i->n_ctx_train);
    lw_cli_json_str(b, "chat_template", i->chat);
    lw_cli_json_bool(b, "chat_template_guessed", i->chat_guessed);
    lw_cli_json_str(b, "chat_template_warning", i->chat_warning);
    lw_cli_json_bool(b, "only_embeds", i->only_embeds);
    lw_cli_json_str(b, "pooling", lw_pooling_name(i->pooling));
    lw_cli_json_bool(b, "vision", i->has_vision);
    lw_cli_json_str(b, "vision_missing", i->vision_missing);
    lw_cli_json_str(b, "mmproj", i->mmproj_path);
    lw_cli_json_int(b, "kv_bytes_per_token_f16", lw_model_info_kv_bytes_per_token(i, LW_KV_F16));
    if (lw_model_info_kv_bytes_per_token(i, LW_KV_Q8_0))
        lw_cli_json_int(b, "kv_bytes_per_token_q8_0",
                        lw_model_info_kv_bytes_per_token(i, LW_KV_Q8_0));
    lw_cli_json_int(b, "memory_total", (gint64)r->fit->memory_total);
    lw_cli_json_int(b, "memory_available", (gint64)r->fit->memory_available);
    lw_cli_json_bool(b, "fits", !r->fit->does_not_fit);
    lw_cli_json_str(b, "does_not_fit", r->fit->does_not_fit);
    lw_cli_json_int(b, "context_chosen", r->fit->n_ctx);
    lw_cli_json_int(b, "weight_bytes_per_generated_token", r->fit->bytes_per_token);
    json_estimates(b, r);
    json_builder_end_object(b);
    return lw_cli_json_print(b, error);
}

static void line(GString *s, const char *label, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void line(GString *s, const char *label, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *raw = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *text = lw_cli_clean(raw);
    g_string_append_printf(s, "%-13s %s\n", label, text);
}

static void append_cache(GString *s, const report *r)
{
    const lw_model_info *i = r->info;
    gint64 q8_0 = lw_model_info_kv_bytes_per_token(i, LW_KV_Q8_0);
    lw_report_context rows[LW_REPORT_MAX_CONTEXTS];
    guint n = lw_report_contexts(r->fit, r->info, rows);
    g_autofree char *one = lw_cli_format_bytes(lw_model_info_kv_bytes_per_token(i, LW_KV_F16));
    g_autofree char *small = lw_cli_format_bytes(q8_0),
                    *trained = lw_cli_format_count(i->n_ctx_train);

    line(s, "context", "%s tokens, as trained", trained);
    line(s, "cache", q8_0 ? "%s a token (f16), %s with --kv q8_0" : "%s a token (f16)", one, small);
    for (guint k = 0; k < n; k++) {
        const lw_report_context *c = &rows[k];
        g_autofree char *count = lw_cli_format_count(c->tokens), *f16 = lw_cli_format_bytes(c->f16);
        g_autofree char *bytes_q8_0 = lw_cli_format_bytes(c->q8_0);
        double speed = lw_report_generation_speed(r->fit, c->f16), fast = lw_report_generation_speed(r->fit, c->q8_0);
        g_autoptr(GString) text = g_string_new(NULL);
        g_string_append_printf(text, "%s tokens: f16 %s %s", count, f16,
                               c->fits_f16 ? "fits" : "does not fit");
        if (speed > 0)
            g_string_append_printf(text, ", about %.1f tokens/s when full", speed);
        if (c->q8_0)
            g_string_append_printf(text, "; q8_0 %s %s", bytes_q8_0,
                                   c->fits_q8_0 ? "fits" : "does not fit");
        if (c->q8_0 && fast > 0)
            g_string_append_printf(text, ", %.1f", fast);
        line(s, "", "%s", text->str);
    }
}

static void append_memory(GString *s, const report *r)
{
    g_autofree char *available = lw_cli_format_bytes((gint64)r->fit->memory_available);
    g_autofree char *total = lw_cli_format_bytes((gint64)r->fit->memory_total);
    line(s, "memory", "%s available of %s", available, total);
    if (r->fit->does_not_fit) {
        line(s, "fit", "no: %s", r->fit->does_not_fit);
        return;
    }
    g_autofree char *files = lw_cli_format_bytes(r->info->file_bytes);
    g_autofree char *tokens = lw_cli_format_count(r->fit->n_ctx);
    if (r->info->only_embeds) {
        line(s, "fit", "yes: %s of files", files);
        return;
    }
    line(s, "fit", "yes: %s of files; lw run takes a context of %s tokens", files, tokens);
}

static void append_speed(GString *s, const report *r)
{
    g_autofree char *bytes = lw_cli_format_bytes(r->fit->bytes_per_token);
    g_autofree char *date = format_date(r->fit->speed.when, "%F");
    g_autofree char *how =
        r->fit->speed.kind == LW_SPEED_STORED ? g_strdup_printf("measured on %s", date)
        : r->fit->speed.kind == LW_SPEED_FULL ? g_strdup("just measured")
                                             : g_strdup("just measured in a hurry");
    if (r->fit->speed.kind == LW_SPEED_UNKNOWN) {
        line(s, "speed",
             "not measured on this machine yet: --measure estimates it, lw bench measures it (a "
             "token "
             "reads %s of weights)",
             bytes);
        return;
    }
    line(s, "speed",
         "estimate: about %.1f tokens/s of answer at an empty context (%s of weights a token at "
         "%.1f GB/s, %s)",
         lw_report_generation_speed(r->fit, 0), bytes, r->fit->speed.read_bytes_per_second / 1e9, how);
    if (lw_report_prompt_speed(r->fit) > 0)
        line(s, "",
             "estimate: about %.0f tokens/s of a short prompt (%.2f GFLOP a token at %.0f GFLOP/s)",
             lw_report_prompt_speed(r->fit), r->fit->flop_per_token / 1e9, r->fit->speed.flops / 1e9);
}

static gboolean print_text(const report *r, GError **error)
{
    const lw_model_info *i = r->info;
    g_autoptr(GString) s = g_string_new(NULL);
    g_autofree char *files = lw_cli_format_bytes(i->file_bytes);
    g_autofree char *weights = lw_cli_format_bytes(i->weight_bytes);

    line(s, "file", "%s", i->path);
    line(s, "name", "%s", i->name);
    if (i->description)
        line(s, "about", "%s", i->description);
    line(s, "architecture", "%s, %.1f million parameters", i->arch, (double)i->n_params / 1e6);
    line(s, "size", "%s, weights of the text model %s", files, weights);
    for (guint k = 0; k < r->types->len; k++) {
        const type_share *t = &g_array_index(r->types, type_share, k);
        g_autofree char *bytes = lw_cli_format_bytes(t->bytes);
        line(s, k ? "" : "types", "%s: %zu tensors, %s", lw_type_get_info(t->type)->name,
             t->n_tensors, bytes);
    }
    line(s, "shape", "%u layers, %u wide, %u/%u heads of %u, vocabulary %u", i->n_layer, i->n_embd,
         i->n_head, i->n_head_kv, i->head_dim, i->n_vocab);
    if (i->pooling != LW_POOLING_NONE || i->only_embeds) {
        g_autofree char *longest = lw_cli_format_count(i->n_ctx_train);
        const char *way = lw_pooling_name(i->pooling);
        line(s, "embeddings", "makes vectors of texts: %u numbers, %s%s, up to %s tokens a text%s", i->n_embd,
             way ? "pooled by " : "with a --pooling of your choice", way ? way : "", longest,
             i->only_embeds ? "; cannot answer" : "");
    }
    if (i->only_embeds) {
        append_memory(s, r);
        return lw_cli_write(s->str, s->len, error);
    }
    line(s, "chat", "%s%s%s%s", i->chat, i->chat_warning ? " (" : "",
         i->chat_warning ? i->chat_warning : "", i->chat_warning ? ")" : "");
    if (i->has_vision)
        line(s, "vision", "yes, %s", i->mmproj_path ? i->mmproj_path : "in the same file");
    else
        line(s, "vision", "no: %s", i->vision_missing ? i->vision_missing : "text only");
    append_cache(s, r);
    append_memory(s, r);
    append_speed(s, r);
    return lw_cli_write(s->str, s->len, error);
}

gboolean lw_cli_info(int argc, char **argv, GError **error)
{
    if (!lw_cli_parse(&argc, &argv, "[MODEL]",
                      "What a model file contains, whether it fits this machine and how fast it "
                      "should be.",
                      "Without MODEL: the model that comes with Longwave.", entries, NULL, error) ||
        !lw_cli_check_n_args(argc, argv, 1, error))
        return FALSE;
    g_autofree char *path = lw_cli_model_path(argc > 1 ? argv[1] : NULL, error);
    if (!path)
        return FALSE;
    if (o.check && !check(path, error))
        return FALSE;
    if (o.keys || o.tensors)
        return print_lists(path, error);

    lw_model_params params = {.mmproj = o.mmproj};
    lw_model *m = lw_model_open(path, &params, error);
    if (!m)
        return FALSE;
    report r = {.info = lw_model_get_info(m),
                .types = type_shares(lw_model_get_gguf(m)),
                .fit = lw_report_new(m, o.measure)};
    gboolean ok = o.json ? print_json(&r, error) : print_text(&r, error);
    g_array_unref(r.types);
    lw_report_free(r.fit);
    lw_model_unref(m);
    return ok;
}
