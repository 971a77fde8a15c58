/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-attention.h"

#include <glib/gi18n.h>

#include "app/lw-inhibitor.h"
#include "app/lw-message.h"
#include "app/lw-settings.h"

/* Characters of an answer that a notification shows. */
#define BODY_CHARS 160

struct _LwAttention
{
  GObject parent_instance;
  GtkApplication *app; /* borrowed */
  LwSettings *settings;
  GHashTable *busy; /* conversation (borrowed) -> when it began, microseconds */
  LwInhibitor *inhibitor;
};

G_DEFINE_FINAL_TYPE (LwAttention, lw_attention, G_TYPE_OBJECT)

static double
long_seconds (void)
{
  const char *env = g_getenv ("LW_LONG_ANSWER");

  return env ? g_ascii_strtod (env, NULL) : LW_ATTENTION_LONG_SECONDS;
}

static gboolean
window_in_front (LwAttention *self)
{
  for (GList *l = gtk_application_get_windows (self->app); l; l = l->next)
    if (gtk_window_is_active (l->data))
      return TRUE;
  return FALSE;
}

static char *
first_words (LwConversation *conversation)
{
  GListModel *messages = lw_conversation_get_messages (conversation);
  guint n = g_list_model_get_n_items (messages);
  g_autoptr (LwMessage) last = n ? g_list_model_get_item (messages, n - 1) : NULL;
  g_autofree char *text = g_strdup (last ? lw_message_get_text (last) : "");

  g_strdelimit (text, "\n\r\t", ' ');
  g_strstrip (text);
  if (g_utf8_strlen (text, -1) <= BODY_CHARS)
    return g_steal_pointer (&text);
  *g_utf8_offset_to_pointer (text, BODY_CHARS) = 0;
  return g_strconcat (text, "…", NULL);
}

static void
notify_finished (LwAttention *self, LwConversation *conversation)
{
  g_autoptr (GNotification) n = NULL;
  g_autofree char *body = first_words (conversation);
  const char *id = lw_conversation_get_id (conversation);
  const char *title = lw_conversation_get_title (conversation);
  /* The desktop keeps notifications. */
  gboolean silent = lw_conversation_is_temporary (conversation);

  if (!*body) /* it failed before the first word; the window says why */
    return;
  n = g_notification_new (*title && !silent ? title : _("The answer is finished"));
  if (!silent)
    g_notification_set_body (n, body);
  g_notification_set_default_action_and_target (n, "app.open-chat", "s", id);
  g_application_send_notification (G_APPLICATION (self->app), id, n);
}

static void
update_inhibition (LwAttention *self)
{
  if (g_hash_table_size (self->busy))
    /* Translators: why the computer does not sleep */
    lw_inhibitor_hold (self->inhibitor, _("An answer is being made"));
  else
    lw_inhibitor_release (self->inhibitor);
}

static void
busy_changed (LwAttention *self, GParamSpec *pspec, LwConversation *conversation)
{
  gboolean busy = lw_conversation_get_busy (conversation);
  gint64 *begun = g_hash_table_lookup (self->busy, conversation);
  double took = begun ? (double)(g_get_monotonic_time () - *begun) / G_USEC_PER_SEC : 0;

  if (busy && !begun)
    {
      gint64 now = g_get_monotonic_time ();

      g_hash_table_insert (self->busy, conversation, g_memdup2 (&now, sizeof now));
    }
  else if (!busy && begun)
    {
      g_hash_table_remove (self->busy, conversation);
      /* What quitting has ended is not finished, and nobody takes a notification any more. */
      if (took >= long_seconds () && !window_in_front (self)
          && g_application_get_is_registered (G_APPLICATION (self->app))
          && lw_settings_get_boolean (self->settings, "notify-finished"))
        notify_finished (self, conversation);
    }
  update_inhibition (self);
}

static void
conversation_gone (gpointer data, GObject *conversation)
{
  LwAttention *self = data;

  if (g_hash_table_remove (self->busy, conversation))
    update_inhibition (self);
  g_object_unref (self);
}

void
lw_attention_watch (LwAttention *self, LwConversation *conversation)
{
  g_return_if_fail (LW_IS_ATTENTION (self));

  /* Each window says it. */
  if (g_signal_handler_find (conversation, G_SIGNAL_MATCH_FUNC | G_SIGNAL_MATCH_DATA, 0, 0, NULL,
                             (gpointer)busy_changed, self))
    return;
  g_signal_connect_object (conversation, "notify::busy", G_CALLBACK (busy_changed), self,
                           G_CONNECT_SWAPPED);
  g_object_weak_ref (G_OBJECT (conversation), conversation_gone, g_object_ref (self));
}

guint
lw_attention_get_n_busy (LwAttention *self)
{
  return g_hash_table_size (self->busy);
}

static void
lw_attention_finalize (GObject *object)
{
  LwAttention *self = LW_ATTENTION (object);

  g_hash_table_unref (self->busy);
  g_clear_object (&self->settings);
  g_clear_pointer (&self->inhibitor, lw_inhibitor_free);
  G_OBJECT_CLASS (lw_attention_parent_class)->finalize (object);
}

static void
lw_attention_class_init (LwAttentionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lw_attention_finalize;
}

static void
lw_attention_init (LwAttention *self)
{
  self->busy = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, g_free);
}

LwAttention *
lw_attention_new (GtkApplication *app, LwSettings *settings)
{
  LwAttention *self = g_object_new (LW_TYPE_ATTENTION, NULL);

  self->app = app;
  self->inhibitor = lw_inhibitor_new (app);
  self->settings = g_object_ref (settings);
  return self;
}
