/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/chat.h"

#include <string.h>

#include "app/cli/line.h"

static const char help_text[] =
    "/image FILE   attach a picture to the next question\n"
    "/video FILE   attach a film\n"
    "/doc FILE     attach a text file, whole\n"
    "/clear        forget this conversation\n"
    "/stats        tokens, cache and speed\n"
    "/quit         leave (Ctrl-D does too)\n"
    "Ctrl-C stops an answer; on an empty line it leaves.";

typedef enum { GO_ON, LEAVE } outcome;

/* What people type, drop or paste as a file: quotes, file:// and ~ are undone. */
static char *file_argument(const char *text)
{
    g_autofree char *plain = g_shell_unquote(text, NULL);
    if (!plain)
        plain = g_strdup(text); /* an apostrophe in the name */
    if (g_str_has_prefix(plain, "file://")) {
        char *path = g_filename_from_uri(plain, NULL, NULL);
        if (path)
            return path;
    }
    if (g_str_has_prefix(plain, "~/"))
        return g_build_filename(g_get_home_dir(), plain + 2, NULL);
    return g_steal_pointer(&plain);
}

static void print_error(GError *error)
{
    lw_cli_note("lw: %s", error->message);
    g_error_free(error);
}

static void attach(lw_cli_conversation *c, lw_cli_kind kind, const char *argument)
{
    GError *error = NULL;
    if (!*argument) {
        lw_cli_note("lw: which file?  For example: /image photo.jpg");
        return;
    }
    g_autofree char *path = file_argument(argument);
    if (!lw_cli_conversation_attach(c, kind, path, &error))
        print_error(error);
}

static outcome command(lw_cli_conversation *c, char *line)
{
    char *argument = line + strcspn(line, " \t");
    if (*argument)
        *argument++ = 0;
    argument = g_strstrip(argument);

    if (!strcmp(line, "/image"))
        attach(c, LW_CLI_PICTURE, argument);
    else if (!strcmp(line, "/video"))
        attach(c, LW_CLI_FILM, argument);
    else if (!strcmp(line, "/doc"))
        attach(c, LW_CLI_DOCUMENT, argument);
    else if (!strcmp(line, "/clear")) {
        lw_cli_conversation_clear(c);
        lw_cli_note("A new conversation.");
    } else if (!strcmp(line, "/stats"))
        lw_cli_conversation_print_stats(c);
    else if (!strcmp(line, "/quit"))
        return LEAVE;
    else if (!strcmp(line, "/help")) {
        g_auto(GStrv) lines = g_strsplit(help_text, "\n", -1);
        for (char **l = lines; *l; l++)
            lw_cli_note("%s", *l);
    } else
        lw_cli_note("lw: no command %s; /help lists them", line);
    return GO_ON;
}

void lw_cli_note_limit(const lw_generate_result *r)
{
    if (r->stop == LW_STOP_LENGTH)
        lw_cli_note("(stopped at --max-tokens %zu)", r->n_generated);
    else if (r->stop == LW_STOP_REPEATS)
        lw_cli_note("(stopped: the answer began to repeat itself; --repeat-stop 0 lets it go on)");
}

static outcome question(lw_cli_conversation *c, const char *text, GError **error)
{
    g_autoptr(GError) local = NULL;
    lw_generate_result r;

    lw_cli_catch_interrupt();
    if (lw_cli_conversation_ask(c, text, &r, &local)) {
        lw_cli_note_limit(&r);
        if (r.stop == LW_STOP_CANCELLED)
            lw_cli_note("(stopped)");
        else if (r.stop == LW_STOP_CONTEXT)
            lw_cli_note("lw: the context of %u tokens is full; /clear starts anew, a larger --ctx "
                        "holds more",
                        lw_cli_conversation_n_ctx(c));
        return GO_ON;
    }
    if (local->domain == LW_CLI_ERROR) { /* stdout is gone: nothing more can be said */
        g_propagate_error(error, g_steal_pointer(&local));
        return LEAVE;
    }
    if (g_error_matches(local, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED))
        lw_cli_note("(stopped before an answer; the question was taken back)");
    else
        print_error(g_steal_pointer(&local));
    return GO_ON;
}

gboolean lw_cli_chat(lw_cli_conversation *c, const lw_model_info *info, GError **error)
{
    GError *local = NULL;
    lw_line *line = lw_line_new();
    outcome next = GO_ON;

    lw_cli_note("%s.  /help lists the commands.", info->name);
    if (info->description)
        lw_cli_note("%s", info->description);
    while (next == GO_ON) {
        g_autofree char *text = NULL;
        guint n = lw_cli_conversation_n_attached(c);
        g_autofree char *prompt = n ? g_strdup_printf("[%u attached] > ", n) : g_strdup("> ");
        lw_line_result got = lw_line_read(line, prompt, &text);
        if (got == LW_LINE_LEAVE || got == LW_LINE_END)
            break;
        if (got == LW_LINE_INTERRUPT || !*g_strstrip(text))
            continue;
        next = text[0] == '/' && !strchr(text, '\n') ? command(c, text)
                                                     : question(c, text, &local);
    }
    lw_line_free(line);
    if (local) {
        g_propagate_error(error, local);
        return FALSE;
    }
    return TRUE;
}
