/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-media-viewer.h"

#include <glib/gi18n.h>
#ifdef LW_HAVE_CAMERA
#include <gst/gst.h>
#endif

#include "app/lw-problem.h"
#include "engine/base/alloc.h"
#include "vision/lw-vision.h"

/* The window is at most this part of the screen's usual size. */
#define MAX_WIDTH 1100
#define MAX_HEIGHT 800
#define MIN_SIDE 320

struct _LwMediaViewer
{
  AdwWindow parent_instance;
  LwAttachment *attachment;
  GtkWidget *box, *content;
  GtkMediaStream *stream;
};

G_DEFINE_FINAL_TYPE (LwMediaViewer, lw_media_viewer, ADW_TYPE_WINDOW)

static void
set_content (LwMediaViewer *self, GtkWidget *content)
{
  if (self->content)
    gtk_box_remove (GTK_BOX (self->box), self->content);
  self->content = content;
  gtk_widget_set_vexpand (content, TRUE);
  gtk_widget_set_hexpand (content, TRUE);
  gtk_box_append (GTK_BOX (self->box), content);
}

static void
show_problem (LwMediaViewer *self, const char *message)
{
  GtkWidget *page = adw_status_page_new ();
  g_autofree char *escaped = g_markup_escape_text (message, -1);

  adw_status_page_set_icon_name (ADW_STATUS_PAGE (page), "dialog-warning-symbolic");
  adw_status_page_set_description (ADW_STATUS_PAGE (page), escaped);
  set_content (self, page);
}

static void
open_elsewhere (LwMediaViewer *self)
{
  g_autofree char *uri = g_filename_to_uri (lw_attachment_get_path (self->attachment), NULL, NULL);

  if (uri)
    gtk_show_uri (gtk_window_get_transient_for (GTK_WINDOW (self)), uri, GDK_CURRENT_TIME);
}

/* ---- Pictures ---- */

/* By the decoder that reads them for the model: what is seen is what was looked at. */
static void
load_picture (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  lw_vis_image image = { 0 };
  GError *error = NULL;

  if (!lw_vis_image_load (task_data, &image, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  gsize stride = (gsize)image.width * 3;
  g_autoptr (GBytes) bytes = g_bytes_new_with_free_func (image.rgb, stride * (gsize)image.height,
                                                         lw_free, image.rgb);
  g_task_return_pointer (
      task, gdk_memory_texture_new (image.width, image.height, GDK_MEMORY_R8G8B8, bytes, stride),
      g_object_unref);
}

static void
picture_loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwMediaViewer) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) texture = g_task_propagate_pointer (G_TASK (result), &error);
  g_autofree char *what = NULL;

  if (!self->box)
    return;
  if (!texture)
    {
      g_autofree char *problem = lw_problem_describe (error);

      show_problem (self, problem);
      return;
    }
  GtkWidget *picture = gtk_picture_new_for_paintable (GDK_PAINTABLE (texture));
  what = lw_attachment_describe (self->attachment);
  gtk_picture_set_alternative_text (GTK_PICTURE (picture), what);
  set_content (self, picture);
}

/* ---- Films ---- */

/* The button in the header opens another program, which may know more. */
static void
cannot_play (LwMediaViewer *self, const char *why)
{
  /* Translators: %s says why, a whole sentence */
  g_autofree char *message = g_strdup_printf (_("This film cannot be played here, but perhaps in another "
                                                "program. %s"), why);

  show_problem (self, message);
}

static void
stream_failed (LwMediaViewer *self)
{
  const GError *error = gtk_media_stream_get_error (self->stream);

  if (error)
    cannot_play (self, error->message);
}

