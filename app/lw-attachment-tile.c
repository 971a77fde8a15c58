/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/lw-attachment-tile.h"

#include <glib/gi18n.h>

#include "app/count.h"
#include "app/lw-media-viewer.h"

/* Logical pixels. */
#define SMALL_SIDE 72
#define SQUARE_SIDE 150
#define LARGE_WIDTH 280
#define LARGE_HEIGHT 210
#define LARGE_MIN 72

struct _LwAttachmentTile
{
  GtkWidget parent_instance;
  LwAttachment *attachment;
  gboolean removable, square;

  GtkWidget *child; /* the overlay, or the button around it */
  GtkPicture *picture;
  GtkWidget *spinner, *badge, *trouble;
  GtkLabel *duration, *name, *cost;
};

enum
{
  SIGNAL_REMOVED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LwAttachmentTile, lw_attachment_tile, GTK_TYPE_WIDGET)

static void
get_size (LwAttachmentTile *self, int *width, int *height)
{
  GdkTexture *texture = lw_attachment_get_texture (self->attachment);

  if (self->removable)
    {
      int cost = 0;

      /* Its cost has room: a number is not cut off. */
      if (self->cost && gtk_widget_get_visible (GTK_WIDGET (self->cost)))
        gtk_widget_measure (GTK_WIDGET (self->cost), GTK_ORIENTATION_HORIZONTAL, -1, NULL, &cost, NULL, NULL);
      *height = SMALL_SIDE;
      *width = MAX (lw_attachment_is_document (self->attachment) ? 2 * SMALL_SIDE : SMALL_SIDE, cost + 4);
    }
  else if (self->square)
    {
      *width = *height = SQUARE_SIDE;
    }
  else if (lw_attachment_is_document (self->attachment))
    {
      *width = LARGE_WIDTH * 2 / 3;
      *height = LARGE_MIN;
    }
  else if (!texture)
    {
      *width = *height = LARGE_HEIGHT * 2 / 3;
    }
  else
    {
      double w = gdk_texture_get_width (texture), h = gdk_texture_get_height (texture);
      double scale = MIN (LARGE_WIDTH / w, LARGE_HEIGHT / h);

      *width = MAX (LARGE_MIN, (int)(w * scale));
      *height = MAX (LARGE_MIN, (int)(h * scale));
    }
}

static void
lw_attachment_tile_measure (GtkWidget *widget, GtkOrientation orientation, int for_size,
                            int *minimum, int *natural, int *minimum_baseline,
                            int *natural_baseline)
{
  int width, height;

  get_size (LW_ATTACHMENT_TILE (widget), &width, &height);
  *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? width : height;
}

static void
lw_attachment_tile_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  LwAttachmentTile *self = LW_ATTACHMENT_TILE (widget);
  int min;

  /* The child must be measured before it is allocated. */
  gtk_widget_measure (self->child, GTK_ORIENTATION_HORIZONTAL, -1, &min, NULL, NULL, NULL);
  gtk_widget_allocate (self->child, width, height, -1, NULL);
}

