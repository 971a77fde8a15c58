/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What graphics cards there are, found out in a thread of its own, for a window that may be closed meanwhile.
 *
 * Thread: the UI thread.
 */
#pragma once

#include <glib-object.h>

#include "app/models/device.h"

G_BEGIN_DECLS

/* Borrowed for the call. */
typedef void (*LwGraphicsFound) (gpointer owner, const lw_graphics *graphics);

/* Looks, and calls found once unless the owner is gone then.  An owner that was disposed but is still held gets
 * its call. */
void lw_graphics_find (GObject *owner, LwGraphicsFound found);

G_END_DECLS
