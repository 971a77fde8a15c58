/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A set of hashes that may say yes wrongly (about one time in ten) and never no wrongly: it is
 * small enough for the second-level cache, where the table behind it is not, and most look-ups end
 * here.
 */
#pragma once

#include "engine/base/alloc.h"

G_BEGIN_DECLS

typedef struct {
    guint64 *bits; /* NULL: no set */
    guint shift;   /* the number of bits is 1 << (64 - shift) */
} lw_filter;

/* For n_keys keys, all bits clear.  Errors: NO_MEMORY. */
static inline gboolean lw_filter_init(lw_filter *f, gsize n_keys, GError **error)
{
    f->shift = 64 - 10;
    while (f->shift > 64 - 32 && (G_GUINT64_CONSTANT(1) << (64 - f->shift)) / 8 < n_keys)
        f->shift--;
    f->bits = lw_alloc0_array_try((gsize)1 << (64 - f->shift - 6), sizeof *f->bits,
                                  "the vocabulary's index", error);
    return f->bits != NULL;
}

static inline void lw_filter_clear(lw_filter *f)
{
    lw_free(f->bits);
    f->bits = NULL;
}

/* Two bits of a word. */
static inline guint64 lw_filter_mask(guint64 hash)
{
    return G_GUINT64_CONSTANT(1) << (hash >> 32 & 63) | G_GUINT64_CONSTANT(1) << (hash >> 38 & 63);
}

/* Only the upper 32 bits of a hash count. */
static inline void lw_filter_add(lw_filter *f, guint64 hash)
{
    f->bits[hash >> f->shift >> 6] |= lw_filter_mask(hash);
}

static inline gboolean lw_filter_may_have(const lw_filter *f, guint64 hash)
{
    guint64 mask = lw_filter_mask(hash);

    return (f->bits[hash >> f->shift >> 6] & mask) == mask;
}

G_END_DECLS
