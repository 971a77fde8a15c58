/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-long-paste.h"

#include <string.h>

#include "app/lw-slices.h"

/* Frames in which a view that grows has got there. */
#define SETTLED_FRAMES 5
/* A text of less is laid out within them. */
#define SHORT_CHARS 2000

#define KEY "lw-long-paste"

/* Belongs to its buffer. */
typedef struct
{
  GtkTextBuffer *buffer;
  GtkTextView *view; /* weak, or NULL */
  GtkTextMark *end;  /* of what has been inserted */
  char *text;
  gsize at, length; /* bytes: inserted, all */
  guint source;
} LongPaste;

static void
long_paste_free (gpointer data)
{
  LongPaste *self = data;

  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_weak_pointer (&self->view);
  g_free (self->text);
  g_free (self);
}

/* Bytes from `at` on, at most a step and whole characters; a line's two-byte end stays together. */
static gsize
step_length (const LongPaste *self)
{
  const char *begin = self->text + self->at, *end;

  if (self->length - self->at <= LW_LONG_PASTE_STEP)
    return self->length - self->at;
  end = g_utf8_find_prev_char (begin, begin + LW_LONG_PASTE_STEP + 1);
  if (end > begin + 1 && end[-1] == '\r' && *end == '\n')
    end--;
  return (gsize)(end - begin);
}

static void
insert (LongPaste *self, gsize length)
{
  GtkTextIter it;

  gtk_text_buffer_get_iter_at_mark (self->buffer, &it, self->end);
  gtk_text_buffer_insert (self->buffer, &it, self->text + self->at, (int)length);
  self->at += length;
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
show_cursor_later (GtkTextView *view)
{
  if (gtk_text_buffer_get_char_count (gtk_text_view_get_buffer (view)) < SHORT_CHARS)
    gtk_widget_add_tick_callback (GTK_WIDGET (view), show_cursor_if_hidden, g_new0 (guint, 1), g_free);
  else
    /* When all is laid out, which the view does before anything idle: until then the end of it has no height. */
    g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, show_cursor, g_object_ref (view), g_object_unref);
}

static void
end (LongPaste *self)
{
  gtk_text_buffer_delete_mark (self->buffer, self->end);
  /* Before the user's step ends: what can be undone is looked at then, and nothing can in a view that is not
   * editable. */
  g_object_steal_data (G_OBJECT (self->buffer), KEY);
  gtk_text_buffer_end_user_action (self->buffer);
  if (self->view && gtk_text_view_get_buffer (self->view) == self->buffer)
    show_cursor_later (self->view);
  long_paste_free (self);
}

static gboolean
insert_next (gpointer data)
{
  LongPaste *self = data;

  insert (self, step_length (self));
  if (self->at < self->length)
    return TRUE;
  self->source = 0;
  end (self);
  return FALSE;
}

gboolean
lw_long_paste_goes_on (GtkTextBuffer *buffer)
{
  return g_object_get_data (G_OBJECT (buffer), KEY) != NULL;
}

void
lw_long_paste_finish (GtkTextBuffer *buffer)
{
  LongPaste *self = g_object_get_data (G_OBJECT (buffer), KEY);

  if (!self)
    return;
  insert (self, self->length - self->at);
  end (self);
}

void
lw_long_paste_start (GtkTextBuffer *buffer, char *text, GtkTextView *view)
{
  LongPaste *self;
  GtkTextIter it;

  if (lw_long_paste_goes_on (buffer))
    {
      g_free (text);
      return;
    }
  self = g_new0 (LongPaste, 1);
  self->buffer = buffer;
  g_set_weak_pointer (&self->view, view);
  self->text = text;
  self->length = strlen (text);
  if (self->length > LW_LONG_PASTE_STEP)
    g_object_set_data_full (G_OBJECT (buffer), KEY, self, long_paste_free);
  gtk_text_buffer_begin_user_action (buffer);
  gtk_text_buffer_delete_selection (buffer, TRUE, TRUE);
  gtk_text_buffer_get_iter_at_mark (buffer, &it, gtk_text_buffer_get_insert (buffer));
  self->end = gtk_text_buffer_create_mark (buffer, NULL, &it, FALSE);
  insert (self, step_length (self));
  if (self->at == self->length)
    end (self);
  else
    self->source = lw_slices_add (insert_next, self);
}
