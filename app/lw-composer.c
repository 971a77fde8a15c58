/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-composer.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/count.h"
#include "app/lw-attachment-tile.h"
#include "app/lw-file-chooser.h"
#include "app/lw-long-paste.h"

/* Pictures and films of one question; far more than any context holds. */
#define MAX_ATTACHMENTS 32

struct _LwComposer
{
  GtkWidget parent_instance;
  LwConversation *conversation;
  GSignalGroup *conversation_signals, *draft_signals, *list_signals;
  GtkFileChooserNative *chooser;
  gboolean enter_sends;

  GtkWidget *box, *editing, *gauge;
  GtkLevelBar *gauge_bar;
  GtkLabel *gauge_text;
  GtkRevealer *tiles_revealer;
  GtkBox *tiles;
  GtkTextView *text;
  GtkScrolledWindow *scroller;
  GtkWidget *placeholder, *attach_button, *send_button, *stop_button;
};

enum
{
  SIGNAL_SEND,
  SIGNAL_STOP,
  SIGNAL_PROBLEM,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwComposer, lw_composer, GTK_TYPE_WIDGET)

/* ---- State ---- */

static GListStore *
attachments (LwComposer *self)
{
  return self->conversation ? lw_conversation_get_draft_attachments (self->conversation) : NULL;
}

static gboolean
is_pasting (LwComposer *self)
{
  return lw_long_paste_goes_on (gtk_text_view_get_buffer (self->text));
}

static gboolean
has_text (LwComposer *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->text);
  GtkTextIter it;

  gtk_text_buffer_get_start_iter (buffer, &it);
  while (!gtk_text_iter_is_end (&it))
    {
      if (!g_unichar_isspace (gtk_text_iter_get_char (&it)))
        return TRUE;
      gtk_text_iter_forward_char (&it);
    }
  return FALSE;
}

static void
update (LwComposer *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->text);
  gboolean busy = self->conversation && lw_conversation_get_busy (self->conversation);
  gboolean any
      = self->conversation && g_list_model_get_n_items (G_LIST_MODEL (attachments (self))) > 0;

  gtk_widget_set_visible (self->placeholder, gtk_text_buffer_get_char_count (buffer) == 0);
  /* Not a stack: screen readers would find the hidden one. */
  gtk_widget_set_visible (self->stop_button, busy);
  gtk_widget_set_visible (self->send_button, !busy);
  gtk_widget_set_sensitive (self->send_button, self->conversation && !is_pasting (self)
                                                   && lw_conversation_get_loaded (self->conversation)
                                                   && (any || has_text (self)));
}

/* A text is being pasted into what is shown, or no more. */
static void
update_pasting (LwComposer *self)
{
  if (gtk_text_view_get_editable (self->text) != is_pasting (self))
    return;
  gtk_text_view_set_editable (self->text, !is_pasting (self));
  update (self);
}

static void
update_gauge (LwComposer *self)
{
  LwContextUse use = { 0 };
  g_autofree char *text = NULL, *used = NULL, *draft = NULL, *all = NULL, *room = NULL;
  gint64 whole;

  if (self->conversation)
    lw_conversation_get_context (self->conversation, &use);
  whole = use.used + use.draft;
  gtk_widget_set_visible (self->gauge, use.room > 0 && whole > 0);
  if (use.room <= 0 || whole <= 0)
    return;
  used = lw_count (use.used);
  draft = lw_count (use.draft);
  all = lw_count (whole);
  room = lw_count (use.room);
  gtk_level_bar_set_value (self->gauge_bar, MIN (1, (double)whole / (double)use.room));
  if (use.draft > 0 && use.used > 0)
    /* Translators: tokens of the chat, of the question being written, and of the context */
    text = g_strdup_printf (_("%s + %s of %s tokens"), used, draft, room);
  else
    text = g_strdup_printf (_("%s of %s tokens"), all, room);
  gtk_label_set_label (self->gauge_text, text);
  if (whole > use.room)
    gtk_widget_add_css_class (self->gauge, "too-much");
  else
    gtk_widget_remove_css_class (self->gauge, "too-much");
}

