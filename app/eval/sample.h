/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One sample of the evaluation: a context (text, pictures, films) and questions about it whose right
 * answers are known because the generator put them there.  The same seed gives the same bytes on every
 * machine.  Training draws from the same generators on the other *side*: no name, word, number list or
 * seed is shared between the two sides (words.h).
 *
 * Nothing here knows a model or a tokenizer; generators take a number of *units* (pairs, strings,
 * sentences, frames), and whoever wants a number of tokens bisects over units.
 *
 * The words of a conversation: the first user message is the context, a blank line and the first question;
 * later ones are the question alone.  The context's first line says what the text is and what will be asked.
 *
 * Method: SCBench (arXiv 2412.10319) for the shape of sessions with turns.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LW_EVAL_ERROR (lw_eval_error_quark ())
GQuark lw_eval_error_quark (void);

typedef enum {
  LW_EVAL_ERROR_OPTION, /* a number or a variant that a task cannot be made with */
  LW_EVAL_ERROR_FORMAT, /* a file is not what it should be */
  LW_EVAL_ERROR_LIMIT,  /* a file is larger or deeper than is read */
  LW_EVAL_ERROR_ROOM,   /* so many tokens are too few for the questions */
} LwEvalError;

typedef enum {
  LW_EVAL_SIDE_MEASURE, /* what `lw eval` asks */
  LW_EVAL_SIDE_TRAIN,   /* what the default model was trained on */
} LwEvalSide;

typedef enum {
  LW_EVAL_PART_TEXT,
  LW_EVAL_PART_PICTURE,
  LW_EVAL_PART_FILM,
} LwEvalPartKind;

/* Pictures and films are descriptions (scene.h), painted only when somebody looks. */
typedef struct _LwEvalScene LwEvalScene;

typedef struct {
  LwEvalPartKind kind;
  char *text;          /* UTF-8, for TEXT */
  GPtrArray *scenes;   /* of LwEvalScene: one for PICTURE, one a frame for FILM; NULL for TEXT.  The array
                        * knows how to free its elements; the sample drops one reference to it */
  double fps;          /* for FILM */
} LwEvalPart;

/* The rules, to the letter: score.h. */
typedef enum {
  LW_EVAL_SCORE_SUBSTRING,  /* the answer occurs in the reply, case-sensitive */
  LW_EVAL_SCORE_RECALL,     /* share of `answers` in the reply */
  LW_EVAL_SCORE_INTEGER,    /* the first integer of the reply equals the answer */
  LW_EVAL_SCORE_LETTER,     /* the first option letter of the reply equals the answer, "C" or "(C)" */
  LW_EVAL_SCORE_WORD,       /* the answer's words occur in the reply, in order, case folded */
  LW_EVAL_SCORE_FACTS,      /* digest: (hits - half of the foreign facts) / all, not below 0 */
  LW_EVAL_SCORE_ORDER,      /* the words of the answer in this order */
  /* Of published files only: */
  LW_EVAL_SCORE_QA,         /* an answer occurs in the reply, case folded */
  LW_EVAL_SCORE_SHOT,       /* the bracketed letter */
  LW_EVAL_SCORE_CHARACTERS, /* F1 over characters */
  LW_EVAL_SCORE_SUMMARY,    /* ROUGE-Lsum */
  LW_EVAL_SCORE_CODE,       /* BLEU; `foreign` are the other functions of the repository */
} LwEvalScore;

typedef struct {
  char *kind;          /* what is asked: the task's name, or one of a mixed task's kinds ("needle", ...) */
  char *question;      /* without the context */
  char **answers;      /* NULL-terminated, at least one; [0] is what a perfect reply says */
  char **foreign;      /* NULL-terminated or NULL: what a strict scorer counts as wrong when it is said */
  char **options;      /* NULL-terminated or NULL: the choices, already lettered in the question */
  char *reply;         /* the gold reply as prefilled in later turns and learned in training; owned, UTF-8 */
  LwEvalScore score;
  int cap;             /* most tokens to generate */
  double depth;        /* where the gold is: 0 first, 1 last unit of the context; -1 when it is spread */
  int part;            /* the part that holds the gold, -1 when spread */
  gint64 at;           /* byte offset of the gold in that part's text, or its frame; -1 when spread */
  char *gold;          /* the bytes at `at`, which are nowhere else in the context; NULL when spread */
} LwEvalTurn;

typedef struct {
  char *task;
  guint64 seed;
  LwEvalSide side;
  int units;           /* as made: more than asked for when the turns needed more */
  GPtrArray *parts;    /* of LwEvalPart */
  GPtrArray *turns;    /* of LwEvalTurn */
} LwEvalSample;

/* Both own what their fields point to. */
LwEvalSample *lw_eval_sample_new (const char *task, guint64 seed, LwEvalSide side, int units);
void lw_eval_sample_free (LwEvalSample *sample);

/* Append; the sample owns the result. */
LwEvalPart *lw_eval_sample_add_text (LwEvalSample *sample, char *text_taken);
LwEvalTurn *lw_eval_sample_add_turn (LwEvalSample *sample, const char *kind);

/* The gold is unit `index` of `n`, at byte `at` of `part`'s text; `gold` is copied. */
void lw_eval_turn_place (LwEvalTurn *turn, int part, gint64 at, const char *gold, guint index, guint n);
/* One answer, which is the reply as well; copied. */
void lw_eval_turn_answer (LwEvalTurn *turn, const char *answer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwEvalSample, lw_eval_sample_free)

G_END_DECLS
