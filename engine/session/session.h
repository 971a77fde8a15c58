/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside of lw_session, for generate.c.
 */
#pragma once

#include "engine/lw-engine.h"

G_BEGIN_DECLS

/* The end of a turn: save a snapshot if the session keeps any.  A failure costs no answer: it is
 * logged, once for a session. */
void lw_session_save_turn(lw_session *s);

G_END_DECLS