static void
play_film (LwMediaViewer *self)
{
  g_autoptr (GFile) file = g_file_new_for_path (lw_attachment_get_path (self->attachment));
  GtkWidget *video = gtk_video_new ();

  self->stream = gtk_media_file_new_for_file (file);
  gtk_video_set_media_stream (GTK_VIDEO (video), self->stream);
  set_content (self, video);
  g_signal_connect_object (self->stream, "notify::error", G_CALLBACK (stream_failed), self,
                           G_CONNECT_SWAPPED);
  gtk_media_stream_play (self->stream);
  stream_failed (self);
}

/* GTK's player starts GStreamer, which looks at all its plug-ins the first time: that takes a second. */
static void
start_player (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
#ifdef LW_HAVE_CAMERA
  GError *error = NULL;

  if (!gst_init_check (NULL, NULL, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  g_autoptr (GstElementFactory) player = gst_element_factory_find ("playbin");
  if (!player)
    {
      /* GTK's player would end the program. */
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s",
                               _("A part of GStreamer that films need is not installed: playbin"));
      return;
    }
#endif
  g_task_return_boolean (task, TRUE);
}

static void
player_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwMediaViewer) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean ok = g_task_propagate_boolean (G_TASK (result), &error);

  if (!self->box)
    return;
  if (ok)
    play_film (self);
  else
    cannot_play (self, error->message);
}

/* ---- Object ---- */

static void
lw_media_viewer_dispose (GObject *object)
{
  LwMediaViewer *self = LW_MEDIA_VIEWER (object);

  self->box = NULL;
  if (self->stream)
    gtk_media_stream_pause (self->stream);
  g_clear_object (&self->stream);
  g_clear_object (&self->attachment);
  G_OBJECT_CLASS (lw_media_viewer_parent_class)->dispose (object);
}

static void
lw_media_viewer_class_init (LwMediaViewerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_media_viewer_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
lw_media_viewer_init (LwMediaViewer *self)
{
  GtkWidget *header = adw_header_bar_new (), *elsewhere;

  elsewhere = gtk_button_new_from_icon_name ("document-open-symbolic");
  gtk_widget_set_tooltip_text (elsewhere, _("Open in Another Program"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (elsewhere), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _("Open in another program"), -1);
  g_signal_connect_swapped (elsewhere, "clicked", G_CALLBACK (open_elsewhere), self);
  adw_header_bar_pack_end (ADW_HEADER_BAR (header), elsewhere);
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_append (GTK_BOX (self->box), header);
  adw_window_set_content (ADW_WINDOW (self), self->box);
}

/* As large as the thumbnail's shape allows. */
static void
set_size (LwMediaViewer *self)
{
  GdkTexture *texture = lw_attachment_get_texture (self->attachment);
  double w = texture ? gdk_texture_get_width (texture) : 4;
  double h = texture ? gdk_texture_get_height (texture) : 3;
  double scale = MIN (MAX_WIDTH / w, MAX_HEIGHT / h);

  gtk_window_set_default_size (GTK_WINDOW (self), MAX (MIN_SIDE, (int)(w * scale)),
                               MAX (MIN_SIDE, (int)(h * scale)));
}

void
lw_media_viewer_open (GtkWindow *parent, LwAttachment *attachment)
{
  LwMediaViewer *self = g_object_new (LW_TYPE_MEDIA_VIEWER, "transient-for", parent, NULL);
  gboolean film = lw_attachment_is_film (attachment);
  g_autoptr (GTask) task
      = g_task_new (NULL, NULL, film ? player_started : picture_loaded, g_object_ref (self));
  GtkWidget *spinner = gtk_spinner_new ();

  self->attachment = g_object_ref (attachment);
  gtk_window_set_title (GTK_WINDOW (self), lw_attachment_get_label (attachment));
  set_size (self);
  gtk_spinner_start (GTK_SPINNER (spinner));
  set_content (self, spinner);
  g_task_set_source_tag (task, lw_media_viewer_open);
  g_task_set_task_data (task, g_strdup (lw_attachment_get_path (attachment)), g_free);
  g_task_run_in_thread (task, film ? start_player : load_picture);
  gtk_window_present (GTK_WINDOW (self));
}
