/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What methods and filters do with texts and mappings; origins are kept as jinja.h says.
 */
#pragma once

#include "engine/chat/jinja-private.h"

G_BEGIN_DECLS

/* TITLE is Python's title(), whose words are runs of letters; WORDS the filter's, whose words stand
 * between spaces, hyphens and opening brackets. */
typedef enum {
    LW_JCASE_UPPER,
    LW_JCASE_LOWER,
    LW_JCASE_TITLE,
    LW_JCASE_WORDS,
    LW_JCASE_CAPITALIZE
} lw_jcase_kind;
typedef enum { LW_JMAP_ITEMS, LW_JMAP_KEYS, LW_JMAP_VALUES } lw_jmap_part;

/* set: NULL or none for white space. */
gboolean lw_jtrim(lw_jinja_run *r, lw_text t, const lw_jvalue *set, gboolean left, gboolean right,
                  lw_text *out);
/* separator: NULL or none for runs of white space; limit: NULL for none. */
gboolean lw_jsplit(lw_jinja_run *r, lw_text t, const lw_jvalue *separator, const lw_jvalue *limit,
                   gboolean from_right, lw_jvalue *out);
gboolean lw_jlines(lw_jinja_run *r, lw_text t, lw_jvalue *out);
gboolean lw_jcase(lw_jinja_run *r, lw_text t, lw_jcase_kind kind, lw_jvalue *out);
gboolean lw_jreplace(lw_jinja_run *r, lw_text t, const lw_jvalue *old, const lw_jvalue *new,
                     const lw_jvalue *count, lw_jvalue *out);
gboolean lw_jjoin(lw_jinja_run *r, const lw_jlist *items, lw_text separator, lw_jvalue *out);
gboolean lw_jmap_list(lw_jinja_run *r, const lw_jmap *m, lw_jmap_part part, lw_jvalue *out);

G_END_DECLS
