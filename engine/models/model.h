/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the session needs of a model beyond the public lw-engine.h.
 */
#pragma once

#include "engine/models/arch.h"
#include "engine/models/vision.h"

G_BEGIN_DECLS

const lw_hparams *lw_model_get_hparams(const lw_model *m);
const lw_graph *lw_model_get_graph(const lw_model *m);
const lw_arch *lw_model_get_arch(const lw_model *m);
const lw_vision *lw_model_get_vision(const lw_model *m); /* NULL: none */
const lw_chat *lw_model_get_chat(const lw_model *m);

G_END_DECLS
