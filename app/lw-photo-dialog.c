/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-photo-dialog.h"

#include <glib/gi18n.h>

#include "app/lw-camera.h"
#include "app/lw-types.h"

struct _LwPhotoDialog
{
  AdwWindow parent_instance;
  GCancellable *cancellable; /* of the search for cameras */
  GListModel *devices;
  LwCamera *camera;  /* NULL: none is in use */
  GdkTexture *photo; /* the one that was taken */

  GtkWidget *waiting, *preview, *indicator;
  AdwStatusPage *problem;
  GtkPicture *picture;
  GtkDropDown *chooser;
  GtkWidget *take_button, *retake_button, *attach_button, *again_button;
};

enum
{
  SIGNAL_TAKEN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwPhotoDialog, lw_photo_dialog, ADW_TYPE_WINDOW)

/* One of them is seen: waiting, the problem, or the picture. */
static void
show_part (LwPhotoDialog *self, GtkWidget *part)
{
  gtk_widget_set_visible (self->waiting, part == self->waiting);
  gtk_widget_set_visible (GTK_WIDGET (self->problem), part == GTK_WIDGET (self->problem));
  gtk_widget_set_visible (self->preview, part == self->preview);
  gtk_widget_set_visible (self->indicator, self->camera != NULL);
  gtk_widget_set_visible (self->take_button, !self->photo && part != GTK_WIDGET (self->problem));
  gtk_widget_set_sensitive (self->take_button, !self->photo && part == self->preview);
  gtk_widget_set_visible (self->retake_button, self->photo != NULL);
  gtk_widget_set_visible (self->attach_button, self->photo != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->chooser),
                          self->devices && g_list_model_get_n_items (self->devices) > 1 && !self->photo);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->picture), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  self->photo ? _("Photo") : _("What the camera sees"), -1);
}

static void
close_camera (LwPhotoDialog *self)
{
  g_clear_pointer (&self->camera, lw_camera_close);
}

static void
show_problem (LwPhotoDialog *self, const char *message)
{
  g_autofree char *escaped = g_markup_escape_text (message, -1);

  close_camera (self);
  adw_status_page_set_description (self->problem, escaped);
  show_part (self, GTK_WIDGET (self->problem));
  gtk_widget_grab_focus (self->again_button);
}

static void
camera_update (gpointer user_data, GdkTexture *frame, const GError *error)
{
  LwPhotoDialog *self = user_data;

  if (error)
    {
      show_problem (self, error->message);
      return;
    }
  gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (frame));
  if (!gtk_widget_get_visible (self->preview))
    {
      show_part (self, self->preview);
      gtk_widget_grab_focus (self->take_button);
    }
}

static void
open_camera (LwPhotoDialog *self)
{
  g_autoptr (LwCameraDevice) device
      = self->devices ? g_list_model_get_item (self->devices, gtk_drop_down_get_selected (self->chooser))
                      : NULL;

  close_camera (self);
  g_clear_object (&self->photo);
  if (device)
    self->camera = lw_camera_open (device, camera_update, self);
  gtk_picture_set_paintable (self->picture, NULL);
  show_part (self, self->waiting);
}

static void
device_selected (LwPhotoDialog *self)
{
  if (self->devices && !self->photo)
    open_camera (self);
}

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LwPhotoDialog) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GListModel) devices = lw_camera_list_finish (result, &error);

  /* Closed meanwhile. */
  if (!self->cancellable || g_cancellable_is_cancelled (self->cancellable))
    return;
  if (!devices)
    {
      show_problem (self, error->message);
      return;
    }
  g_signal_handlers_block_by_func (self->chooser, device_selected, self);
  gtk_drop_down_set_model (self->chooser, devices);
  g_signal_handlers_unblock_by_func (self->chooser, device_selected, self);
  g_set_object (&self->devices, devices);
  open_camera (self);
}

