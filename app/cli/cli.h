/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the verbs of `lw` share: options, the model, notes on stderr, output on stdout, Ctrl-C.
 *
 * A verb is a function that returns FALSE with an error; main() alone turns it into the one line
 * "lw: ..." and exit status 1.  Answers and figures go to stdout, everything else to stderr.  Text
 * from files, models and people goes through lw_cli_clean() before it reaches a terminal.
 */
#pragma once

#include "engine/lw-engine.h"

G_BEGIN_DECLS

/* Mistakes of the command line itself. */
#define LW_CLI_ERROR (lw_cli_error_quark())
GQuark lw_cli_error_quark(void);

typedef enum {
    LW_CLI_ERROR_USAGE,  /* an option or argument that cannot be used */
    LW_CLI_ERROR_INPUT,  /* a file or text that cannot be used */
    LW_CLI_ERROR_OUTPUT, /* stdout or --out could not be written */
    LW_CLI_ERROR_CLOSED, /* the reader of stdout went away: nothing to say */
} lw_cli_error;

/* Of --attn, in --help. */
#define LW_CLI_ATTN                                                                                      \
    "Attention: auto (default) or dense; crude, for trying an evaluation, and never for answers: "       \
    "window:SINK+LOCAL, random:P%"

/* argv[0] is the verb. */
typedef gboolean (*lw_cli_verb_fn)(int argc, char **argv, GError **error);

gboolean lw_cli_run(int argc, char **argv, GError **error);
gboolean lw_cli_models(int argc, char **argv, GError **error);
gboolean lw_cli_info(int argc, char **argv, GError **error);
gboolean lw_cli_pull(int argc, char **argv, GError **error);
gboolean lw_cli_tokenize(int argc, char **argv, GError **error);
gboolean lw_cli_embed(int argc, char **argv, GError **error);
gboolean lw_cli_logits(int argc, char **argv, GError **error);
gboolean lw_cli_bench(int argc, char **argv, GError **error);
gboolean lw_cli_eval(int argc, char **argv, GError **error);

/* Parse options; what is left in argv[1..] are the arguments.  synopsis: "[PROMPT]"; summary and
 * description (may be NULL) are the --help text above and below the options; more: a second list, or NULL. */
gboolean lw_cli_parse(int *argc, char ***argv, const char *synopsis, const char *summary,
                      const char *description, const GOptionEntry *entries, const GOptionEntry *more,
                      GError **error);

/* More arguments than `max` are an error that names the first one too many. */
gboolean lw_cli_check_n_args(int argc, char **argv, int max, GError **error);

/* "1,2,3" -> guint32[*n] (g_free), each in [min, max]; option names it in errors. */
guint32 *lw_cli_parse_list(const char *text, const char *option, guint32 min, guint32 max, gsize *n,
                           GError **error);

/* The path of what a person named with -m, or the default model.  Free with g_free(). */
char *lw_cli_model_path(const char *name, GError **error);
/* Open it; mmproj as in lw_model_params. */
lw_model *lw_cli_open_model(const char *name, const char *mmproj, GError **error);

/* The whole of a file, or of stdin when path is NULL or "-": at most `limit` bytes, valid UTF-8
 * without NUL.  Errors name the file and the numbers.  Free with g_free(). */
char *lw_cli_read_text(const char *path, gsize limit, gsize *n, GError **error);

/* One printable line: control characters and newlines become spaces, bad bytes U+FFFD. */
char *lw_cli_clean(const char *text);
/* The name of a file for people: its last part, cleaned.  Free with g_free(). */
char *lw_cli_short_name(const char *path);
/* "712 MiB", "4.4 GiB".  Free with g_free(). */
char *lw_cli_format_bytes(gint64 bytes);
/* "32,768".  Free with g_free(). */
char *lw_cli_format_count(gint64 n);

/* A line on stderr. */
void lw_cli_note(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* A line that overwrites itself while something takes long; only on a terminal.
 * lw_cli_status_clear() removes it before anything else is written. */
void lw_cli_status(const char *format, ...) G_GNUC_PRINTF(1, 2);
void lw_cli_status_clear(void);
/* For lw_session_sync() and friends; shows a status line.  user is not used. */
void lw_cli_on_progress(void *user, const lw_progress *p);

/* stdout, flushed.  Errors: OUTPUT, CLOSED. */
gboolean lw_cli_write(const char *bytes, gsize n, GError **error);
gboolean lw_cli_print(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Ctrl-C: the first one sets this integer, to be handed to the engine; the second one ends the
 * program at once.  lw_cli_catch_interrupt() installs the handler and clears the integer. */
extern gint lw_cli_cancel;
void lw_cli_catch_interrupt(void);

G_END_DECLS
