/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lw: Longwave in a terminal.  One file per verb; this one only picks it and prints its error.
 */
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "app/cli/cli.h"

static const struct {
    const char *name;
    lw_cli_verb_fn run;
    const char *summary;
} verbs[] = {
    {"run", lw_cli_run, "ask about text, pictures and films, or chat"},
    {"models", lw_cli_models, "list the installed models"},
    {"info", lw_cli_info, "what a model file contains, and whether it fits this machine"},
    {"pull", lw_cli_pull, "fetch a model file: progress, resume, checksum"},
    {"tokenize", lw_cli_tokenize, "text to token ids"},
    {"logits", lw_cli_logits, "next-token logits, for comparison with other engines"},
    {"embed", lw_cli_embed, "vectors of texts"},
    {"bench", lw_cli_bench, "prompt and generation speed at context depths"},
    {"eval", lw_cli_eval, "what a model finds in long contexts"},
};

static gboolean print_help(GError **error)
{
    GString *s = g_string_new("Usage: lw VERB [OPTION...] [ARGUMENT...]\n"
                              "       lw --help | --version\n\n"
                              "Longwave in a terminal: questions about text, pictures and films,\n"
                              "answered on this machine.\n\nVerbs:\n");
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        g_string_append_printf(s, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    g_string_append_printf(s, "  %-10s %s\n", "help", "this list, or the help of a verb");
    g_string_append(s, "\n`lw VERB --help` lists a verb's options; `man lw` tells more.\n");
    g_autofree char *text = g_string_free(s, FALSE);
    return lw_cli_write(text, strlen(text), error);
}

static gboolean run_verb(int argc, char **argv, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (strcmp(argv[0], verbs[i].name) == 0)
            return verbs[i].run(argc, argv, error);
    g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE, "unknown verb \"%s\" (see lw --help)",
                argv[0]);
    return FALSE;
}

static gboolean dispatch(int argc, char **argv, GError **error)
{
    if (argc < 2) {
        g_set_error_literal(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE,
                            "no verb given (see lw --help)");
        return FALSE;
    }
    const char *first = argv[1];
    if (strcmp(first, "--version") == 0)
        return lw_cli_print(error, "lw %s\n", LW_VERSION);
    gboolean help = strcmp(first, "help") == 0;
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || (help && argc == 2))
        return print_help(error);
    if (help) {
        char *args[] = {argv[2], (char *)"--help", NULL};
        return run_verb(2, args, error);
    }
    return run_verb(argc - 1, argv + 1, error);
}

/* What the engine has to say besides errors. */
static void on_log(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
    lw_cli_note("%s", message);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); /* figures look the same everywhere */
    g_set_prgname("lw");
    g_log_set_handler("longwave", G_LOG_LEVEL_MESSAGE, on_log, NULL);
    signal(SIGPIPE, SIG_IGN); /* a reader that leaves is an error of the write */

    if (dispatch(argc, argv, &error))
        return 0;
    if (!g_error_matches(error, LW_CLI_ERROR, LW_CLI_ERROR_CLOSED))
        lw_cli_note("lw: %s", error->message);
    return 1;
}
