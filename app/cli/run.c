/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <unistd.h>

#include "app/cli/chat.h"
#include "app/cli/sampling.h"

typedef struct {
    lw_cli_kind kind;
    char *path;
} file;

#define NOT_GIVEN G_MININT

/* The command line. */
static struct {
    char *model, *system, *kv, *attention, *mmproj, *chat;
    int n_ctx, n_threads, max_tokens, repeat_stop;
    GArray *files; /* of file, in the order given */
} o = {.max_tokens = NOT_GIVEN, .repeat_stop = LW_REPEAT_STOP};

static gboolean add_file(const char *name, const char *value, gpointer data, GError **error)
{
    lw_cli_kind kind = !strcmp(name, "--image")   ? LW_CLI_PICTURE
                       : !strcmp(name, "--video") ? LW_CLI_FILM
                                                  : LW_CLI_DOCUMENT;
    file f = {.kind = kind, .path = g_strdup(value)};
    g_array_append_val(o.files, f);
    return TRUE;
}

static const GOptionEntry entries[] = {
    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &o.model,
     "Model file, or the name of an installed one (default: the one that comes with Longwave)",
     "MODEL"},
    {"mmproj", 0, 0, G_OPTION_ARG_FILENAME, &o.mmproj,
     "Vision file (default: mmproj*.gguf beside the model)", "FILE"},
    {"image", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, add_file,
     "Attach a picture; may be repeated", "FILE"},
    {"video", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, add_file,
     "Attach a film; may be repeated", "FILE"},
    {"doc", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, add_file,
     "Attach a text file, whole, up to 1 MiB; may be repeated", "FILE"},
    {"chat", 0, 0, G_OPTION_ARG_STRING, &o.chat,
     "Go on with a stored conversation, by its id or the beginning of it", "ID"},
    {"system", 0, 0, G_OPTION_ARG_STRING, &o.system, "System prompt", "TEXT"},
    {"ctx", 0, 0, G_OPTION_ARG_INT, &o.n_ctx,
     "Context in tokens (default: the model's, or less if memory is short)", "N"},
    {"threads", 't', 0, G_OPTION_ARG_INT, &o.n_threads, "Threads (default: one per CPU)", "N"},
    {"max-tokens", 0, 0, G_OPTION_ARG_INT, &o.max_tokens,
     "Longest answer (default: until the model ends it)", "N"},
    {"repeat-stop", 0, 0, G_OPTION_ARG_INT, &o.repeat_stop,
     "Stop an answer whose last N tokens say the same again and again, 0: never (default: 1024)", "N"},
    {"kv", 0, 0, G_OPTION_ARG_STRING, &o.kv, "Type of the cache: f16 (default), q8_0 or f32", "TYPE"},
    {"attn", 0, 0, G_OPTION_ARG_STRING, &o.attention, LW_CLI_ATTN, "MODE"},
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

static gboolean read_options(lw_session_params *session, GError **error)
{
    if (o.n_ctx < 0)
        return usage(error, "--ctx %d: a number of tokens cannot be negative", o.n_ctx);
    if (o.n_threads < 0)
        return usage(error, "--threads %d: a number of threads cannot be negative", o.n_threads);
    if (o.max_tokens < 0 && o.max_tokens != NOT_GIVEN)
        return usage(error, "--max-tokens %d: a number of tokens cannot be negative", o.max_tokens);
    if (o.repeat_stop < 0)
        return usage(error, "--repeat-stop %d: a number of tokens cannot be negative", o.repeat_stop);
    *session = (lw_session_params){
        .n_ctx = (guint32)o.n_ctx,
        .n_threads = o.n_threads,
        .attention = o.attention && strcmp(o.attention, "auto") ? o.attention : NULL,
    };
    return lw_kv_type_parse(o.kv, &session->kv_type, error);
}

static gboolean ask_once(lw_cli_conversation *c, const char *prompt, GError **error)
{
    lw_generate_result r;
    if (!lw_cli_conversation_ask(c, prompt, &r, error))
        return FALSE;
    if (r.stop == LW_STOP_CANCELLED) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED,
                    "stopped after %zu tokens of the answer", r.n_generated);
        return FALSE;
    }
    if (r.stop == LW_STOP_CONTEXT) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL,
                    "the answer is not complete: the context of %u tokens is full after %zu of the "
                    "answer; give a larger --ctx",
                    lw_cli_conversation_n_ctx(c), r.n_generated);
        return FALSE;
    }
    lw_cli_note_limit(&r);
    return TRUE;
}

