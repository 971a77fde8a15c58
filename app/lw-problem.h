/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What went wrong, in the language of the user.  The engine and the modules beside it say it in English, with
 * the name of the thing and the numbers; here their codes become a sentence for people.  Its second line is
 * what they say, in the user's language where the error carries its names and numbers (lw_error_facts); where it
 * does not, in English, which can be searched for or sent to somebody.
 *
 * A problem is one text: the sentence, or the sentence, a line break and the detail.  Any thread.
 */
#pragma once

#include "engine/lw-engine.h"

G_BEGIN_DECLS

/* Problems that the window itself finds: the message is a problem as above already. */
#define LW_APP_ERROR (lw_app_error_quark ())
GQuark lw_app_error_quark (void);

typedef enum
{
  LW_APP_ERROR_CANNOT_SEE,   /* a picture for a model without eyes */
  LW_APP_ERROR_CONTEXT_FULL, /* as LW_ENGINE_ERROR_CONTEXT_FULL, with the numbers in the sentence */
  LW_APP_ERROR_DEVICE,       /* as LW_ENGINE_ERROR_DEVICE; the processor takes its place */
  LW_APP_ERROR_BUSY,         /* it is being done already */
} LwAppError;

/* Free with g_free(). */
char *lw_problem_describe (const GError *error);
/* A sentence and what else there is to say about it, NULL: nothing. */
char *lw_problem_join (const char *sentence, const char *detail);

/* Why a model cannot see pictures, as a problem; NULL: it can. */
char *lw_problem_of_vision (const lw_model_info *info);
/* That a guess had to be made of how the model wants a chat to be written; NULL: it is known. */
char *lw_problem_of_chat (const lw_model_info *info);

/* A chat and a question of n_tokens that do not fit the context, as a problem: its second line is what can be done. */
char *lw_problem_of_room (gsize n_tokens, const lw_fit_choices *fit);

/* Of a problem: its first line, and what comes after (NULL: nothing). */
char *lw_problem_dup_sentence (const char *problem);
const char *lw_problem_get_detail (const char *problem);

G_END_DECLS
