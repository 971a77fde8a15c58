/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A sample's picture or film as the engine wants to see it; painted frame by frame when the tower asks.
 */
#pragma once

#include "app/eval/sample.h"
#include "engine/lw-media.h"

G_BEGIN_DECLS

/* part: a PICTURE or FILM; the medium keeps its scenes.  Errors: LW_VIS_ERROR.  Engine thread. */
lw_media *lw_eval_media_open (const LwEvalPart *part, const lw_vision_spec *spec, GError **error);

G_END_DECLS