static void
cancel_edit (LwComposer *self)
{
  if (self->conversation)
    lw_conversation_cancel_edit (self->conversation);
  lw_composer_focus (self);
}

static void
send (LwComposer *self)
{
  if (gtk_widget_get_sensitive (self->send_button)
      && !lw_conversation_get_busy (self->conversation))
    g_signal_emit (self, signals[SIGNAL_SEND], 0);
}

static void
stop (LwComposer *self)
{
  g_signal_emit (self, signals[SIGNAL_STOP], 0);
}

/* ---- Attachments ---- */

static void
remove_attachment (LwComposer *self, LwAttachment *attachment)
{
  guint position;

  if (attachments (self) && g_list_store_find (attachments (self), attachment, &position))
    g_list_store_remove (attachments (self), position);
}

static void
tile_removed (LwComposer *self, LwAttachmentTile *tile)
{
  remove_attachment (self, lw_attachment_tile_get_attachment (tile));
  lw_composer_focus (self);
}

/* What turned out to be nothing that a model can be given is told and goes.  In a draft that is not shown it waits to
 * be told until it is. */
static void
refuse_useless (LwComposer *self)
{
  for (guint i = 0; attachments (self) && i < g_list_model_get_n_items (G_LIST_MODEL (attachments (self)));)
    {
      g_autoptr (LwAttachment) a = g_list_model_get_item (G_LIST_MODEL (attachments (self)), i);

      if (!lw_attachment_is_useless (a))
        {
          i++;
          continue;
        }
      g_signal_emit (self, signals[SIGNAL_PROBLEM], 0, lw_attachment_get_problem (a));
      remove_attachment (self, a);
    }
}

static void
update_editing (LwComposer *self)
{
  gboolean editing = self->conversation && lw_conversation_get_editing (self->conversation);

  /* Another draft is shown. */
  refuse_useless (self);
  gtk_widget_set_visible (self->editing, editing);
  if (editing)
    lw_composer_focus (self);
}

static void
update_tiles (LwComposer *self)
{
  gtk_revealer_set_reveal_child (self->tiles_revealer, gtk_widget_get_first_child (GTK_WIDGET (self->tiles)) != NULL);
  update (self);
}

/* Only what is new gets a tile: thirty pictures that come one after the other are thirty tiles. */
static void
list_changed (LwComposer *self, guint position, guint removed, guint added, GListModel *list)
{
  GtkWidget *before = NULL, *next = gtk_widget_get_first_child (GTK_WIDGET (self->tiles));

  for (guint i = 0; next && i < position; i++)
    {
      before = next;
      next = gtk_widget_get_next_sibling (next);
    }
  for (guint i = 0; next && i < removed; i++)
    {
      GtkWidget *tile = next;

      next = gtk_widget_get_next_sibling (tile);
      gtk_box_remove (self->tiles, tile);
    }
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (LwAttachment) a = g_list_model_get_item (list, i);
      GtkWidget *tile = lw_attachment_tile_new_removable (a);

      g_signal_connect_object (tile, "removed", G_CALLBACK (tile_removed), self,
                               G_CONNECT_SWAPPED);
      gtk_box_insert_child_after (self->tiles, tile, before);
      before = tile;
    }
  update_tiles (self);
}

/* Another conversation's. */
static void
show_tiles (LwComposer *self)
{
  GListModel *list = self->conversation ? G_LIST_MODEL (attachments (self)) : NULL;
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->tiles))))
    gtk_box_remove (self->tiles, child);
  if (list)
    list_changed (self, 0, 0, g_list_model_get_n_items (list), list);
  else
    update_tiles (self);
}

