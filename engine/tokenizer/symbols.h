/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Symbols: byte strings <-> numbers, through a hash table with a random key.  The first n_tokens
 * numbers are the tokenizer's tokens, whose bytes stay where they are; strings that are no tokens
 * get the numbers after them.
 */
#pragma once

#include "engine/tokenizer/filter.h"

G_BEGIN_DECLS

struct lw_tokenizer;

typedef struct {
    const struct lw_tokenizer *t;
    guint64 *slots; /* hash << 32 | symbol + 1; 0: free */
    gsize mask, n_used;
    lw_filter filter;
    gboolean any_equal; /* some tokens have the same bytes */
    char *extra;        /* bytes of the symbols that are no tokens */
    gsize extra_used, extra_room;
    guint32 *extra_offsets;
    gint32 n; /* symbols so far, tokens that are none included */
    gint32 n_room;
    guint32 max_bytes; /* of the longest symbol */
} lw_symbols;

/* All normal tokens; of equal ones the last counts.  Room for n_extra more symbols of extra_bytes
 * in all. Errors: NO_MEMORY. */
gboolean lw_symbols_init(lw_symbols *s, const struct lw_tokenizer *t, gsize n_extra,
                         gsize extra_bytes, GError **error);
void lw_symbols_clear(lw_symbols *s);

/* Makes looking for what is not there cheap from now on; no symbols are made afterwards.
 * Errors: NO_MEMORY. */
gboolean lw_symbols_add_filter(lw_symbols *s, GError **error);

/* -1: there is none. */
gint32 lw_symbols_find(const lw_symbols *s, const void *bytes, gsize n);
/* Make sure that n more symbols fit into the table.  Errors: NO_MEMORY. */
gboolean lw_symbols_reserve(lw_symbols *s, gsize n, GError **error);
/* Made when there is none yet; room was reserved. */
gint32 lw_symbols_intern(lw_symbols *s, const void *bytes, gsize n);
/* Whether the symbol has these bytes and is what lw_symbols_find() gives for them. */
gboolean lw_symbols_is(const lw_symbols *s, gint32 symbol, const void *bytes, gsize n);

G_END_DECLS
