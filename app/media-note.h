/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was done to a picture or film before the model looks at it, in the language of the user.
 */
#pragma once

#include "engine/lw-media.h"

G_BEGIN_DECLS

/* "1920×1080 → 1036×588, 777 tokens"; in English it is the medium's own note.  Free with g_free().
 * Any thread. */
char *lw_media_describe(const lw_media *m);

G_END_DECLS
