/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Does a model fit this machine, with how much context, and how fast should it be?  `lw info` prints
 * it, the window's page of models shows it.  Speeds are estimates out of two measured ceilings
 * (speed.h): a generated token reads every weight and the cache once, a prompt token multiplies every
 * weight of the layers once.
 */
#pragma once

#include "app/models/speed.h"
#include "engine/lw-engine.h"

G_BEGIN_DECLS

typedef struct {
    guint64 memory_total, memory_available; /* bytes, now */
    gint64 free_bytes;      /* available beside the files; < 0: they alone are too large */
    char *does_not_fit;     /* why the model cannot be run here, NULL when it can */
    guint32 n_ctx;          /* context that `lw run` would choose, tokens; 0 when it cannot be run */
    gint64 bytes_per_token; /* weights that one generated token reads */
    double flop_per_token;  /* of one prompt token in the layers, without attention */
    lw_speed speed;
} lw_report;

/* A context that could be taken. */
typedef struct {
    gint64 tokens, f16, q8_0; /* bytes of its cache; q8_0 0: not possible */
    gboolean fits_f16, fits_q8_0;
} lw_report_context;

#define LW_REPORT_MAX_CONTEXTS 4

/* measure: thoroughly, reading up to 1 GiB of the weights; else what is remembered or can be measured in a
 * moment.  Blocks; any thread, but only one at a time measures well.  Free with lw_report_free(). */
lw_report *lw_report_new(const lw_model *m, gboolean measure);
void lw_report_free(lw_report *r);

/* 4,096, 16,384 and 32,768 tokens, as far as the model was trained for, and what it was trained for.
 * Returns how many; 0 for a model that only embeds. */
guint lw_report_contexts(const lw_report *r, const lw_model_info *info,
                         lw_report_context rows[LW_REPORT_MAX_CONTEXTS]);

/* Estimates, tokens a second; 0: not known.  kv_bytes: of the cache that every token reads. */
double lw_report_generation_speed(const lw_report *r, gint64 kv_bytes);
double lw_report_prompt_speed(const lw_report *r);

G_END_DECLS
