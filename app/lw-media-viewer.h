/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A picture or film of a message in full, in a window of its own.  Escape closes it.  A film that this machine
 * has no player for is given to the desktop's own program.
 */
#pragma once

#include <adwaita.h>

#include "app/lw-attachment.h"

G_BEGIN_DECLS

#define LW_TYPE_MEDIA_VIEWER (lw_media_viewer_get_type ())
G_DECLARE_FINAL_TYPE (LwMediaViewer, lw_media_viewer, LW, MEDIA_VIEWER, AdwWindow)

void lw_media_viewer_open (GtkWindow *parent, LwAttachment *attachment);

G_END_DECLS
