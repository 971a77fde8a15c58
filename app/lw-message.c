/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-message.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/count.h"
#include "app/lw-attachment.h"

#define POINT_OUT_MS 2500

struct _LwMessage
{
  GObject parent_instance;
  char *id, *parent;
  int branch, n_branches;
  gboolean last;
  guint pointed_out_source;
  lw_mem_role role;
  lw_mem_state state;
  GString *text;
  GListStore *attachments; /* NULL: none, until somebody asks; of 10,000 messages few have any */
  gint64 created;
  int n_prompt, n_reused, n_generated, n_restored;
  double tokens_per_second;

  LwPhase phase;
  char *status;
  double fraction;
  char *footer;
  gboolean has_footer; /* FALSE: it is made when it is asked for */
  char *note, *note_details;
};

enum
{
  PROP_0,
  PROP_TEXT,
  PROP_PHASE,
  PROP_STATUS,
  PROP_FRACTION,
  PROP_FOOTER,
  PROP_BRANCHES,
  PROP_LAST,
  PROP_POINTED_OUT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (LwMessage, lw_message, G_TYPE_OBJECT)

static void
lw_message_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LwMessage *self = LW_MESSAGE (object);

  switch (id)
    {
    case PROP_TEXT:
      g_value_set_string (value, self->text->str);
      break;
    case PROP_PHASE:
      g_value_set_int (value, self->phase);
      break;
    case PROP_STATUS:
      g_value_set_string (value, self->status);
      break;
    case PROP_FRACTION:
      g_value_set_double (value, self->fraction);
      break;
    case PROP_FOOTER:
      g_value_set_string (value, lw_message_get_footer (self));
      break;
    case PROP_BRANCHES:
      g_value_set_int (value, self->n_branches);
      break;
    case PROP_LAST:
      g_value_set_boolean (value, self->last);
      break;
    case PROP_POINTED_OUT:
      g_value_set_boolean (value, self->pointed_out_source != 0);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
lw_message_finalize (GObject *object)
{
  LwMessage *self = LW_MESSAGE (object);

  g_clear_handle_id (&self->pointed_out_source, g_source_remove);
  g_free (self->id);
  g_free (self->parent);
  g_string_free (self->text, TRUE);
  g_clear_object (&self->attachments);
  g_free (self->status);
  g_free (self->footer);
  g_free (self->note);
  g_free (self->note_details);
  G_OBJECT_CLASS (lw_message_parent_class)->finalize (object);
}

static void
lw_message_class_init (LwMessageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = lw_message_get_property;
  object_class->finalize = lw_message_finalize;
  props[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, NULL, flags);
  props[PROP_PHASE] = g_param_spec_int ("phase", NULL, NULL, 0, LW_PHASE_WRITING, 0, flags);
  props[PROP_STATUS] = g_param_spec_string ("status", NULL, NULL, NULL, flags);
  props[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, -1, 1, -1, flags);
  props[PROP_FOOTER] = g_param_spec_string ("footer", NULL, NULL, NULL, flags);
  props[PROP_BRANCHES] = g_param_spec_int ("branches", NULL, NULL, 1, G_MAXINT, 1, flags);
  props[PROP_LAST] = g_param_spec_boolean ("last", NULL, NULL, FALSE, flags);
  props[PROP_POINTED_OUT] = g_param_spec_boolean ("pointed-out", NULL, NULL, FALSE, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
lw_message_init (LwMessage *self)
{
  self->text = g_string_new (NULL);
  self->fraction = -1;
  self->branch = self->n_branches = 1;
}

LwMessage *
lw_message_new (lw_mem_role role, const char *text)
{
  LwMessage *self = g_object_new (LW_TYPE_MESSAGE, NULL);

  self->id = lw_mem_new_id ();
  self->role = role;
  self->created = g_get_real_time ();
  g_string_append (self->text, text ? text : "");
  return self;
}

/* "14:05", or with the date when it was not today. */
static char *
format_time (gint64 microseconds)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (microseconds / G_USEC_PER_SEC);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autoptr (GDateTime) t = utc ? g_date_time_to_local (utc) : NULL;

  if (!t)
    return g_strdup ("");
  if (g_date_time_get_year (t) == g_date_time_get_year (now)
      && g_date_time_get_day_of_year (t) == g_date_time_get_day_of_year (now))
    return g_date_time_format (t, "%H:%M");
  /* Translators: the date and time of an older message, see the manual page of strftime */
  return g_date_time_format (t, _("%-d %b %Y, %H:%M"));
}

char *
lw_message_dup_details (LwMessage *self)
{
  g_autofree char *reused = NULL, *prompt = NULL;

  g_return_val_if_fail (LW_IS_MESSAGE (self), NULL);

  if (self->role == LW_MEM_ROLE_USER)
    return g_strdup (self->note_details);
  if (self->role != LW_MEM_ROLE_ASSISTANT || self->phase != LW_PHASE_SETTLED || self->n_prompt <= 0)
    return NULL;
  reused = lw_count (self->n_reused);
  prompt = lw_count (self->n_prompt);
  if (self->n_reused > 0)
    /* Translators: how much of the prompt was still in memory from the turn before */
    return g_strdup_printf (_("%s of %s prompt tokens reused"), reused, prompt);
  return g_strdup_printf (ngettext ("%s prompt token", "%s prompt tokens", (gulong)self->n_prompt), prompt);
}

/* How long the answer took to write; nothing when it was there at once. */
static void
add_duration (GPtrArray *parts, double seconds)
{
  if (seconds >= 100)
    /* Translators: minutes and seconds */
    g_ptr_array_add (parts, g_strdup_printf (_("%d min %d s"), (int)(seconds + 0.5) / 60, (int)(seconds + 0.5) % 60));
  else if (seconds >= 0.1)
    /* Translators: how long the answer took to write, seconds */
    g_ptr_array_add (parts, g_strdup_printf (_("%.1f s"), seconds));
}

static char *
make_footer (LwMessage *self)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *footer = NULL;

  if (self->role == LW_MEM_ROLE_ASSISTANT && self->phase == LW_PHASE_SETTLED)
    {
      g_autofree char *time = format_time (self->created);

      g_ptr_array_add (parts, g_steal_pointer (&time));
      if (self->state == LW_MEM_STATE_STOPPED)
        g_ptr_array_add (parts, g_strdup (_("Stopped")));
      else if (self->state == LW_MEM_STATE_PARTIAL)
        g_ptr_array_add (parts, g_strdup (_("Interrupted")));
      else if (self->state == LW_MEM_STATE_REPEATED)
        g_ptr_array_add (parts, g_strdup (_("Stopped: the answer began to repeat itself")));
      if (self->tokens_per_second > 0)
        g_ptr_array_add (parts, g_strdup_printf (_("%.*f tokens/s"),
                                                 self->tokens_per_second < 100 ? 1 : 0,
                                                 self->tokens_per_second));
      add_duration (parts, self->tokens_per_second > 0 ? self->n_generated / self->tokens_per_second : 0);
      if (self->n_restored > 0)
        {
          g_autofree char *restored = lw_count (self->n_restored);

          /* Translators: after a restart, what the model had read of the chat was found on disk */
          g_ptr_array_add (parts, g_strdup_printf (_("picked up where we left off (%s tokens)"), restored));
        }
      if (parts->len)
        {
          g_ptr_array_add (parts, NULL);
          footer = g_strjoinv (" · ", (char **)parts->pdata);
        }
    }
  return self->role == LW_MEM_ROLE_USER ? g_strdup (self->note) : g_steal_pointer (&footer);
}

static void
update_footer (LwMessage *self)
{
  g_autofree char *footer = make_footer (self);

  if (self->has_footer && g_strcmp0 (footer, self->footer) == 0)
    return;
  g_free (self->footer);
  self->footer = g_steal_pointer (&footer);
  self->has_footer = TRUE;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_FOOTER]);
}

