/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/conversation.h"

#include <string.h>
#include <unistd.h>

#include "app/cli/pictures.h"
#include "app/media-fit.h"
#include "memory/lw-memory.h"

typedef struct {
    lw_cli_kind kind;
    char *path;
    lw_media *media; /* pictures and films */
    char *text;      /* documents */
} attachment;

typedef struct {
    lw_role role;
    char *text;
    GPtrArray *media; /* of lw_media */
} message;

struct lw_cli_conversation {
    lw_model *model;
    lw_session *session;
    lw_generate_params generate;
    GPtrArray *messages; /* of message */
    GPtrArray *attached; /* of attachment */
    char *system;
    gsize n_answers;
    lw_generate_result last;

    lw_cli_stored *stored; /* NULL: nothing of it is */
    int n_stored;          /* messages, the next one's position */
};

static void attachment_free(gpointer p)
{
    attachment *a = p;
    g_free(a->path);
    g_free(a->text);
    lw_media_unref(a->media);
    g_free(a);
}

static void message_free(gpointer p)
{
    message *m = p;
    g_free(m->text);
    g_ptr_array_unref(m->media);
    g_free(m);
}

static message *message_new(lw_role role, const char *text)
{
    message *m = g_new0(message, 1);
    m->role = role;
    m->text = g_strdup(text);
    m->media = g_ptr_array_new_with_free_func((GDestroyNotify)lw_media_unref);
    return m;
}

lw_cli_conversation *lw_cli_conversation_new(lw_model *m, const lw_session_params *session,
                                             const lw_generate_params *generate, const char *system,
                                             GError **error)
{
    lw_session *s = lw_session_new(m, session, error);
    if (!s)
        return NULL;

    const lw_model_info *info = lw_model_get_info(m);
    guint32 n_ctx = lw_session_get_n_ctx(s);
    if (session->n_ctx == 0 && n_ctx < info->n_ctx_train)
        lw_cli_note("%s: a context of %u tokens, not the model's %u, to fit the memory", info->name,
                    n_ctx, info->n_ctx_train);
    if (info->chat_guessed)
        lw_cli_note("%s: %s", info->name, info->chat_warning);

    lw_cli_conversation *c = g_new0(lw_cli_conversation, 1);
    c->model = lw_model_ref(m);
    c->session = s;
    c->generate = *generate;
    c->system = g_strdup(system);
    c->messages = g_ptr_array_new_with_free_func(message_free);
    c->attached = g_ptr_array_new_with_free_func(attachment_free);
    lw_cli_conversation_clear(c);
    return c;
}

static void leave_store(lw_cli_conversation *c)
{
    g_clear_pointer(&c->stored, lw_cli_stored_free);
}

void lw_cli_conversation_free(lw_cli_conversation *c)
{
    if (!c)
        return;
    g_ptr_array_unref(c->messages);
    g_ptr_array_unref(c->attached);
    leave_store(c);
    lw_session_free(c->session);
    lw_model_unref(c->model);
    g_free(c->system);
    g_free(c);
}

void lw_cli_conversation_clear(lw_cli_conversation *c)
{
    leave_store(c);
    g_ptr_array_set_size(c->messages, 0);
    g_ptr_array_set_size(c->attached, 0);
    if (c->system)
        g_ptr_array_add(c->messages, message_new(LW_ROLE_SYSTEM, c->system));
}

guint lw_cli_conversation_n_attached(const lw_cli_conversation *c)
{
    return c->attached->len;
}

guint32 lw_cli_conversation_n_ctx(const lw_cli_conversation *c)
{
    return lw_session_get_n_ctx(c->session);
}

/* ---- Attachments ---- */

static lw_media *open_media(lw_cli_conversation *c, lw_cli_kind kind, const char *path,
                            gint64 max_tokens, GError **error)
{
    const lw_vision_spec *spec = lw_model_get_vision_spec(c->model);
    const lw_model_info *info = lw_model_get_info(c->model);
    lw_vis_options options = {.max_tokens = max_tokens};

    if (!spec) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s: %s cannot see: %s", path,
                    info->name, info->vision_missing ? info->vision_missing : "no vision file");
        return NULL;
    }
    lw_cli_status("Opening %s", path);
    lw_media *m = kind == LW_CLI_PICTURE ? lw_cli_open_picture(path, spec, &options, error)
                                         : lw_cli_open_film(path, spec, &options, error);
    lw_cli_status_clear();
    return m;
}

