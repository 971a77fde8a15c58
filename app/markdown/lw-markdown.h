/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An answer's Markdown as a flat list of blocks that a window can show one below the other.
 *
 * The text of an answer grows, so it is cut into parts first (lw_md_part()): a part that has ended does
 * not change any more, whatever follows, and is parsed once.  Parts are short (LW_MD_MAX_PART), so parsing
 * the last one again for every frame costs little.
 *
 * Dialect: CommonMark with tables, strikethrough, task lists and bare web addresses; $...$, $$...$$, \(...\)
 * and \[...\] are maths.  A line break in the source is one on the screen, because models mean it.  HTML is
 * text, and pictures are links: nothing is ever fetched.  Left out: reference definitions ("[1]: http://...")
 * reach only links of the same part.
 *
 * Hostile text costs time and memory in proportion to its length: what is nested or tabulated beyond the
 * limits below is shown as plain text, complete.
 *
 * Any thread; no state.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A part without a natural end is cut here, bytes. */
#define LW_MD_MAX_PART (16 << 10)
/* A paragraph's line that is longer is cut, between two words if it can: laying out what has changed takes as long
 * as all of its block, in every frame. */
#define LW_MD_MAX_LINE (2 << 10)
/* A word of ASCII characters that is longer is cut, bytes: where nothing can be broken Pango tries every place, which
 * takes more than twice as long for twice as much (14 ms for 4 KiB, 2 ms for 1 KiB). */
#define LW_MD_MAX_WORD (1 << 10)
/* Emoji, letters... that Unicode joins into one character; the longest that means something, a family with colours of
 * skin, joins four. */
#define LW_MD_MAX_CLUSTER 16
/* Quotes and lists inside each other; deeper ones look as deep as this. */
#define LW_MD_MAX_DEPTH 8
/* Emphasis, links... inside each other; deeper ones change nothing. */
#define LW_MD_MAX_SPANS 12
/* Columns of a table; what the rest contains is joined in the last. */
#define LW_MD_MAX_COLUMNS 24
/* Cells of one table block; a longer table becomes several blocks. */
#define LW_MD_MAX_CELLS 240
/* What one part may produce before it is shown as plain text instead. */
#define LW_MD_MAX_EVENTS 100000

/* ---- Parts ---- */

/* Where a part begins: outside everything, or inside a code block that was too long for one part. */
typedef struct {
    char fence;         /* '`' or '~'; 0: outside */
    guint fence_length;
    guint fence_indent; /* columns to be removed from its lines */
    char language[24];
} lw_md_state;

/* The first part of text (n bytes of UTF-8, beginning where *state says): its length in bytes, and *state
 * becomes that of the next part.  0: it may still change when text is added; then it is text itself, at most
 * LW_MD_MAX_PART bytes, and *state is not touched. */
gsize lw_md_part(const char *text, gsize n, lw_md_state *state);

/* ---- Blocks ---- */

typedef enum {
    LW_MD_TEXT,
    LW_MD_HEADING,
    LW_MD_CODE,
    LW_MD_MATHS,
    LW_MD_TABLE,
    LW_MD_RULE,
} lw_md_kind;

typedef struct {
    lw_md_kind kind;
    int quote;          /* quotes around it, 0..LW_MD_MAX_DEPTH */
    int indent;         /* lists around it, 0..LW_MD_MAX_DEPTH */
    char *marker;       /* "•", "3.", "☐", "☑": it begins a list item; else NULL */
    int level;          /* HEADING: 1..6 */
    char *text;         /* TEXT, HEADING: Pango markup, always well-formed; CODE, MATHS: plain; else NULL */
    char *source;       /* MATHS: the LaTeX */
    char *language;     /* CODE: as written, or NULL */
    gboolean continued; /* CODE: goes on from the block before, which was too long for one part */
    int n_columns, n_rows; /* TABLE */
    char **cells;       /* TABLE: [n_rows * n_columns] markup, NULL-terminated; row 0 is the head when has_head */
    gboolean has_head;
    char align[LW_MD_MAX_COLUMNS]; /* TABLE: 'l', 'c' or 'r' */
} lw_md_block;

void lw_md_block_free(lw_md_block *b);
gboolean lw_md_block_equal(const lw_md_block *a, const lw_md_block *b);

/* One part (or what there is of it) to blocks.  Never fails.  Of lw_md_block; free with g_ptr_array_unref(). */
GPtrArray *lw_md_parse(const char *text, gsize n, const lw_md_state *state);

/* A text (taken over, UTF-8, plain or markup) in which no character of more than LW_MD_MAX_CLUSTER joined ones is left:
 * a line may be broken inside of longer ones.  Free with g_free().  lw_md_parse() has done it. */
char *lw_md_break_clusters(char *text);

/* A whole text at once. */
GPtrArray *lw_md_parse_all(const char *text);

/* Whether a link may be opened: http, https or mailto. */
gboolean lw_md_is_safe_link(const char *url);

G_END_DECLS