void
lw_message_set_note (LwMessage *self, const char *note, const char *details)
{
  g_free (self->note);
  g_free (self->note_details);
  self->note = g_strdup (note);
  self->note_details = g_strdup (details);
  update_footer (self);
}

LwMessage *
lw_message_new_for_record (const lw_mem_message *record)
{
  LwMessage *self = g_object_new (LW_TYPE_MESSAGE, NULL);

  self->id = g_strdup (record->id);
  self->role = record->role;
  self->state = record->state;
  self->parent = g_strdup (record->parent);
  self->branch = MAX (record->branch, 1);
  self->n_branches = MAX (record->n_branches, 1);
  self->created = record->created;
  self->n_prompt = record->n_prompt;
  self->n_reused = record->n_reused;
  self->n_generated = record->n_generated;
  self->tokens_per_second = record->tokens_per_second;
  g_string_append (self->text, record->text ? record->text : "");
  for (guint i = 0; record->attachments && i < record->attachments->len; i++)
    {
      g_autoptr (LwAttachment) a = lw_attachment_new_for_record (record->attachments->pdata[i]);
      g_list_store_append (lw_message_get_attachments (self), a);
    }
  return self;
}

const char *
lw_message_get_id (LwMessage *self)
{
  return self->id;
}

void
lw_message_set_place (LwMessage *self, const char *parent, int branch, int n_branches)
{
  gboolean same = self->branch == branch && self->n_branches == n_branches;
  char *copy = g_strdup (parent);

  g_free (self->parent);
  self->parent = copy;
  self->branch = branch;
  self->n_branches = n_branches;
  if (!same)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_BRANCHES]);
}

const char *
lw_message_get_parent (LwMessage *self)
{
  return self->parent;
}