gboolean lw_cli_conversation_attach(lw_cli_conversation *c, lw_cli_kind kind, const char *path,
                                    GError **error)
{
    lw_media *media = NULL;
    char *text = NULL;
    gsize n = 0;

    if (kind == LW_CLI_DOCUMENT) {
        text = lw_cli_read_text(path, LW_CLI_MAX_DOCUMENT_BYTES, &n, error);
        if (!text)
            return FALSE;
        lw_cli_note("%s: text, %zu bytes, attached whole", path, n);
    } else {
        media = open_media(c, kind, path, 0, error);
        if (!media)
            return FALSE;
        lw_cli_note("%s: %s", path, media->note);
    }
    attachment *a = g_new0(attachment, 1);
    a->kind = kind;
    a->path = g_strdup(path);
    a->media = media;
    a->text = text;
    g_ptr_array_add(c->attached, a);
    return TRUE;
}

/* ---- One question ---- */

/* Documents in front of the question, each under its name. */
static char *compose_text(const lw_cli_conversation *c, const char *text)
{
    GString *s = g_string_new(NULL);
    for (guint i = 0; i < c->attached->len; i++) {
        const attachment *a = c->attached->pdata[i];
        if (a->kind != LW_CLI_DOCUMENT)
            continue;
        g_autofree char *name = lw_cli_short_name(a->path);
        /* A byte-order mark is not part of the text. */
        const char *body = g_str_has_prefix(a->text, "\xef\xbb\xbf") ? a->text + 3 : a->text;
        g_string_append_printf(s, "Document \"%s\":\n%s%s\n", name, body,
                               g_str_has_suffix(body, "\n") ? "" : "\n");
    }
    g_string_append(s, text);
    return g_string_free(s, FALSE);
}

static lw_prompt *render(lw_cli_conversation *c, GError **error)
{
    g_autofree lw_message *list = g_new0(lw_message, c->messages->len);
    for (guint i = 0; i < c->messages->len; i++) {
        const message *m = c->messages->pdata[i];
        list[i] = (lw_message){.role = m->role,
                               .text = m->text,
                               .media = (lw_media *const *)m->media->pdata,
                               .n_media = m->media->len};
    }
    return lw_prompt_new_chat(c->model, list, c->messages->len, NULL, error);
}

/* Media of one question: where they come from, and what was opened. */
typedef struct {
    lw_cli_conversation *conversation;
    GArray *kinds;    /* lw_cli_kind */
    GPtrArray *paths; /* borrowed */
    GPtrArray *media; /* borrowed by the array; fit() replaces entries */
} media_list;

static lw_media *reopen(void *user, guint index, gint64 max_tokens, GError **error)
{
    media_list *l = user;

    return open_media(l->conversation, g_array_index(l->kinds, lw_cli_kind, index),
                      l->paths->pdata[index], max_tokens, error);
}

/* Make the media fit beside the text.  n_text: tokens of the prompt without them; answer: kept free. */
static gboolean fit(media_list *l, gsize n_text, gint64 answer, GError **error)
{
    lw_cli_conversation *c = l->conversation;
    g_autofree gint64 *shrunk = g_new0(gint64, l->media->len);
    gint64 n_ctx = lw_session_get_n_ctx(c->session);
    gboolean ok = lw_media_fit((lw_media **)l->media->pdata, shrunk, l->media->len, n_ctx,
                               (gint64)n_text, answer, reopen, l, error);

    for (guint i = 0; ok && i < l->media->len; i++) {
        const lw_media *m = l->media->pdata[i];
        if (shrunk[i])
            lw_cli_note("%s: %" G_GINT64_FORMAT " tokens do not fit the context of "
                        "%" G_GINT64_FORMAT ", reduced to %" G_GINT64_FORMAT " tokens: %s",
                        (const char *)l->paths->pdata[i], shrunk[i], n_ctx, lw_media_n_tokens(m),
                        m->note);
    }
    return ok;
}

