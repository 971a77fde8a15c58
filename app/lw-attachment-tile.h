/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A thumbnail: in the composer a small square with a remove button, in a message as large as its
 * shape allows, and a button that opens the file.  Films carry a play badge and their length.
 */
#pragma once

#include "app/lw-attachment.h"

G_BEGIN_DECLS

#define LW_TYPE_ATTACHMENT_TILE (lw_attachment_tile_get_type ())
G_DECLARE_FINAL_TYPE (LwAttachmentTile, lw_attachment_tile, LW, ATTACHMENT_TILE, GtkWidget)

/* In a message; square: one of several. */
GtkWidget *lw_attachment_tile_new (LwAttachment *attachment, gboolean square);

/* In the composer; signal "removed" when its button is pressed. */
GtkWidget *lw_attachment_tile_new_removable (LwAttachment *attachment);

LwAttachment *lw_attachment_tile_get_attachment (LwAttachmentTile *self);

G_END_DECLS
