/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A device that goes away, for tests.
 */
#pragma once

#include "engine/backend/backend.h"

G_BEGIN_DECLS

/* The device that LW_FRAIL_DEVICE asks for, or NULL; taken in place of the best one there is. */
const lw_backend *lw_backend_frail(void);

G_END_DECLS
