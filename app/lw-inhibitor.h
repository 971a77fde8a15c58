/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keeping the computer awake.  GTK 4.8 waits for the session manager's answer, which may be busy; this asks
 * it without waiting, and leaves only what has no session manager of GNOME's kind (the portal, another
 * desktop) to GTK.
 *
 * Thread: UI.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct _LwInhibitor LwInhibitor;

/* app: registered; borrowed, it outlives this. */
LwInhibitor *lw_inhibitor_new (GtkApplication *app);
/* What is held meanwhile ends with the program. */
void lw_inhibitor_free (LwInhibitor *self);

/* reason: for people.  Returns at once; the last call counts. */
void lw_inhibitor_hold (LwInhibitor *self, const char *reason);
void lw_inhibitor_release (LwInhibitor *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LwInhibitor, lw_inhibitor_free)

G_END_DECLS