static void
add_to (LwComposer *self, LwConversation *conversation, LwAttachment *attachment)
{
  GListStore *list = lw_conversation_get_draft_attachments (conversation);

  if (g_list_model_get_n_items (G_LIST_MODEL (list)) >= MAX_ATTACHMENTS)
    {
      g_autofree char *message = g_strdup_printf (
          _("A question can have at most %d attachments"), MAX_ATTACHMENTS);
      g_signal_emit (self, signals[SIGNAL_PROBLEM], 0, message);
      return;
    }
  g_signal_connect_object (attachment, "notify::problem", G_CALLBACK (refuse_useless), self,
                           G_CONNECT_SWAPPED);
  g_list_store_append (list, attachment);
}

static void
add_file_to (LwComposer *self, LwConversation *conversation, GFile *file)
{
  g_autofree char *path = g_file_get_path (file);

  if (path)
    {
      g_autoptr (LwAttachment) a = lw_attachment_new_for_file (path);
      add_to (self, conversation, a);
    }
  else
    {
      g_autofree char *uri = g_file_get_uri (file);
      g_autofree char *message
          = g_strdup_printf (_("%s is not a file on this computer: save it first"), uri);
      g_signal_emit (self, signals[SIGNAL_PROBLEM], 0, message);
    }
}

static void
add_texture_to (LwComposer *self, LwConversation *conversation, GdkTexture *texture, const char *label)
{
  g_autoptr (LwAttachment) a = lw_attachment_new_for_texture (texture, label);

  add_to (self, conversation, a);
}

static gboolean
add_value_to (LwComposer *self, LwConversation *conversation, const GValue *value)
{
  if (G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST))
    {
      g_autoptr (GSList) files = gdk_file_list_get_files (g_value_get_boxed (value));

      for (GSList *l = files; l; l = l->next)
        add_file_to (self, conversation, l->data);
      return files != NULL;
    }
  if (G_VALUE_HOLDS (value, G_TYPE_FILE) && g_value_get_object (value))
    {
      add_file_to (self, conversation, g_value_get_object (value));
      return TRUE;
    }
  if (G_VALUE_HOLDS (value, GDK_TYPE_TEXTURE) && g_value_get_object (value))
    {
      add_texture_to (self, conversation, g_value_get_object (value), _("Pasted picture"));
      return TRUE;
    }
  return FALSE;
}

void
lw_composer_add_file (LwComposer *self, GFile *file)
{
  g_return_if_fail (LW_IS_COMPOSER (self));

  if (self->conversation)
    add_file_to (self, self->conversation, file);
}

void
lw_composer_add_texture (LwComposer *self, GdkTexture *texture, const char *label)
{
  g_return_if_fail (LW_IS_COMPOSER (self));

  if (self->conversation)
    add_texture_to (self, self->conversation, texture, label);
}

gboolean
lw_composer_add_value (LwComposer *self, const GValue *value)
{
  return self->conversation && add_value_to (self, self->conversation, value);
}

static void
chooser_response (LwComposer *self, int response, GtkFileChooserNative *chooser)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GListModel) files = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (chooser));

      for (guint i = 0; i < g_list_model_get_n_items (files); i++)
        {
          g_autoptr (GFile) file = g_list_model_get_item (files, i);
          lw_composer_add_file (self, file);
        }
    }
  g_clear_object (&self->chooser);
  lw_composer_focus (self);
}

void
lw_composer_choose_files (LwComposer *self)
{
  g_autoptr (GtkFileFilter) media = gtk_file_filter_new ();
  g_autoptr (GtkFileFilter) all = gtk_file_filter_new ();
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  g_return_if_fail (LW_IS_COMPOSER (self));

  if (self->chooser)
    return;
  gtk_file_filter_set_name (media, _("Pictures, films and text"));
  gtk_file_filter_add_mime_type (media, "image/*");
  gtk_file_filter_add_mime_type (media, "video/*");
  gtk_file_filter_add_mime_type (media, "text/*");
  gtk_file_filter_add_mime_type (media, "application/json");
  gtk_file_filter_set_name (all, _("All files"));
  gtk_file_filter_add_pattern (all, "*");

  self->chooser
      = gtk_file_chooser_native_new (_("Attach Files"), GTK_WINDOW (root),
                                     GTK_FILE_CHOOSER_ACTION_OPEN, _("_Attach"), _("_Cancel"));
  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (self->chooser), TRUE);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), media);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), all);
  g_signal_connect_object (self->chooser, "response", G_CALLBACK (chooser_response), self,
                           G_CONNECT_SWAPPED);
  lw_file_chooser_show (self->chooser);
}

