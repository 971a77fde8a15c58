/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A conversation in the terminal: the messages so far, what is attached to the next one, and the
 * session that holds their tokens.  `lw run` with a prompt asks once; the chat asks again and again.
 */
#pragma once

#include "app/cli/cli.h"
#include "app/cli/stored.h"

G_BEGIN_DECLS

typedef enum {
    LW_CLI_PICTURE,
    LW_CLI_FILM,
    LW_CLI_DOCUMENT, /* UTF-8 text, attached whole */
} lw_cli_kind;

/* A document larger than this is refused, never cut. */
#define LW_CLI_MAX_DOCUMENT_BYTES ((gsize)1 << 20)
/* A prompt from stdin. */
#define LW_CLI_MAX_PROMPT_BYTES ((gsize)16 << 20)

typedef struct lw_cli_conversation lw_cli_conversation;

/* The conversation takes its own references of the model.  session and generate are copied;
 * system may be NULL. */
lw_cli_conversation *lw_cli_conversation_new(lw_model *m, const lw_session_params *session,
                                             const lw_generate_params *generate, const char *system,
                                             GError **error);
void lw_cli_conversation_free(lw_cli_conversation *c);

/* Go on with a stored conversation (taken over, on error too): its messages come first, with their pictures
 * and films, and every answered question is stored.  Its instructions and sampling are the caller's to give
 * to lw_cli_conversation_new().  Before the first question.  Errors: LW_MEM_ERROR, what opening the media
 * says. */
gboolean lw_cli_conversation_continue(lw_cli_conversation *c, lw_cli_stored *found, GError **error);

/* Add a file to the next question; it is opened and checked now, and a line on stderr says what it
 * is.  On error nothing is attached. */
gboolean lw_cli_conversation_attach(lw_cli_conversation *c, lw_cli_kind kind, const char *path,
                                    GError **error);
guint lw_cli_conversation_n_attached(const lw_cli_conversation *c);
guint32 lw_cli_conversation_n_ctx(const lw_cli_conversation *c);

/* Ask: the answer streams to stdout and ends with a newline, figures go to stderr.
 * Media that the context has no room for are opened again with what is left, which is said on stderr.
 * On error the question is taken back, its attachments wait for the next one, and the conversation
 * goes on from where it was.  result (may be NULL) tells why an answer ended. */
gboolean lw_cli_conversation_ask(lw_cli_conversation *c, const char *text,
                                 lw_generate_result *result, GError **error);

/* Forget the messages and the attachments, keep the system prompt; a stored conversation stays as it is
 * and is left. */
void lw_cli_conversation_clear(lw_cli_conversation *c);

/* Tokens, cache and device, on stderr. */
void lw_cli_conversation_print_stats(const lw_cli_conversation *c);

G_END_DECLS
