/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the model looks at of a picture or film, in the language of the user.
 */
#pragma once

#include "engine/lw-media.h"

G_BEGIN_DECLS

/* What it costs, and what is unusual about it: "777 tokens, made smaller to fit".  *details gets the rest in
 * sentences: "A picture of 1920 by 1080 pixels: ...".  Of a medium of somebody else's making, its own note,
 * and NULL.  Free both with g_free().  Any thread. */
char *lw_media_describe(const lw_media *m, char **details);

G_END_DECLS