static void
look_for_cameras (LwPhotoDialog *self)
{
  show_part (self, self->waiting);
  lw_camera_list_async (self->cancellable, listed, g_object_ref (self));
}

/* The picture that is seen is the photo: the camera has nothing more to do. */
static void
take (LwPhotoDialog *self)
{
  GdkPaintable *seen = gtk_picture_get_paintable (self->picture);

  if (!self->camera || !seen)
    return;
  self->photo = g_object_ref (GDK_TEXTURE (seen));
  close_camera (self);
  show_part (self, self->preview);
  gtk_widget_grab_focus (self->attach_button);
}

static void
attach (LwPhotoDialog *self)
{
  if (!self->photo)
    return;
  g_signal_emit (self, signals[SIGNAL_TAKEN], 0, self->photo);
  gtk_window_close (GTK_WINDOW (self));
}

static gboolean
lw_photo_dialog_close_request (GtkWindow *window)
{
  LwPhotoDialog *self = LW_PHOTO_DIALOG (window);

  g_cancellable_cancel (self->cancellable);
  close_camera (self);
  return GTK_WINDOW_CLASS (lw_photo_dialog_parent_class)->close_request (window);
}

static void
lw_photo_dialog_dispose (GObject *object)
{
  LwPhotoDialog *self = LW_PHOTO_DIALOG (object);

  if (self->cancellable)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  close_camera (self);
  g_clear_object (&self->devices);
  g_clear_object (&self->photo);
  G_OBJECT_CLASS (lw_photo_dialog_parent_class)->dispose (object);
}

static void
lw_photo_dialog_class_init (LwPhotoDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_photo_dialog_dispose;
  GTK_WINDOW_CLASS (klass)->close_request = lw_photo_dialog_close_request;
  signals[SIGNAL_TAKEN] = g_signal_new ("taken", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 1, GDK_TYPE_TEXTURE);
  gtk_widget_class_set_template_from_resource (widget_class, LW_RESOURCE_BASE "/lw-photo-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, LwPhotoDialog, waiting);
  gtk_widget_class_bind_template_child (widget_class, LwPhotoDialog, problem);
  gtk_widget_class_bind_template_child (widget_class, LwPhotoDialog, preview);
  gtk_widget_class_bind_template_child (widget_class, LwPhotoDialog, picture);
  gtk_widget_class_bind_template_child (widget_class, LwPhotoDialog, indicator);
  gtk_widget_class_bind_template_child (widget_class, LwPhotoDialog, chooser);
  gtk_widget_class_bind_template_child (widget_class, LwPhotoDialog, take_button);
  gtk_widget_class_bind_template_child (widget_class, LwPhotoDialog, retake_button);
  gtk_widget_class_bind_template_child (widget_class, LwPhotoDialog, attach_button);
  gtk_widget_class_bind_template_child (widget_class, LwPhotoDialog, again_button);
  gtk_widget_class_bind_template_callback (widget_class, take);
  gtk_widget_class_bind_template_callback (widget_class, open_camera);
  gtk_widget_class_bind_template_callback (widget_class, attach);
  gtk_widget_class_bind_template_callback (widget_class, look_for_cameras);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static char *
device_name (LwCameraDevice *device)
{
  return g_strdup (lw_camera_device_get_name (device));
}

static void
lw_photo_dialog_init (LwPhotoDialog *self)
{
  GtkExpression *name = gtk_cclosure_expression_new (G_TYPE_STRING, NULL, 0, NULL,
                                                     G_CALLBACK (device_name), NULL, NULL);

  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_drop_down_set_expression (self->chooser, name);
  gtk_expression_unref (name);
  g_signal_connect_swapped (self->chooser, "notify::selected", G_CALLBACK (device_selected), self);
}

LwPhotoDialog *
lw_photo_dialog_new (GtkWindow *parent)
{
  LwPhotoDialog *self = g_object_new (LW_TYPE_PHOTO_DIALOG, "transient-for", parent, NULL);

  look_for_cameras (self);
  return self;
}
