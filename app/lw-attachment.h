/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A picture, film or document that goes with a message.  It comes from a file or, when pasted or dragged out of
 * another program, from a texture that gets a file only when its message is sent, or from a text that gets one
 * at once, which goes with this object.  The thumbnail is
 * made on a worker thread; `texture` is notified when it is there.
 *
 * Thread: UI.
 */
#pragma once

#include <gtk/gtk.h>

#include "app/lw-types.h"
#include "memory/lw-memory.h"

G_BEGIN_DECLS

#define LW_TYPE_ATTACHMENT (lw_attachment_get_type ())
G_DECLARE_FINAL_TYPE (LwAttachment, lw_attachment, LW, ATTACHMENT, GObject)

/* Longer side of a thumbnail, pixels: 280 on a screen with scale 2. */
#define LW_THUMBNAIL_SIDE 560

LwAttachment *lw_attachment_new_for_file (const char *path);
LwAttachment *lw_attachment_new_for_texture (GdkTexture *texture, const char *label);
/* text: taken.  label: such as "Pasted text". */
LwAttachment *lw_attachment_new_for_text (char *text, const char *label);
LwAttachment *lw_attachment_new_for_record (const lw_mem_attachment *record);

const char *lw_attachment_get_label (LwAttachment *self);
/* NULL for a texture that is not saved yet, and for a text before it is ready. */
const char *lw_attachment_get_path (LwAttachment *self);
/* Thumbnail, or NULL while it is made. */
GdkTexture *lw_attachment_get_texture (LwAttachment *self);
/* The pasted texture in full, or NULL when there is a file. */
GdkTexture *lw_attachment_get_original (LwAttachment *self);
gboolean lw_attachment_is_film (LwAttachment *self);
gboolean lw_attachment_is_document (LwAttachment *self);
lw_mem_kind lw_attachment_get_kind (LwAttachment *self);
/* Property "ready": its kind is known and it is usable. */
gboolean lw_attachment_get_ready (LwAttachment *self);
/* Property "cost": tokens that it takes, < 0: not known. */
gint64 lw_attachment_get_cost (LwAttachment *self);
void lw_attachment_set_cost (LwAttachment *self, gint64 cost);
double lw_attachment_get_duration (LwAttachment *self); /* seconds, 0: unknown or a picture */
/* Why it cannot be shown, or NULL. */
const char *lw_attachment_get_problem (LwAttachment *self);
/* It has a problem, and no copy of it was kept: no model can be given this. */
gboolean lw_attachment_is_useless (LwAttachment *self);

/* What the store knows about it, or NULL before it is kept. */
const lw_mem_attachment *lw_attachment_get_record (LwAttachment *self);
void lw_attachment_set_record (LwAttachment *self, const lw_mem_attachment *record);

/* "Picture photo.jpg", "Film walk.mp4, 1:20": for screen readers. Free with g_free(). */
char *lw_attachment_describe (LwAttachment *self);

/* "1:02:03" or "0:07".  Free with g_free(). */
char *lw_format_duration (double seconds);

G_END_DECLS