static guint longest_answer(const lw_mem_options *stored)
{
    if (o.max_tokens != NOT_GIVEN)
        return (guint)o.max_tokens;
    return stored && !stored->own ? (guint)MAX(stored->max_tokens, 0) : 0;
}

/* prompt NULL: chat.  stored: NULL, or taken over once the conversation is there. */
static gboolean converse(lw_model *m, const char *prompt, lw_cli_stored **stored, GError **error)
{
    const lw_mem_options *options = *stored ? (*stored)->options : NULL;
    lw_session_params session;
    if (!read_options(&session, error))
        return FALSE;
    lw_generate_params generate = {.max_tokens = longest_answer(options),
                                   .repeat_stop = (guint)o.repeat_stop};
    if (!lw_cli_sampling_read(m, options, &generate, error))
        return FALSE;
    const char *system = o.system || !options ? o.system : options->system;
    /* Only a conversation that is stored can be gone on with. */
    g_autofree char *snapshots = o.chat ? lw_session_default_snapshots() : NULL;
    session.snapshots = snapshots;
    lw_cli_conversation *c = lw_cli_conversation_new(m, &session, &generate, system, error);
    if (!c) {
        lw_grammar_unref(generate.grammar);
        return FALSE;
    }

    gboolean ok = !*stored || lw_cli_conversation_continue(c, g_steal_pointer(stored), error);
    for (guint i = 0; ok && i < o.files->len; i++) {
        const file *f = &g_array_index(o.files, file, i);
        ok = lw_cli_conversation_attach(c, f->kind, f->path, error);
    }
    if (ok)
        ok = prompt ? ask_once(c, prompt, error) : lw_cli_chat(c, lw_model_get_info(m), error);
    lw_cli_conversation_free(c);
    lw_grammar_unref(generate.grammar);
    return ok;
}

/* The words after the options, "-" or a pipe: stdin, nothing on a terminal: NULL (chat). */
static gboolean read_prompt(int argc, char **argv, char **prompt, GError **error)
{
    gsize n;
    *prompt = NULL;
    if (argc == 1 && isatty(STDIN_FILENO))
        return TRUE;
    if (argc == 1 || (argc == 2 && !strcmp(argv[1], "-"))) {
        *prompt = lw_cli_read_text(NULL, LW_CLI_MAX_PROMPT_BYTES, &n, error);
        if (!*prompt)
            return FALSE;
        g_strchomp(*prompt);
    } else {
        *prompt = g_strjoinv(" ", argv + 1);
        if (!g_utf8_validate(*prompt, -1, NULL))
            return usage(error, "the prompt is not UTF-8 text");
    }
    if (!**prompt)
        return usage(error, "the prompt is empty: 0 characters%s", argc == 1 ? " on standard input" : "");
    return TRUE;
}

static void clear_file(gpointer p)
{
    g_free(((file *)p)->path);
}

gboolean lw_cli_run(int argc, char **argv, GError **error)
{
    g_autofree char *prompt = NULL;
    o.files = g_array_new(FALSE, FALSE, sizeof(file));
    g_array_set_clear_func(o.files, clear_file);

    lw_cli_catch_interrupt();
    gboolean ok =
        lw_cli_parse(&argc, &argv, "[PROMPT]", "Ask about text, pictures and films.",
                     "Without PROMPT a chat begins.  PROMPT \"-\", or no PROMPT and a pipe, reads "
                     "standard input.\nThe answer goes to standard output, everything else to "
                     "standard error.",
                     entries, lw_cli_sampling_entries, error) &&
        read_prompt(argc, argv, &prompt, error);
    g_autoptr(lw_cli_stored) stored = NULL;
    if (ok && o.chat)
        ok = (stored = lw_cli_stored_find(o.chat, o.model, error)) != NULL;
    if (ok) {
        const char *name = o.model || !stored ? o.model : stored->record->model;
        lw_model *m = lw_cli_open_model(name, o.mmproj, error);
        ok = m && converse(m, prompt, &stored, error);
        if (m)
            lw_model_unref(m);
    }
    g_array_unref(o.files);
    return ok;
}