static void
update (LwAttachmentTile *self)
{
  LwAttachment *a = self->attachment;
  GdkTexture *texture = lw_attachment_get_texture (a);
  const char *problem = lw_attachment_get_problem (a);
  g_autofree char *what = lw_attachment_describe (a);

  gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (texture));
  gboolean document = lw_attachment_is_document (a) && lw_attachment_get_ready (a);
  gboolean waiting = !texture && !problem && !document;

  gtk_widget_set_visible (self->spinner, waiting);
  gtk_spinner_set_spinning (GTK_SPINNER (self->spinner), waiting);
  gtk_widget_set_visible (GTK_WIDGET (self->name), document);
  gtk_label_set_label (self->name, lw_attachment_get_label (a));
  gtk_widget_set_visible (GTK_WIDGET (self->cost),
                          self->removable && lw_attachment_get_cost (a) >= 0);
  if (lw_attachment_get_cost (a) >= 0)
    {
      g_autofree char *count = lw_count (lw_attachment_get_cost (a));
      g_autofree char *cost
          = g_strdup_printf (ngettext ("%s token", "%s tokens", (gulong)lw_attachment_get_cost (a)), count);
      gtk_label_set_label (self->cost, cost);
    }
  gtk_widget_set_visible (self->trouble, problem != NULL);
  gtk_widget_set_visible (self->badge, texture && lw_attachment_is_film (a));
  gtk_widget_set_visible (GTK_WIDGET (self->duration), lw_attachment_get_duration (a) > 0);
  if (lw_attachment_get_duration (a) > 0)
    {
      g_autofree char *time = lw_format_duration (lw_attachment_get_duration (a));
      gtk_label_set_label (self->duration, time);
    }
  gtk_widget_set_tooltip_text (GTK_WIDGET (self),
                               problem ? problem : lw_attachment_get_label (a));
  gtk_picture_set_alternative_text (self->picture, what);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->child), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  what, -1);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
open_clicked (LwAttachmentTile *self)
{
  const char *path = lw_attachment_get_path (self->attachment);
  g_autofree char *uri = path ? g_filename_to_uri (path, NULL, NULL) : NULL;
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  if (uri && GTK_IS_WINDOW (root) && !lw_attachment_is_document (self->attachment))
    lw_media_viewer_open (GTK_WINDOW (root), self->attachment);
  else if (uri && GTK_IS_WINDOW (root))
    gtk_show_uri (GTK_WINDOW (root), uri, GDK_CURRENT_TIME);
}

static void
remove_clicked (LwAttachmentTile *self)
{
  g_signal_emit (self, signals[SIGNAL_REMOVED], 0);
}

static void
lw_attachment_tile_dispose (GObject *object)
{
  LwAttachmentTile *self = LW_ATTACHMENT_TILE (object);

  g_clear_pointer (&self->child, gtk_widget_unparent);
  g_clear_object (&self->attachment);
  G_OBJECT_CLASS (lw_attachment_tile_parent_class)->dispose (object);
}