/* ---- Paste ---- */

/* What is pasted comes later: for the chat in which it was asked for, whichever is shown by then. */
typedef struct
{
  LwComposer *self;
  LwConversation *conversation;
} Pasting;

static Pasting *
pasting_new (LwComposer *self)
{
  Pasting *p = g_new (Pasting, 1);

  p->self = g_object_ref (self);
  p->conversation = g_object_ref (self->conversation);
  return p;
}

static void
pasting_free (Pasting *p)
{
  g_object_unref (p->self);
  g_object_unref (p->conversation);
  g_free (p);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pasting, pasting_free)

static void
value_pasted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Pasting) p = user_data;
  g_autoptr (GError) error = NULL;
  const GValue *value = gdk_clipboard_read_value_finish (GDK_CLIPBOARD (source), result, &error);

  if (value)
    add_value_to (p->self, p->conversation, value);
  else
    g_signal_emit (p->self, signals[SIGNAL_PROBLEM], 0, error->message);
}

/* A line that a text view cannot lay out between two frames: a program's data, a book on one line. */
static gboolean
has_endless_line (const char *text)
{
  for (const char *line = text;;)
    {
      gsize n = strcspn (line, "\n");

      if (n > LW_LONG_PASTE_LINE)
        return TRUE;
      if (!line[n])
        return FALSE;
      line += n + 1;
    }
}

/* Text (taken over) where the draft's cursor is, or as a document of this name. */
static void
take_text (LwComposer *self, LwConversation *conversation, char *text, const char *name)
{
  if (has_endless_line (text))
    {
      g_autoptr (LwAttachment) a = lw_attachment_new_for_text (text, name);

      add_to (self, conversation, a);
      return;
    }
  lw_long_paste_start (lw_conversation_get_draft (conversation), text, self->text);
}

static void
text_pasted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Pasting) p = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, &error);

  if (error)
    g_signal_emit (p->self, signals[SIGNAL_PROBLEM], 0, error->message);
  if (text)
    /* Translators: the name of a document that was pasted */
    take_text (p->self, p->conversation, g_steal_pointer (&text), _("Pasted text"));
}

/* Files and pictures become attachments; text is inserted so that the window goes on. */
static void
paste (LwComposer *self)
{
  GdkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (self));
  g_autoptr (GdkContentFormats) formats = gdk_content_formats_union_deserialize_gtypes (
      gdk_content_formats_ref (gdk_clipboard_get_formats (clipboard)));
  GType type = G_TYPE_INVALID;

  if (gdk_content_formats_contain_gtype (formats, GDK_TYPE_FILE_LIST))
    type = GDK_TYPE_FILE_LIST;
  /* Office programs offer a picture of the text that was copied, too. */
  else if (gdk_content_formats_contain_gtype (formats, GDK_TYPE_TEXTURE)
           && !gdk_content_formats_contain_gtype (formats, G_TYPE_STRING))
    type = GDK_TYPE_TEXTURE;
  else if (gdk_content_formats_contain_gtype (formats, G_TYPE_STRING))
    type = G_TYPE_STRING;
  if (type == G_TYPE_INVALID || !self->conversation)
    return;
  g_signal_stop_emission_by_name (self->text, "paste-clipboard");
  if (type == G_TYPE_STRING)
    {
      if (!is_pasting (self))
        gdk_clipboard_read_text_async (clipboard, NULL, text_pasted, pasting_new (self));
      return;
    }
  gdk_clipboard_read_value_async (clipboard, type, G_PRIORITY_DEFAULT, NULL, value_pasted, pasting_new (self));
}

/* ---- Drop ---- */

/* The text view moves its own text. */
static gboolean
accept_drop (LwComposer *self, GdkDrop *drop)
{
  return self->conversation && !is_pasting (self) && !gdk_drop_get_drag (drop)
         && gdk_content_formats_contain_gtype (gdk_drop_get_formats (drop), G_TYPE_STRING);
}

