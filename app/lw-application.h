/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One instance per session: it owns the services, opens the window, and takes files given on the
 * command line of a second start.
 */
#pragma once

#include <adwaita.h>

#include "app/lw-types.h"

G_BEGIN_DECLS

#define LW_TYPE_APPLICATION (lw_application_get_type ())
G_DECLARE_FINAL_TYPE (LwApplication, lw_application, LW, APPLICATION, AdwApplication)

LwApplication *lw_application_new (void);

/* Borrowed; there once the application has started. */
LwAttention *lw_application_get_attention (LwApplication *self);

G_END_DECLS
