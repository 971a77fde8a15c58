/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model of the library and what is known about it.  What its file says is there at once; whether it
 * fits and how fast it should be comes later from a worker (lw-model-library.h), with signal "changed".
 *
 * Thread: UI, but for LwModelFacts, which is a plain value.
 */
#pragma once

#include <gio/gio.h>

#include "app/lw-types.h"
#include "app/models/report.h"
#include "engine/library/lw-library.h"

G_BEGIN_DECLS

/* What opening the model showed.  Numbers as in lw_report and lw_model_info. */
typedef struct
{
  char *error;          /* it could not be opened: why, a problem (lw-problem.h); else NULL */
  char *vision_missing; /* a problem too, NULL: it sees, or nobody expects it to */
  gboolean does_not_fit;
  gboolean has_vision, only_embeds;
  gint64 file_bytes;
  lw_kv_type kv_type;        /* of the context, for what follows */
  gint64 kv_bytes_per_token;
  guint32 n_ctx, n_ctx_train;
  guint64 memory_available, memory_total;
  double speed, prompt_speed; /* estimates, tokens a second; 0: not known */
  lw_speed_kind kind;
  guint n_contexts;
  lw_report_context contexts[LW_REPORT_MAX_CONTEXTS];
  gint64 context_bytes[LW_REPORT_MAX_CONTEXTS]; /* in kv_type */
  double context_speed[LW_REPORT_MAX_CONTEXTS];
} LwModelFacts;

/* Open the model and look; measure: thoroughly.  kv_type: wanted for the context; a model that cannot have it
 * gets f16, as when it answers.  Blocks, any thread. */
LwModelFacts *lw_model_facts_new (const char *path, gboolean measure, lw_kv_type kv_type);
void lw_model_facts_free (LwModelFacts *f);

#define LW_TYPE_MODEL_ITEM (lw_model_item_get_type ())
G_DECLARE_FINAL_TYPE (LwModelItem, lw_model_item, LW, MODEL_ITEM, GObject)

/* entry: taken over. */
LwModelItem *lw_model_item_new (lw_library_entry *entry);

const lw_library_entry *lw_model_item_get_entry (LwModelItem *self);
/* NULL: not looked at yet. */
const LwModelFacts *lw_model_item_get_facts (LwModelItem *self);
/* facts: taken over. */
void lw_model_item_set_facts (LwModelItem *self, LwModelFacts *facts);
/* entry says the same as this item's. */
gboolean lw_model_item_is_of (LwModelItem *self, const lw_library_entry *entry);

/* It can answer here: nothing is known that speaks against it. */
gboolean lw_model_item_is_usable (LwModelItem *self);

/* Why it cannot be used, as a problem (lw-problem.h), or NULL.  g_free(). */
char *lw_model_item_dup_problem (LwModelItem *self);

/* "1.7 GB · sees pictures and films · fits · about 21 tokens/s (estimate)", for people.  g_free(). */
char *lw_model_item_dup_summary (LwModelItem *self);

G_END_DECLS
