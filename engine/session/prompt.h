/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside of lw_prompt, for the session.
 */
#pragma once

#include "engine/session/timeline.h"

struct lw_prompt {
    lw_timeline timeline;
    gboolean opens_thinking;
};
