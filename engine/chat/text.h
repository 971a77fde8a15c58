/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text that knows where each of its bytes comes from.  A chat template mixes its own scaffold with
 * what people, files, tools and the model wrote; only scaffold may become special tokens.  So every
 * byte carries its origin through all that a template does with it, and nothing ever raises an
 * origin.
 *
 * A place of a picture or film is a run of LW_TEXT_PLACE bytes whose origin is LW_ORIGIN_MEDIA: the
 * number of the medium in decimal.  No text can imitate one, because the origin is not in the text.
 *
 * Thread: plain data, one thread at a time.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
    LW_ORIGIN_OUTSIDE = 0,  /* anybody's text: never a special token */
    LW_ORIGIN_TEMPLATE = 1, /* scaffold: may contain special tokens */
    LW_ORIGIN_MEDIA = 2,    /* part of a media place */
} lw_origin;

/* Bytes of one media place. */
#define LW_TEXT_PLACE 6
#define LW_TEXT_MAX_MEDIA 1000000

/* A view: two parallel arrays of n, borrowed.  UTF-8 is expected, anything is allowed. */
typedef struct {
    const char *bytes;
    const guint8 *origins; /* lw_origin */
    gsize n;
} lw_text;

/* Length in bytes of the character that p begins with (n > 0), and the character; an invalid byte
 * is a character of its own, and *c (may be NULL) is then G_MAXUINT32. */
gsize lw_text_char(const char *p, gsize n, gunichar *c);

/* What Python's str.isspace() calls white space, which templates were written against. */
gboolean lw_text_is_space(gunichar c);

/* t without white space on the sides asked for. */
lw_text lw_text_trim(lw_text t, gboolean left, gboolean right);
/* t without any of the ASCII characters of `set` on the sides asked for. */
lw_text lw_text_trim_set(lw_text t, const char *set, gboolean left, gboolean right);
/* Bytes [from, from + n) of t. */
lw_text lw_text_part(lw_text t, gsize from, gsize n);
/* First place of needle at or behind `from`, or -1. */
gssize lw_text_find(lw_text t, const char *needle, gsize n_needle, gsize from);
/* Last place of needle, or -1. */
gssize lw_text_find_last(lw_text t, const char *needle, gsize n_needle);
gboolean lw_text_equal(lw_text t, const char *bytes, gsize n);
/* TRUE when every byte is scaffold. */
gboolean lw_text_is_trusted(lw_text t);

/* ---- A growing text ---- */

/* Starts as {0} or with a limit.  After the first failure (no memory, or more than limit bytes)
 * every further addition does nothing, so callers look once, at the end. */
typedef struct {
    char *bytes;
    guint8 *origins;
    gsize n, capacity;
    gsize limit; /* bytes; 0: none */
    gboolean failed, over_limit;
} lw_text_buf;

void lw_text_buf_clear(lw_text_buf *b);
/* FALSE when memory ran out or the limit was met. */
gboolean lw_text_buf_add(lw_text_buf *b, const char *bytes, gsize n, lw_origin origin);
/* A constant of the program. */
gboolean lw_text_buf_add_scaffold(lw_text_buf *b, const char *literal);
gboolean lw_text_buf_append(lw_text_buf *b, lw_text t);
gboolean lw_text_buf_add_place(lw_text_buf *b, guint medium);
static inline lw_text lw_text_buf_view(const lw_text_buf *b)
{
    return (lw_text){b->bytes, b->origins, b->n};
}

/* Number of the medium whose place begins at byte `at`, or -1 when there is no whole place. */
gint64 lw_text_place_at(lw_text t, gsize at);

G_END_DECLS