static void media_list_init(media_list *l, lw_cli_conversation *c)
{
    l->conversation = c;
    l->kinds = g_array_new(FALSE, FALSE, sizeof(lw_cli_kind));
    l->paths = g_ptr_array_new();
    l->media = g_ptr_array_new();
}

static void media_list_clear(media_list *l)
{
    g_array_unref(l->kinds);
    g_ptr_array_unref(l->paths);
    g_ptr_array_unref(l->media);
}

static void media_list_add(media_list *l, lw_cli_kind kind, char *path, lw_media *media)
{
    g_array_append_val(l->kinds, kind);
    g_ptr_array_add(l->paths, path);
    g_ptr_array_add(l->media, media);
}

/* Make the attached media fit beside the text. */
static gboolean fit_media(lw_cli_conversation *c, gsize n_text, GError **error)
{
    media_list l;

    media_list_init(&l, c);
    for (guint i = 0; i < c->attached->len; i++) {
        attachment *a = c->attached->pdata[i];
        if (a->media)
            media_list_add(&l, a->kind, a->path, a->media);
    }
    gint64 answer = c->generate.max_tokens
                        ? c->generate.max_tokens
                        : lw_media_fit_answer(lw_session_get_n_ctx(c->session));
    gboolean ok = fit(&l, n_text, answer, error);
    for (guint i = 0, k = 0; i < c->attached->len; i++) {
        attachment *a = c->attached->pdata[i];
        if (a->media)
            a->media = l.media->pdata[k++];
    }
    media_list_clear(&l);
    return ok;
}

/* ---- Stored conversations ---- */

/* As compose_text() does for new ones. */
static gboolean add_document(GString *s, const lw_mem_attachment *a, GError **error)
{
    gsize n;
    g_autofree char *text = lw_cli_read_text(a->path, LW_MEM_MAX_COPY_BYTES, &n, error);
    const char *body = text && g_str_has_prefix(text, "\xef\xbb\xbf") ? text + 3 : text;

    if (!text)
        return FALSE;
    g_string_append_printf(s, "Document \"%s\":\n%s%s\n", a->label, body,
                           g_str_has_suffix(body, "\n") ? "" : "\n");
    return TRUE;
}

/* A stored question's media, opened and made to fit by the rule of the window: in the same context they
 * come out as when the question was asked there, whatever this run's options say. */
static gboolean load_media(lw_cli_conversation *c, const lw_mem_message *stored, message *m,
                           GError **error)
{
    g_autoptr(GString) documents = g_string_new(NULL);
    media_list l;
    gboolean ok = TRUE;

    media_list_init(&l, c);
    for (guint i = 0; ok && i < stored->attachments->len; i++) {
        const lw_mem_attachment *a = stored->attachments->pdata[i];
        lw_cli_kind kind = a->kind == LW_MEM_FILM ? LW_CLI_FILM : LW_CLI_PICTURE;
        if (a->kind == LW_MEM_DOCUMENT) {
            ok = add_document(documents, a, error);
            continue;
        }
        lw_media *media = open_media(c, kind, a->path, 0, error);
        if ((ok = media != NULL))
            media_list_add(&l, kind, a->path, media);
    }
    g_string_append(documents, m->text);
    g_free(m->text);
    m->text = g_strdup(documents->str);
    lw_prompt *without = ok ? render(c, error) : NULL;
    ok = without && fit(&l, lw_prompt_n_tokens(without),
                        lw_media_fit_answer(lw_session_get_n_ctx(c->session)), error);
    lw_prompt_free(without);
    for (guint i = 0; i < l.media->len; i++) {
        if (ok)
            g_ptr_array_add(m->media, l.media->pdata[i]);
        else
            lw_media_unref(l.media->pdata[i]);
    }
    media_list_clear(&l);
    return ok;
}