static gboolean
text_dropped (LwComposer *self, const GValue *value, double x, double y)
{
  const char *text = g_value_get_string (value);
  GtkTextIter it;
  int at_x, at_y;

  if (!text || !*text || !self->conversation || is_pasting (self))
    return FALSE;
  gtk_text_view_window_to_buffer_coords (self->text, GTK_TEXT_WINDOW_WIDGET, (int)x, (int)y, &at_x, &at_y);
  gtk_text_view_get_iter_at_location (self->text, &it, at_x, at_y);
  gtk_text_buffer_place_cursor (gtk_text_view_get_buffer (self->text), &it);
  /* Translators: the name of a document that was dropped as text, not as a file */
  take_text (self, self->conversation, g_strdup (text), _("Dropped text"));
  gtk_widget_grab_focus (GTK_WIDGET (self->text));
  return TRUE;
}

/* Text as pasting takes it, before the text view, which would stand still over an endless line.  Files and pictures
 * are the window's. */
static void
add_drop_target (LwComposer *self)
{
  GtkDropTarget *target = gtk_drop_target_new (G_TYPE_STRING, GDK_ACTION_COPY);

  gtk_event_controller_set_propagation_phase (GTK_EVENT_CONTROLLER (target), GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (target, "accept", G_CALLBACK (accept_drop), self);
  g_signal_connect_swapped (target, "drop", G_CALLBACK (text_dropped), self);
  gtk_widget_add_controller (GTK_WIDGET (self->text), GTK_EVENT_CONTROLLER (target));
}

/* ---- Keys ---- */

static gboolean
key_pressed (LwComposer *self, guint keyval, guint keycode, GdkModifierType state)
{
  gboolean enter = keyval == GDK_KEY_Return || keyval == GDK_KEY_KP_Enter
                   || keyval == GDK_KEY_ISO_Enter;
  GdkModifierType pressed = state & (GDK_SHIFT_MASK | GDK_CONTROL_MASK | GDK_ALT_MASK);

  /* While an answer is written, the window takes it before. */
  if (keyval == GDK_KEY_Escape && !pressed && gtk_widget_get_visible (self->editing))
    {
      cancel_edit (self);
      return GDK_EVENT_STOP;
    }
  /* Control and Enter always sends. */
  if (!enter || pressed & (GDK_SHIFT_MASK | GDK_ALT_MASK)
      || (!pressed && !self->enter_sends))
    return GDK_EVENT_PROPAGATE;
  send (self);
  return GDK_EVENT_STOP;
}

/* A scrollbar's own minimum would make one line of text as high as three. */
static void
height_changed (LwComposer *self, GtkAdjustment *v)
{
  gboolean scrolls = gtk_adjustment_get_upper (v) > gtk_adjustment_get_page_size (v) + 1
                     && gtk_adjustment_get_page_size (v) > 100;

  gtk_scrolled_window_set_policy (self->scroller, GTK_POLICY_NEVER,
                                  scrolls ? GTK_POLICY_AUTOMATIC : GTK_POLICY_EXTERNAL);
}

/* ---- Object ---- */

void
lw_composer_set_conversation (LwComposer *self, LwConversation *conversation)
{
  g_return_if_fail (LW_IS_COMPOSER (self));

  if (!g_set_object (&self->conversation, conversation))
    return;
  g_signal_group_set_target (self->conversation_signals, conversation);
  g_signal_group_set_target (self->draft_signals,
                             conversation ? lw_conversation_get_draft (conversation) : NULL);
  g_signal_group_set_target (self->list_signals, attachments (self));
  if (conversation)
    gtk_text_view_set_buffer (self->text, lw_conversation_get_draft (conversation));
  update_pasting (self);
  show_tiles (self);
  update_editing (self);
  update_gauge (self);
}

void
lw_composer_set_enter_sends (LwComposer *self, gboolean enter_sends)
{
  g_return_if_fail (LW_IS_COMPOSER (self));

  self->enter_sends = enter_sends;
  gtk_widget_set_tooltip_text (self->send_button,
                               enter_sends ? _("Send (Enter)") : _("Send (Ctrl+Enter)"));
}

void
lw_composer_focus (LwComposer *self)
{
  gtk_widget_grab_focus (GTK_WIDGET (self->text));
}

gboolean
lw_composer_take_key (LwComposer *self, GtkEventControllerKey *controller, guint key,
                      GdkModifierType held)
{
  g_return_val_if_fail (LW_IS_COMPOSER (self), FALSE);

  if ((held & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)) || key == GDK_KEY_space
      || !g_unichar_isgraph (gdk_keyval_to_unicode (key)))
    return FALSE;
  lw_composer_focus (self);
  return gtk_event_controller_key_forward (controller, GTK_WIDGET (self->text));
}