int
lw_message_get_branch (LwMessage *self, int *n_branches)
{
  *n_branches = self->n_branches;
  return self->branch;
}

void
lw_message_set_last (LwMessage *self, gboolean last)
{
  if (self->last == last)
    return;
  self->last = last;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_LAST]);
}

gboolean
lw_message_get_last (LwMessage *self)
{
  return self->last;
}

static gboolean
pointed_out_over (gpointer data)
{
  LwMessage *self = data;

  self->pointed_out_source = 0;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_POINTED_OUT]);
  return G_SOURCE_REMOVE;
}

void
lw_message_point_out (LwMessage *self)
{
  g_clear_handle_id (&self->pointed_out_source, g_source_remove);
  self->pointed_out_source = g_timeout_add (POINT_OUT_MS, pointed_out_over, self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_POINTED_OUT]);
}

gboolean
lw_message_is_pointed_out (LwMessage *self)
{
  return self->pointed_out_source != 0;
}

lw_mem_role
lw_message_get_role (LwMessage *self)
{
  return self->role;
}

GListStore *
lw_message_get_attachments (LwMessage *self)
{
  if (!self->attachments)
    self->attachments = g_list_store_new (LW_TYPE_ATTACHMENT);
  return self->attachments;
}

const char *
lw_message_get_text (LwMessage *self)
{
  return self->text->str;
}

void
lw_message_append (LwMessage *self, const char *text)
{
  if (!*text)
    return;
  /* Models like to begin with a line break. */
  if (!self->text->len)
    text += strspn (text, "\n ");
  g_string_append (self->text, text);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TEXT]);
}

LwPhase
lw_message_get_phase (LwMessage *self)
{
  return self->phase;
}

const char *
lw_message_get_status (LwMessage *self)
{
  return self->status;
}

double
lw_message_get_fraction (LwMessage *self)
{
  return self->fraction;
}

void
lw_message_set_progress (LwMessage *self, LwPhase phase, const char *status, double fraction)
{
  g_object_freeze_notify (G_OBJECT (self));
  if (self->phase != phase)
    {
      self->phase = phase;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PHASE]);
    }
  if (g_strcmp0 (self->status, status) != 0)
    {
      g_free (self->status);
      self->status = g_strdup (status);
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_STATUS]);
    }
  if (self->fraction != fraction)
    {
      self->fraction = fraction;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_FRACTION]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

void
lw_message_settle (LwMessage *self, lw_mem_state state)
{
  self->state = state;
  lw_message_set_progress (self, LW_PHASE_SETTLED, NULL, -1);
  update_footer (self);
}

lw_mem_state
lw_message_get_state (LwMessage *self)
{
  return self->phase == LW_PHASE_SETTLED ? self->state : LW_MEM_STATE_PARTIAL;
}

void
lw_message_set_figures (LwMessage *self, int n_prompt, int n_reused, int n_generated,
                        double tokens_per_second)
{
  self->n_prompt = n_prompt;
  self->n_reused = n_reused;
  self->n_generated = n_generated;
  self->tokens_per_second = tokens_per_second;
  update_footer (self);
}

void
lw_message_set_restored (LwMessage *self, int n_restored)
{
  self->n_restored = n_restored;
  update_footer (self);
}

gint64
lw_message_get_n_tokens (LwMessage *self)
{
  return self->n_prompt > 0 ? (gint64)self->n_prompt + self->n_generated : 0;
}

const char *
lw_message_get_footer (LwMessage *self)
{
  if (!self->has_footer)
    {
      self->footer = make_footer (self);
      self->has_footer = TRUE;
    }
  return self->footer;
}

lw_mem_message *
lw_message_to_record (LwMessage *self, const char *conversation, int position)
{
  lw_mem_message *record = g_new0 (lw_mem_message, 1);
  guint n = self->attachments ? g_list_model_get_n_items (G_LIST_MODEL (self->attachments)) : 0;

  record->id = g_strdup (self->id);
  record->conversation = g_strdup (conversation);
  record->parent = g_strdup (self->parent);
  record->position = position;
  record->role = self->role;
  record->state = lw_message_get_state (self);
  record->text = g_strdup (self->text->str);
  record->created = self->created;
  record->n_prompt = self->n_prompt;
  record->n_reused = self->n_reused;
  record->n_generated = self->n_generated;
  record->tokens_per_second = self->tokens_per_second;
  record->attachments = g_ptr_array_new_with_free_func ((GDestroyNotify)lw_mem_attachment_free);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (LwAttachment) a = g_list_model_get_item (G_LIST_MODEL (self->attachments), i);
      const lw_mem_attachment *kept = lw_attachment_get_record (a);

      if (kept)
        g_ptr_array_add (record->attachments, lw_mem_attachment_copy (kept));
    }
  return record;
}