gboolean lw_cli_conversation_continue(lw_cli_conversation *c, lw_cli_stored *found, GError **error)
{
    g_autofree char *title = g_strdup(found->record->title);
    const lw_mem_options *options = found->options;

    c->stored = found;
    g_autoptr(GPtrArray) stored = lw_mem_list_messages(c->stored->store, c->stored->record->id, error);
    if (!stored)
        return FALSE;
    for (guint i = 0; i < stored->len; i++) {
        const lw_mem_message *s = stored->pdata[i];
        gboolean user = s->role == LW_MEM_ROLE_USER;
        c->n_stored = s->position + 1;
        if (!user && !*s->text)
            continue;
        message *m = message_new(user ? LW_ROLE_USER : LW_ROLE_ASSISTANT, s->text);
        g_ptr_array_add(c->messages, m);
        if (s->attachments && s->attachments->len && !load_media(c, s, m, error))
            return FALSE;
    }
    lw_cli_note("going on with \"%s\" (%s): %u messages%s%s", title, found->record->id, stored->len,
                options->system ? ", its instructions" : "", options->own ? "" : ", its sampling");
    return TRUE;
}

static lw_mem_message *stored_message(lw_cli_conversation *c, lw_mem_role role, const char *text)
{
    lw_mem_message *m = g_new0(lw_mem_message, 1);

    m->id = lw_mem_new_id();
    m->conversation = g_strdup(c->stored->record->id);
    m->position = c->n_stored;
    m->role = role;
    m->text = g_strdup(text);
    m->created = g_get_real_time();
    m->attachments = g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_attachment_free);
    return m;
}

/* Write the question that was just answered, then the answer. */
static gboolean store_turn(lw_cli_conversation *c, const char *question, const char *answer,
                           const lw_generate_result *r, GError **error)
{
    lw_mem_message *q = stored_message(c, LW_MEM_ROLE_USER, question);
    gboolean ok = TRUE;

    for (guint i = 0; ok && i < c->attached->len; i++) {
        const attachment *a = c->attached->pdata[i];
        if (!a->media)
            continue;
        lw_mem_attachment *kept = lw_mem_keep_file(
            c->stored->store, a->path, a->kind == LW_CLI_FILM ? LW_MEM_FILM : LW_MEM_PICTURE, error);
        if ((ok = kept != NULL))
            g_ptr_array_add(q->attachments, kept);
    }
    ok = ok && lw_mem_put_message(c->stored->store, q, error);
    lw_mem_message_free(q);
    if (!ok)
        return FALSE;
    c->n_stored++;

    lw_mem_message *m = stored_message(c, LW_MEM_ROLE_ASSISTANT, answer);
    m->state = r->stop == LW_STOP_CANCELLED ? LW_MEM_STATE_STOPPED
               : r->stop == LW_STOP_REPEATS ? LW_MEM_STATE_REPEATED
                                            : LW_MEM_STATE_DONE;
    m->n_prompt = (int)r->n_prompt;
    m->n_reused = (int)r->n_reused;
    m->n_generated = (int)r->n_generated;
    if (r->generate_seconds > 0)
        m->tokens_per_second = (double)r->n_generated / r->generate_seconds;
    ok = lw_mem_put_message(c->stored->store, m, error);
    lw_mem_message_free(m);
    if (ok)
        c->n_stored++;
    return ok;
}

typedef struct {
    GString *answer;
    gboolean filter; /* stdout is a terminal: no control characters of the model's choosing */
    GError *error;   /* stdout failed */
} sink;

static void on_text(void *user, const char *text, gsize n)
{
    sink *out = user;
    lw_cli_status_clear();
    g_string_append_len(out->answer, text, (gssize)n);
    if (out->error)
        return;

    g_autoptr(GString) shown = NULL;
    if (out->filter) {
        shown = g_string_sized_new(n);
        for (const char *p = text; p < text + n; p = g_utf8_next_char(p)) {
            gunichar ch = g_utf8_get_char(p);
            if (!g_unichar_iscntrl(ch) || ch == '\n' || ch == '\t')
                g_string_append_unichar(shown, ch);
        }
        text = shown->str;
        n = shown->len;
    }
    /* Nobody reads any more, or the disk is full: stop computing. */
    if (!lw_cli_write(text, n, &out->error))
        g_atomic_int_set(&lw_cli_cancel, 1);
}

/* Times too short for the clock give no rate. */
static void append_rate(GString *s, gsize n_tokens, double seconds)
{
    g_string_append_printf(s, " in %.2f s", seconds);
    if (seconds >= 1e-3)
        g_string_append_printf(s, " (%.1f tokens/s)", (double)n_tokens / seconds);
}