static void
lw_composer_dispose (GObject *object)
{
  LwComposer *self = LW_COMPOSER (object);

  g_clear_object (&self->chooser);
  g_clear_object (&self->conversation_signals);
  g_clear_object (&self->draft_signals);
  g_clear_object (&self->list_signals);
  g_clear_object (&self->conversation);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (lw_composer_parent_class)->dispose (object);
}

static void
lw_composer_class_init (LwComposerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_composer_dispose;
  signals[SIGNAL_SEND] = g_signal_new ("send", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                       NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_STOP] = g_signal_new ("stop", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                       NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_PROBLEM]
      = g_signal_new ("problem", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  gtk_widget_class_set_template_from_resource (widget_class, LW_RESOURCE_BASE "/lw-composer.ui");
  gtk_widget_class_set_css_name (widget_class, "composer");
  gtk_widget_class_bind_template_child (widget_class, LwComposer, box);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, editing);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, gauge);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, gauge_bar);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, gauge_text);
  gtk_widget_class_bind_template_callback (widget_class, cancel_edit);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, tiles_revealer);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, tiles);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, scroller);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, text);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, placeholder);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, attach_button);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, send_button);
  gtk_widget_class_bind_template_child (widget_class, LwComposer, stop_button);
  gtk_widget_class_bind_template_callback (widget_class, send);
  gtk_widget_class_bind_template_callback (widget_class, stop);
}

static void
lw_composer_init (LwComposer *self)
{
  GtkEventController *keys;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->enter_sends = TRUE;

  keys = gtk_event_controller_key_new ();
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (key_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self->text), keys);
  g_signal_connect_swapped (self->text, "paste-clipboard", G_CALLBACK (paste), self);
  add_drop_target (self);

  g_signal_connect_object (gtk_scrolled_window_get_vadjustment (self->scroller), "changed",
                           G_CALLBACK (height_changed), self, G_CONNECT_SWAPPED);

  self->conversation_signals = g_signal_group_new (LW_TYPE_CONVERSATION);
  g_signal_group_connect_swapped (self->conversation_signals, "notify::busy",
                                  G_CALLBACK (update), self);
  g_signal_group_connect_swapped (self->conversation_signals, "notify::loaded",
                                  G_CALLBACK (update), self);
  g_signal_group_connect_swapped (self->conversation_signals, "context-changed",
                                  G_CALLBACK (update_gauge), self);
  g_signal_group_connect_swapped (self->conversation_signals, "notify::editing",
                                  G_CALLBACK (update_editing), self);
  self->draft_signals = g_signal_group_new (GTK_TYPE_TEXT_BUFFER);
  g_signal_group_connect_swapped (self->draft_signals, "changed", G_CALLBACK (update), self);
  g_signal_group_connect_swapped (self->draft_signals, "begin-user-action", G_CALLBACK (update_pasting), self);
  g_signal_group_connect_swapped (self->draft_signals, "end-user-action", G_CALLBACK (update_pasting), self);
  self->list_signals = g_signal_group_new (G_TYPE_LIST_MODEL);
  g_signal_group_connect_swapped (self->list_signals, "items-changed", G_CALLBACK (list_changed),
                                  self);
}
