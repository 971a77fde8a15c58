/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-long-paste.h"

#include <string.h>

/* Frames in which a view that grows has got there. */
#define SETTLED_FRAMES 5
/* A text of less is laid out within them. */
#define SHORT_CHARS 2000

struct _LwLongPaste
{
  GtkTextView *view;
  GtkTextBuffer *buffer;
  GtkTextMark *end; /* of what has been inserted */
  char *text;
  gsize at, length; /* bytes: inserted, all */
  int characters;   /* of the buffer, when nobody else changes it */
  guint source;
  void (*ended) (gpointer data);
  gpointer data;
};

/* Bytes from `at` on, at most a slice and whole characters; a line's two-byte end stays together. */
static gsize
slice_length (const LwLongPaste *self)
{
  const char *begin = self->text + self->at, *end;

  if (self->length - self->at <= LW_LONG_PASTE_SLICE)
    return self->length - self->at;
  end = g_utf8_find_prev_char (begin, begin + LW_LONG_PASTE_SLICE + 1);
  if (end > begin + 1 && end[-1] == '\r' && *end == '\n')
    end--;
  return (gsize)(end - begin);
}

static void
insert (LwLongPaste *self, gsize length)
{
  GtkTextIter it;

  gtk_text_buffer_get_iter_at_mark (self->buffer, &it, self->end);
  gtk_text_buffer_insert (self->buffer, &it, self->text + self->at, (int)length);
  self->at += length;
  self->characters = gtk_text_buffer_get_char_count (self->buffer);
}

static gboolean
show_cursor (gpointer view)
{
  gtk_text_view_scroll_mark_onscreen (view, gtk_text_buffer_get_insert (gtk_text_view_get_buffer (view)));
  return G_SOURCE_REMOVE;
}

/* The same of a text that may fit, once the view has its new height. */
static gboolean
show_cursor_if_hidden (GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
  GtkTextView *view = GTK_TEXT_VIEW (widget);
  guint *frames = data;
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (view);
  GdkRectangle place, shown;
  GtkTextIter it;

  if (++*frames < SETTLED_FRAMES)
    return G_SOURCE_CONTINUE;
  /* A field that has grown to hold all of it must not be scrolled: GTK 4.8 takes it to be as low as before. */
  gtk_text_buffer_get_iter_at_mark (buffer, &it, gtk_text_buffer_get_insert (buffer));
  gtk_text_view_get_iter_location (view, &it, &place);
  gtk_text_view_get_visible_rect (view, &shown);
  if (shown.y > 0 || place.y + place.height > MAX (shown.height, gtk_widget_get_height (widget)))
    show_cursor (view);
  return G_SOURCE_REMOVE;
}

static void
show_cursor_later (LwLongPaste *self)
{
  if (gtk_text_buffer_get_char_count (self->buffer) < SHORT_CHARS)
    gtk_widget_add_tick_callback (GTK_WIDGET (self->view), show_cursor_if_hidden, g_new0 (guint, 1), g_free);
  else
    /* When all is laid out, which the view does before anything idle: until then the end of it has no height. */
    g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, show_cursor, g_object_ref (self->view), g_object_unref);
}

static void
end (LwLongPaste *self)
{
  g_clear_handle_id (&self->source, g_source_remove);
  gtk_text_buffer_delete_mark (self->buffer, self->end);
  /* Before the step ends: what can be undone is looked at then, and nothing can in a view that is not editable. */
  gtk_text_view_set_editable (self->view, TRUE);
  gtk_text_buffer_end_user_action (self->buffer);
  if (gtk_text_view_get_buffer (self->view) == self->buffer)
    show_cursor_later (self);
  if (self->ended)
    self->ended (self->data);
  g_object_unref (self->buffer);
  g_free (self->text);
  g_free (self);
}

void
lw_long_paste_finish (LwLongPaste *self)
{
  insert (self, self->length - self->at);
  end (self);
}

static gboolean
insert_next (gpointer user_data)
{
  LwLongPaste *self = user_data;
  int characters = gtk_text_buffer_get_char_count (self->buffer);

  /* The text was replaced by another one, to which the rest does not belong. */
  if (characters < self->characters)
    self->at = self->length;
  insert (self, characters == self->characters ? slice_length (self) : self->length - self->at);
  if (self->at < self->length)
    return G_SOURCE_CONTINUE;
  self->source = 0;
  end (self);
  return G_SOURCE_REMOVE;
}

LwLongPaste *
lw_long_paste_start (GtkTextView *view, char *text, void (*ended) (gpointer data), gpointer data)
{
  LwLongPaste *self = g_new0 (LwLongPaste, 1);
  GtkTextIter it;

  self->view = view;
  self->buffer = g_object_ref (gtk_text_view_get_buffer (view));
  self->text = text;
  self->length = strlen (text);
  gtk_text_buffer_begin_user_action (self->buffer);
  gtk_text_buffer_delete_selection (self->buffer, TRUE, TRUE);
  gtk_text_buffer_get_iter_at_mark (self->buffer, &it, gtk_text_buffer_get_insert (self->buffer));
  self->end = gtk_text_buffer_create_mark (self->buffer, NULL, &it, FALSE);
  insert (self, slice_length (self));
  if (self->at == self->length)
    {
      end (self);
      return NULL;
    }
  self->ended = ended;
  self->data = data;
  gtk_text_view_set_editable (view, FALSE);
  self->source = g_idle_add (insert_next, self);
  return self;
}