static void
lw_attachment_tile_class_init (LwAttachmentTileClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lw_attachment_tile_dispose;
  widget_class->measure = lw_attachment_tile_measure;
  widget_class->size_allocate = lw_attachment_tile_size_allocate;
  gtk_widget_class_set_css_name (widget_class, "attachment");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  signals[SIGNAL_REMOVED]
      = g_signal_new ("removed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 0);
}

static void
lw_attachment_tile_init (LwAttachmentTile *self)
{
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
}

static GtkWidget *
overlay_icon (GtkOverlay *overlay, const char *icon, const char *css_class, int size)
{
  GtkWidget *image = gtk_image_new_from_icon_name (icon);

  gtk_image_set_pixel_size (GTK_IMAGE (image), size);
  gtk_widget_add_css_class (image, css_class);
  gtk_widget_set_halign (image, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (image, GTK_ALIGN_CENTER);
  gtk_widget_set_can_target (image, FALSE);
  gtk_overlay_add_overlay (overlay, image);
  return image;
}

static GtkWidget *
build (LwAttachment *attachment, gboolean removable, gboolean square)
{
  LwAttachmentTile *self = g_object_new (LW_TYPE_ATTACHMENT_TILE, NULL);
  GtkOverlay *overlay = GTK_OVERLAY (gtk_overlay_new ());

  self->attachment = g_object_ref (attachment);
  self->removable = removable;
  self->square = square;

  self->picture = GTK_PICTURE (gtk_picture_new ());
  gtk_picture_set_content_fit (self->picture, GTK_CONTENT_FIT_COVER);
  gtk_picture_set_can_shrink (self->picture, TRUE);
  gtk_overlay_set_child (overlay, GTK_WIDGET (self->picture));

  self->spinner = gtk_spinner_new ();
  gtk_widget_set_halign (self->spinner, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (self->spinner, GTK_ALIGN_CENTER);
  gtk_overlay_add_overlay (overlay, self->spinner);
  self->badge = overlay_icon (overlay, "media-playback-start-symbolic", "badge",
                              removable ? 16 : 24);
  self->trouble = overlay_icon (overlay, "dialog-warning-symbolic", "trouble",
                                removable ? 16 : 24);

  self->duration = GTK_LABEL (gtk_label_new (NULL));
  gtk_widget_add_css_class (GTK_WIDGET (self->duration), "duration");
  /* What it costs is below, and the button to remove it at the end. */
  gtk_widget_set_halign (GTK_WIDGET (self->duration), removable ? GTK_ALIGN_START : GTK_ALIGN_END);
  gtk_widget_set_valign (GTK_WIDGET (self->duration), removable ? GTK_ALIGN_START : GTK_ALIGN_END);
  gtk_widget_set_can_target (GTK_WIDGET (self->duration), FALSE);
  gtk_overlay_add_overlay (overlay, GTK_WIDGET (self->duration));

  self->cost = GTK_LABEL (gtk_label_new (NULL));
  gtk_widget_add_css_class (GTK_WIDGET (self->cost), "duration");
  gtk_widget_set_halign (GTK_WIDGET (self->cost), GTK_ALIGN_CENTER);
  gtk_widget_set_valign (GTK_WIDGET (self->cost), GTK_ALIGN_END);
  gtk_widget_set_can_target (GTK_WIDGET (self->cost), FALSE);
  gtk_overlay_add_overlay (overlay, GTK_WIDGET (self->cost));
  self->name = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_ellipsize (self->name, PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_wrap (self->name, TRUE);
  gtk_label_set_wrap_mode (self->name, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_lines (self->name, 2);
  gtk_widget_add_css_class (GTK_WIDGET (self->name), "document-name");
  gtk_widget_set_can_target (GTK_WIDGET (self->name), FALSE);
  gtk_widget_set_valign (GTK_WIDGET (self->name), removable ? GTK_ALIGN_START : GTK_ALIGN_CENTER);
  gtk_overlay_add_overlay (overlay, GTK_WIDGET (self->name));

  if (removable)
    {
      GtkWidget *button = gtk_button_new_from_icon_name ("window-close-symbolic");
      g_autofree char *label
          /* Translators: %s is the name of a picture or film */
          = g_strdup_printf (_("Remove %s"), lw_attachment_get_label (attachment));

      gtk_widget_add_css_class (button, "circular");
      gtk_widget_add_css_class (button, "remove");
      gtk_widget_set_halign (button, GTK_ALIGN_END);
      gtk_widget_set_valign (button, GTK_ALIGN_START);
      gtk_widget_set_tooltip_text (button, _("Remove"));
      gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                      label, -1);
      g_signal_connect_swapped (button, "clicked", G_CALLBACK (remove_clicked), self);
      gtk_overlay_add_overlay (overlay, button);
      self->child = GTK_WIDGET (overlay);
    }
  else
    {
      self->child = gtk_button_new ();
      gtk_button_set_child (GTK_BUTTON (self->child), GTK_WIDGET (overlay));
      gtk_widget_add_css_class (self->child, "flat");
      g_signal_connect_swapped (self->child, "clicked", G_CALLBACK (open_clicked), self);
    }
  gtk_widget_set_parent (self->child, GTK_WIDGET (self));
  g_signal_connect_object (attachment, "notify", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);
  return GTK_WIDGET (self);
}

GtkWidget *
lw_attachment_tile_new (LwAttachment *attachment, gboolean square)
{
  return build (attachment, FALSE, square);
}

GtkWidget *
lw_attachment_tile_new_removable (LwAttachment *attachment)
{
  return build (attachment, TRUE, FALSE);
}

LwAttachment *
lw_attachment_tile_get_attachment (LwAttachmentTile *self)
{
  return self->attachment;
}
