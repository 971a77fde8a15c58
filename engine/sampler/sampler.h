/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From logits to a token: bias, penalties, DRY, top-n-sigma, top-k, typical, top-p, min-p, XTC,
 * temperature last, draw.  The order and the defaults are llama.cpp's (src/llama-sampling.cpp); the
 * generator is our own (PCG32, cumulative sum in f64 in id order), reproducible for a seed within
 * one version.  No allocation after lw_sampler_new().  One thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    gint32 token;
    float bias; /* added to its logit; -INFINITY: never */
} lw_logit_bias;

typedef struct {
    float temperature; /* <= 0: greedy, first of equals; default 0.8 */
    gint32 top_k;      /* <= 0: off; default 40 */
    float top_p;       /* in (0, 1], 1: off; default 0.95; keeps the token that crosses p */
    float min_p;       /* in [0, 1), 0: off; default 0.05; keeps logit >= max + ln p */
    float typical_p;   /* in (0, 1], 1: off (default): the tokens whose surprise is nearest to the
                        * entropy, until their probability reaches p (Meister 2022) */
    float top_n_sigma; /* > 0: keeps logit >= max - n * deviation of all logits; default 0: off */
    float
        xtc_probability; /* in [0, 1], default 0: off.  With this chance every token of at least */
    float xtc_threshold; /* this probability but the least likely of them is dropped; default 0.1 */
    float repeat_penalty;    /* > 0, 1: off (default); logit <= 0 ? *r : /r, once per seen token */
    float presence_penalty;  /* default 0 */
    float frequency_penalty; /* default 0 */
    gint32 penalty_last_n;   /* tokens looked back at, default 64 */
    /* DRY: a token that would go on with a repetition of n >= allowed tokens loses
     * multiplier * base^(n - allowed).  Repetitions do not reach over a breaker token. */
    float dry_multiplier;       /* >= 0, default 0: off */
    float dry_base;             /* >= 1, default 1.75 */
    gint32 dry_allowed;         /* >= 1, default 2 */
    gint32 dry_last_n;          /* tokens looked back at, default 1,024 */
    const gint32 *dry_breakers; /* [n_dry_breakers] token ids, copied; NULL: none */
    gsize n_dry_breakers;
    const lw_logit_bias *bias; /* [n_bias], copied; NULL: none */
    gsize n_bias;
    guint64 seed;
} lw_sampler_params;

/* The defaults above with seed 0. */
lw_sampler_params lw_sampler_params_default(void);

typedef struct lw_sampler lw_sampler;

/* n_vocab > 0.  Errors: LW_ENGINE_ERROR_INVALID naming the parameter and its value. */
lw_sampler *lw_sampler_new(gint32 n_vocab, const lw_sampler_params *params, GError **error);
void lw_sampler_free(lw_sampler *s);

/* Tell the sampler about a token of the timeline (prompt or generated), for the penalties. */
void lw_sampler_accept(lw_sampler *s, gint32 token);

/* logits: [n_vocab] f32, not changed.  NaN counts as -infinity.  allowed: bit i of word i / 32 says
 * whether token i may be chosen (at least one may); NULL: all.  Returns a token id. */
gint32 lw_sampler_sample(lw_sampler *s, const float *logits, const guint32 *allowed);

/* ---- Probabilities, as the model gives them (before any of the above) ---- */

typedef struct {
    gint32 token;
    float logprob; /* natural logarithm, <= 0 */
} lw_logprob;

/* ln of the softmax at one token. */
float lw_logprob_of(const float *logits, gint32 n_vocab, gint32 token);
/* The n likeliest tokens, in order, equal ones by id.  Returns how many: MIN(n, n_vocab). */
gsize lw_logprob_top(const float *logits, gint32 n_vocab, lw_logprob *out, gsize n);

G_END_DECLS
