/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-model-item.h"

#include <glib/gi18n.h>

#include "app/lw-problem.h"
#include "engine/session/fit.h"

struct _LwModelItem
{
  GObject parent_instance;
  lw_library_entry *entry;
  LwModelFacts *facts;
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwModelItem, lw_model_item, G_TYPE_OBJECT)

/* ---- Facts ---- */

LwModelFacts *
lw_model_facts_new (const char *path, gboolean measure, lw_kv_type kv_type)
{
  LwModelFacts *f = g_new0 (LwModelFacts, 1);
  g_autoptr (GError) error = NULL;
  lw_model *m = lw_model_open (path, NULL, &error);
  const lw_model_info *info;
  lw_report *r;

  if (!m)
    {
      f->error = lw_problem_describe (error);
      return f;
    }
  info = lw_model_get_info (m);
  r = lw_report_new (m, measure);
  f->does_not_fit = r->does_not_fit != NULL;
  f->vision_missing = lw_problem_of_vision (info);
  f->has_vision = info->has_vision;
  f->only_embeds = info->only_embeds;
  f->file_bytes = info->file_bytes;
  f->kv_type = lw_model_info_kv_bytes_per_token (info, kv_type) ? kv_type : LW_KV_F16;
  f->kv_bytes_per_token = lw_model_info_kv_bytes_per_token (info, f->kv_type);
  f->n_ctx = r->n_ctx;
  /* The report's is for f16. */
  if (!f->does_not_fit && f->kv_type != LW_KV_F16
      && !lw_fit_context (info, 0, f->kv_type, r->memory_available, r->memory_total, &f->n_ctx, NULL))
    f->n_ctx = r->n_ctx;
  f->n_ctx_train = info->n_ctx_train;
  f->memory_available = r->memory_available;
  f->memory_total = r->memory_total;
  f->speed = lw_report_generation_speed (r, 0);
  f->prompt_speed = lw_report_prompt_speed (r);
  f->kind = r->speed.kind;
  f->n_contexts = lw_report_contexts (r, info, f->contexts);
  for (guint i = 0; i < f->n_contexts; i++)
    {
      f->context_bytes[i] = f->contexts[i].tokens * f->kv_bytes_per_token;
      f->context_speed[i] = lw_report_generation_speed (r, f->context_bytes[i]);
    }
  lw_report_free (r);
  lw_model_unref (m);
  return f;
}

void
lw_model_facts_free (LwModelFacts *f)
{
  if (!f)
    return;
  g_free (f->error);
  g_free (f->vision_missing);
  g_free (f);
}

/* ---- Item ---- */

static void
lw_model_item_finalize (GObject *object)
{
  LwModelItem *self = LW_MODEL_ITEM (object);

  lw_library_entry_free (self->entry);
  lw_model_facts_free (self->facts);
  G_OBJECT_CLASS (lw_model_item_parent_class)->finalize (object);
}

static void
lw_model_item_class_init (LwModelItemClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lw_model_item_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
lw_model_item_init (LwModelItem *self)
{
}

LwModelItem *
lw_model_item_new (lw_library_entry *entry)
{
  LwModelItem *self = g_object_new (LW_TYPE_MODEL_ITEM, NULL);

  self->entry = entry;
  return self;
}

const lw_library_entry *
lw_model_item_get_entry (LwModelItem *self)
{
  return self->entry;
}

const LwModelFacts *
lw_model_item_get_facts (LwModelItem *self)
{
  return self->facts;
}

void
lw_model_item_set_facts (LwModelItem *self, LwModelFacts *facts)
{
  lw_model_facts_free (self->facts);
  self->facts = facts;
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

gboolean
lw_model_item_is_of (LwModelItem *self, const lw_library_entry *entry)
{
  const lw_library_entry *a = self->entry, *b = entry;

  return g_strcmp0 (a->path, b->path) == 0 && g_strcmp0 (a->name, b->name) == 0
         && g_strcmp0 (a->problem, b->problem) == 0 && a->problem_code == b->problem_code
         && g_strcmp0 (a->arch, b->arch) == 0 && g_strcmp0 (a->types, b->types) == 0
         && g_strcmp0 (a->mmproj, b->mmproj) == 0 && a->bytes == b->bytes && a->n_files == b->n_files
         && a->source == b->source && a->is_file == b->is_file && a->is_default == b->is_default;
}

gboolean
lw_model_item_is_usable (LwModelItem *self)
{
  const LwModelFacts *f = self->facts;

  return !self->entry->problem && (!f || (!f->error && !f->does_not_fit && !f->only_embeds));
}

char *
lw_model_item_dup_problem (LwModelItem *self)
{
  const lw_library_entry *e = self->entry;

  if (e->problem)
    {
      g_autoptr (GError) error = g_error_new_literal (LW_MODEL_ERROR, (int)e->problem_code, e->problem);
      return lw_problem_describe (error);
    }
  return self->facts ? g_strdup (self->facts->error) : NULL;
}

char *
lw_model_item_dup_summary (LwModelItem *self)
{
  const lw_library_entry *e = self->entry;
  const LwModelFacts *f = self->facts;
  GString *s = g_string_new (NULL);
  g_autofree char *size = g_format_size ((guint64)e->bytes), *problem = lw_model_item_dup_problem (self);

  if (problem)
    {
      g_autofree char *sentence = lw_problem_dup_sentence (problem);

      g_string_append (s, sentence);
      return g_string_free (s, FALSE);
    }
  g_string_append (s, size);
  if (f ? f->has_vision : e->mmproj != NULL)
    g_string_append_printf (s, " · %s", _("sees pictures and films"));
  else if (f && f->only_embeds)
    g_string_append_printf (s, " · %s", _("makes vectors, cannot answer"));
  else
    g_string_append_printf (s, " · %s", _("text only"));
  if (!f)
    return g_string_free (s, FALSE);
  g_string_append_printf (s, " · %s", f->does_not_fit ? _("does not fit this computer") : _("fits"));
  if (f->speed > 0 && !f->does_not_fit && !f->only_embeds)
    {
      g_autofree char *speed = NULL;

      /* Translators: how fast a model should answer on this computer */
      speed = g_strdup_printf (f->speed < 10 ? _("about %.1f tokens/s (estimate)")
                                             : _("about %.0f tokens/s (estimate)"),
                               f->speed);
      g_string_append_printf (s, " · %s", speed);
    }
  return g_string_free (s, FALSE);
}