static void print_figures(const lw_cli_conversation *c, const lw_generate_result *r)
{
    gsize computed = r->n_prompt - r->n_reused;
    g_autoptr(GString) s = g_string_new(NULL);

    g_string_append_printf(s, "[prompt %zu tokens", r->n_prompt);
    if (r->n_reused)
        g_string_append_printf(s, ", %zu reused", r->n_reused);
    if (r->n_restored) {
        g_autofree char *n = lw_cli_format_count((gint64)r->n_restored);
        g_string_append_printf(s, " (picked up where we left off: %s tokens)", n);
    }
    if (r->vision_seconds > 0)
        g_string_append_printf(s, ", looked for %.2f s", r->vision_seconds);
    g_string_append(s, ", read");
    append_rate(s, computed, r->prompt_seconds);
    g_string_append_printf(s, "; answer %zu tokens", r->n_generated);
    append_rate(s, r->n_generated, r->generate_seconds);
    if (c->generate.sampling.temperature > 0)
        g_string_append_printf(s, "; seed %" G_GUINT64_FORMAT, c->generate.sampling.seed);
    lw_cli_note("%s]", s->str);
}

static gboolean ask(lw_cli_conversation *c, message *m, sink *out, lw_generate_result *result,
                    GError **error)
{
    lw_prompt *p = render(c, error);
    if (!p)
        return FALSE;
    if (c->attached->len) {
        gboolean fits = fit_media(c, lw_prompt_n_tokens(p), error);
        lw_prompt_free(p);
        if (!fits)
            return FALSE;
        for (guint i = 0; i < c->attached->len; i++) {
            attachment *a = c->attached->pdata[i];
            if (a->media)
                g_ptr_array_add(m->media, lw_media_ref(a->media));
        }
        p = render(c, error);
        if (!p)
            return FALSE;
    }
    gboolean ok = lw_session_generate(c->session, p, &c->generate, on_text, lw_cli_on_progress, out,
                                      &lw_cli_cancel, result, error);
    lw_prompt_free(p);
    return ok;
}

gboolean lw_cli_conversation_ask(lw_cli_conversation *c, const char *text,
                                 lw_generate_result *result, GError **error)
{
    lw_generate_result r = {0};
    sink out = {.answer = g_string_new(NULL), .filter = isatty(STDOUT_FILENO)};
    g_autofree char *whole = compose_text(c, text);
    message *m = message_new(LW_ROLE_USER, whole);

    g_ptr_array_add(c->messages, m);
    gboolean ok = ask(c, m, &out, &r, error);
    lw_cli_status_clear();
    if (out.answer->len && !out.error && !g_str_has_suffix(out.answer->str, "\n"))
        lw_cli_write("\n", 1, &out.error);
    if (ok && out.error) {
        g_propagate_error(error, g_steal_pointer(&out.error));
        ok = FALSE;
    }
    g_clear_error(&out.error);

    if (ok) {
        g_ptr_array_add(c->messages, message_new(LW_ROLE_ASSISTANT, out.answer->str));
        /* What was answered stays answered when it cannot be stored; but it is said. */
        if (c->stored)
            ok = store_turn(c, whole, out.answer->str, &r, error);
        g_ptr_array_set_size(c->attached, 0);
        c->n_answers++;
        c->last = r;
        print_figures(c, &r);
        if (result)
            *result = r;
    } else {
        g_ptr_array_set_size(c->messages, (gint)c->messages->len - 1);
    }
    g_string_free(out.answer, TRUE);
    return ok;
}

void lw_cli_conversation_print_stats(const lw_cli_conversation *c)
{
    const lw_model_info *info = lw_model_get_info(c->model);
    g_autofree char *kv = lw_cli_format_bytes((gint64)lw_session_get_kv_bytes(c->session));

    lw_cli_note("model: %s (%s, %s)", info->name, info->arch, info->types);
    lw_cli_note("device: %s", lw_session_get_device(c->session));
    lw_cli_note("context: %zu of %u tokens, cache %s", lw_session_get_n_tokens(c->session),
                lw_session_get_n_ctx(c->session), kv);
    lw_cli_note("messages: %u, attached to the next one: %u", c->messages->len, c->attached->len);
    if (c->n_answers) {
        lw_cli_note("last answer:");
        print_figures(c, &c->last);
    }
}
