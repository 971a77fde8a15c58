/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/lw-error.h"

G_DEFINE_QUARK(lw-model-error-quark, lw_model_error)
G_DEFINE_QUARK(lw-engine-error-quark, lw_engine_error)
