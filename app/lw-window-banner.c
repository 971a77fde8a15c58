/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The messages above the conversation, newest last: each keeps its place until it is closed, what it says is
 * over, or the next question is asked.
 */
#include "app/lw-window-private.h"

#include <glib/gi18n.h>

#include "app/count.h"
#include "app/lw-names.h"
#include "app/lw-problem.h"

/* More would leave no room for the conversation. */
#define MAX_BANNERS 4

static const struct
{
  LwRemedy remedy;
  const char *label;
} remedies[] = {
  { LW_REMEDY_CHOOSE_MODEL, N_ ("Choose _Model") },
  { LW_REMEDY_ADD_MODEL, N_ ("_Add a Model") },
  { LW_REMEDY_NEW_CHAT, N_ ("_New Chat") },
  { LW_REMEDY_LARGER_CONTEXT, N_ ("_Larger Context") },
  { LW_REMEDY_SMALLER_CACHE, N_ ("_8-Bit Context") },
};

static const char *
message_of (GtkWidget *banner)
{
  return g_object_get_data (G_OBJECT (banner), "message");
}

/* It stays whatever is done next: what it says goes on. */
static gboolean
is_lasting (GtkWidget *banner)
{
  return g_object_get_data (G_OBJECT (banner), "lasting") != NULL;
}

static void
enlarge_context (LwWindow *self, gboolean smaller_cache)
{
  lw_fit_choices fit;
  guint32 n_ctx;
  g_autofree char *message = NULL, *count = NULL;

  if (!lw_engine_service_get_choices (self->engine, &fit))
    return;
  n_ctx = lw_window_wider_context (&fit, smaller_cache);
  if (smaller_cache)
    lw_settings_set_int (self->settings, "kv-precision", 1);
  lw_settings_set_int (self->settings, "context-tokens", (int)n_ctx);
  /* Translators: after the context was made larger; the number is in tokens */
  count = lw_count (n_ctx);
  message = g_strdup_printf (_("The next answer has a context of %s tokens"), count);
  lw_window_show_toast (self, message);
}

static void
responded (GtkInfoBar *banner, int response, LwWindow *self)
{
  gtk_box_remove (self->banners, GTK_WIDGET (banner));
  switch (response)
    {
    case LW_REMEDY_CHOOSE_MODEL:
      gtk_menu_button_popup (self->title_button);
      break;
    case LW_REMEDY_ADD_MODEL:
      lw_window_show_models (self);
      break;
    case LW_REMEDY_NEW_CHAT:
      lw_window_new_chat (self, self->current && lw_conversation_is_temporary (self->current));
      break;
    case LW_REMEDY_LARGER_CONTEXT:
    case LW_REMEDY_SMALLER_CACHE:
      enlarge_context (self, response == LW_REMEDY_SMALLER_CACHE);
      lw_composer_focus (self->composer);
      break;
    default:
      break;
    }
}

/* Remove those that say this; then the oldest ones until another has room. */
static void
make_room (LwWindow *self, const char *message)
{
  GtkWidget *next, *oldest = NULL;
  int n = 0;

  for (GtkWidget *w = gtk_widget_get_first_child (GTK_WIDGET (self->banners)); w; w = next)
    {
      next = gtk_widget_get_next_sibling (w);
      if (g_str_equal (message_of (w), message))
        {
          gtk_box_remove (self->banners, w);
          continue;
        }
      n++;
      if (!oldest && !is_lasting (w))
        oldest = w;
    }
  /* One comes at a time, so one goes at most. */
  if (n >= MAX_BANNERS && oldest)
    gtk_box_remove (self->banners, oldest);
}

