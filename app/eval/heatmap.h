/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A picture of accuracy by depth and length, as people know it from needle tests: a panel for each task and
 * attention mode, a column for each size, a row for each fifth of the context, and one for all answers.
 * SVG without scripts, fonts or files of others; light or dark as the viewer is.
 */
#pragma once

#include "app/eval/summary.h"

G_BEGIN_DECLS

/* cells: of LwEvalCell, as lw_eval_summarise() gives them; unit: what sizes count ("tokens").  title, note:
 * UTF-8 lines above and below.  Free with g_free(). */
char *lw_eval_heatmap (const GArray *cells, const char *title, const char *note, const char *unit);

G_END_DECLS
