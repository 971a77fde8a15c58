/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From logits to a token: repetition penalties, top-k, top-p, min-p, temperature last, draw.
 * The order and the defaults are llama.cpp's (src/llama-sampling.cpp); the generator is our own
 * (PCG32, cumulative sum in f64 in id order), reproducible for a seed within one version.
 * No allocation after lw_sampler_new().  One thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
    float temperature;       /* <= 0: greedy, first of equals; default 0.8 */
    gint32 top_k;            /* <= 0: off; default 40 */
    float top_p;             /* in (0, 1], 1: off; default 0.95; keeps the token that crosses p */
    float min_p;             /* in [0, 1), 0: off; default 0.05; keeps logit >= max + ln p */
    float repeat_penalty;    /* > 0, 1: off (default); logit <= 0 ? *r : /r, once per seen token */
    float presence_penalty;  /* default 0 */
    float frequency_penalty; /* default 0 */
    gint32 penalty_last_n;   /* tokens looked back at, default 64 */
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

/* logits: [n_vocab] f32, not changed.  NaN counts as -infinity.  Returns a token id. */
gint32 lw_sampler_sample(lw_sampler *s, const float *logits);

G_END_DECLS