static GtkWidget *
make_line (const char *text)
{
  GtkLabel *line = GTK_LABEL (gtk_label_new (text));

  gtk_label_set_wrap (line, TRUE);
  gtk_label_set_wrap_mode (line, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (line, 0);
  gtk_label_set_selectable (line, TRUE);
  gtk_widget_set_focusable (GTK_WIDGET (line), FALSE);
  return GTK_WIDGET (line);
}

static GtkWidget *
add_banner (LwWindow *self, GtkMessageType type, const char *message, LwRemedy offered)
{
  GtkInfoBar *banner = GTK_INFO_BAR (gtk_info_bar_new ());
  GtkWidget *lines = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  g_autofree char *sentence = lw_problem_dup_sentence (message);
  const char *detail = lw_problem_get_detail (message);

  make_room (self, message);
  gtk_widget_set_hexpand (lines, TRUE);
  gtk_widget_set_valign (lines, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (lines), make_line (sentence));
  if (detail)
    {
      GtkWidget *line = make_line (detail);

      gtk_widget_add_css_class (line, "caption");
      gtk_box_append (GTK_BOX (lines), line);
    }
  gtk_info_bar_add_child (banner, lines);
  gtk_info_bar_set_message_type (banner, type);
  gtk_info_bar_set_show_close_button (banner, TRUE);
  lw_name_icon_buttons (GTK_WIDGET (banner));
  for (guint i = 0; i < G_N_ELEMENTS (remedies); i++)
    {
      GtkWidget *button;

      if (!(offered & remedies[i].remedy))
        continue;
      button = gtk_info_bar_add_button (banner, _(remedies[i].label), (int)remedies[i].remedy);
      gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
      /* One above the other: a narrow window has no room for two beside the text. */
      gtk_orientable_set_orientation (GTK_ORIENTABLE (gtk_widget_get_parent (button)),
                                      GTK_ORIENTATION_VERTICAL);
    }
  g_object_set_data_full (G_OBJECT (banner), "message", g_strdup (message), g_free);
  g_signal_connect_object (banner, "response", G_CALLBACK (responded), self, 0);
  gtk_box_append (self->banners, GTK_WIDGET (banner));
  return GTK_WIDGET (banner);
}

void
lw_window_show_banner (LwWindow *self, GtkMessageType type, const char *message, LwRemedy offered)
{
  add_banner (self, type, message, offered);
}

void
lw_window_show_error (LwWindow *self, GtkMessageType type, const GError *error, LwRemedy offered)
{
  g_autofree char *problem = lw_problem_describe (error);

  lw_window_show_banner (self, type, problem, offered);
}

void
lw_window_hide_banners (LwWindow *self)
{
  GtkWidget *next;

  for (GtkWidget *w = gtk_widget_get_first_child (GTK_WIDGET (self->banners)); w; w = next)
    {
      next = gtk_widget_get_next_sibling (w);
      if (!is_lasting (w))
        gtk_box_remove (self->banners, w);
    }
}

void
lw_window_store_notice (LwWindow *self, gboolean failing, const char *message)
{
  GtkWidget *next, *banner;

  for (GtkWidget *w = gtk_widget_get_first_child (GTK_WIDGET (self->banners)); w; w = next)
    {
      next = gtk_widget_get_next_sibling (w);
      if (is_lasting (w))
        gtk_box_remove (self->banners, w);
    }
  banner = add_banner (self, failing ? GTK_MESSAGE_WARNING : GTK_MESSAGE_INFO, message, LW_REMEDY_NONE);
  if (failing)
    g_object_set_data (G_OBJECT (banner), "lasting", GINT_TO_POINTER (TRUE));
}

/* ---- A context that is full ---- */

guint32
lw_window_wider_context (const lw_fit_choices *fit, gboolean smaller_cache)
{
  gsize most = smaller_cache ? fit->n_ctx_largest_q8 : fit->n_ctx_largest;
  /* Room for the turns to come, and not for one only. */
  gsize wanted = MAX (2 * (gsize)fit->n_ctx, fit->n_needed + fit->n_needed / 2);

  most = MIN (most, fit->n_ctx_train);
  return (guint32)MIN (wanted, most);
}

LwRemedy
lw_window_remedies_when_full (LwWindow *self)
{
  lw_fit_choices fit;
  LwRemedy offered = LW_REMEDY_NEW_CHAT;

  if (!lw_engine_service_get_choices (self->engine, &fit))
    return offered;
  if (fit.larger_helps && lw_window_wider_context (&fit, FALSE) >= fit.n_needed)
    offered |= LW_REMEDY_LARGER_CONTEXT;
  else if (fit.q8_helps && lw_window_wider_context (&fit, TRUE) >= fit.n_needed)
    offered |= LW_REMEDY_SMALLER_CACHE;
  return offered;
}
