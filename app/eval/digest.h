/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What proves that two machines asked the same: SHA-256 of a sample's context.  Of text it is the digest of the
 * text itself; a picture or film stands in it as the digest of the numbers that it is painted from.
 *
 * Thread: pure functions.
 */
#pragma once

#include "app/eval/sample.h"

G_BEGIN_DECLS

/* In hexadecimal.  Free with g_free(). */
char *lw_eval_sample_digest (const LwEvalSample *sample);

/* Of one picture or film. */
void lw_eval_scenes_digest (const LwEvalPart *part, guint8 out[32]);

G_END_DECLS
