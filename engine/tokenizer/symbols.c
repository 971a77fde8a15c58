/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/tokenizer/symbols.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/tokenizer/tokenizer-private.h"

static const char what[] = "the vocabulary's index";

static const char *symbol_bytes(const lw_symbols *s, gint32 symbol, gsize *n)
{
    const lw_tokenizer *t = s->t;
    gsize k;

    if (symbol < t->n_tokens) {
        *n = t->offsets[symbol + 1] - t->offsets[symbol];
        return t->bytes + t->offsets[symbol];
    }
    k = (gsize)(symbol - t->n_tokens);
    *n = s->extra_offsets[k + 1] - s->extra_offsets[k];
    return s->extra + s->extra_offsets[k];
}

static gboolean has_bytes(const lw_symbols *s, gint32 symbol, const void *bytes, gsize n)
{
    gsize n_symbol;
    const char *p = symbol_bytes(s, symbol, &n_symbol);

    return n_symbol == n && memcmp(p, bytes, n) == 0;
}

/* 32 bits of hash: they choose the slot and spare most comparisons of other symbols' bytes. */
static guint64 slot_hash(const lw_symbols *s, const void *bytes, gsize n)
{
    return lw_tokenizer_hash(s->t, bytes, n) >> 32;
}

/* The slot that holds these bytes, or the free one where they belong. */
static guint64 *find_slot(const lw_symbols *s, const void *bytes, gsize n, guint64 hash)
{
    for (gsize i = hash & s->mask;; i = (i + 1) & s->mask) {
        guint64 slot = s->slots[i];

        if (slot == 0 ||
            (slot >> 32 == hash && has_bytes(s, (gint32)((guint32)slot - 1), bytes, n)))
            return &s->slots[i];
    }
}

gboolean lw_symbols_reserve(lw_symbols *s, gsize n, GError **error)
{
    gsize n_slots = s->slots != NULL ? s->mask + 1 : 1024;
    guint64 *slots;

    /* At most two thirds are in use. */
    while ((s->n_used + n) * 3 > n_slots * 2)
        n_slots *= 2;
    if (s->slots != NULL && n_slots == s->mask + 1)
        return TRUE;
    slots = lw_alloc0_array_try(n_slots, sizeof *slots, what, error);
    if (slots == NULL)
        return FALSE;
    for (gsize k = 0; s->slots != NULL && k <= s->mask; k++) {
        gsize i = s->slots[k] >> 32 & (n_slots - 1);

        if (s->slots[k] == 0)
            continue;
        while (slots[i] != 0)
            i = (i + 1) & (n_slots - 1);
        slots[i] = s->slots[k];
    }
    lw_free(s->slots);
    s->slots = slots;
    s->mask = n_slots - 1;
    return TRUE;
}

gboolean lw_symbols_init(lw_symbols *s, const lw_tokenizer *t, gsize n_extra, gsize extra_bytes,
                         GError **error)
{
    *s = (lw_symbols){.t = t,
                      .n = t->n_tokens,
                      .n_room = t->n_tokens + (gint32)n_extra,
                      .extra_room = extra_bytes};
    s->extra = lw_alloc_try(extra_bytes, what, error);
    s->extra_offsets = s->extra != NULL
                           ? lw_alloc_try((n_extra + 1) * sizeof *s->extra_offsets, what, error)
                           : NULL;
    if (s->extra_offsets == NULL || !lw_symbols_reserve(s, (gsize)t->n_tokens, error)) {
        lw_symbols_clear(s);
        return FALSE;
    }
    s->extra_offsets[0] = 0;
    for (gint32 i = 0; i < t->n_tokens; i++) {
        gsize n;
        const char *bytes = symbol_bytes(s, i, &n);
        guint64 hash, *slot;

        if (!lw_token_is_symbol(t, i) || n == 0)
            continue;
        hash = slot_hash(s, bytes, n);
        slot = find_slot(s, bytes, n, hash);
        if (*slot == 0)
            s->n_used++;
        else
            s->any_equal = TRUE;
        *slot = hash << 32 | (guint32)(i + 1);
        s->max_bytes = MAX(s->max_bytes, (guint32)n);
    }
    return TRUE;
}

gboolean lw_symbols_add_filter(lw_symbols *s, GError **error)
{
    if (!lw_filter_init(&s->filter, s->n_used, error))
        return FALSE;
    for (gsize k = 0; k <= s->mask; k++) {
        if (s->slots[k] != 0)
            lw_filter_add(&s->filter, s->slots[k] & ~(guint64)G_MAXUINT32);
    }
    return TRUE;
}

void lw_symbols_clear(lw_symbols *s)
{
    lw_filter_clear(&s->filter);
    lw_free(s->slots);
    lw_free(s->extra);
    lw_free(s->extra_offsets);
    s->slots = NULL;
    s->extra = NULL;
    s->extra_offsets = NULL;
}

gint32 lw_symbols_find(const lw_symbols *s, const void *bytes, gsize n)
{
    guint64 hash;

    if (n > s->max_bytes)
        return -1;
    hash = slot_hash(s, bytes, n);
    if (s->filter.bits != NULL && !lw_filter_may_have(&s->filter, hash << 32))
        return -1;
    return (gint32)(guint32)*find_slot(s, bytes, n, hash) - 1;
}

gint32 lw_symbols_intern(lw_symbols *s, const void *bytes, gsize n)
{
    guint64 hash = slot_hash(s, bytes, n), *slot = find_slot(s, bytes, n, hash);

    if (*slot == 0) {
        g_return_val_if_fail(s->n < s->n_room && n <= s->extra_room - s->extra_used, -1);
        memcpy(s->extra + s->extra_used, bytes, n);
        s->extra_used += n;
        s->extra_offsets[s->n - s->t->n_tokens + 1] = (guint32)s->extra_used;
        *slot = hash << 32 | (guint32)(s->n + 1);
        s->n_used++;
        s->n++;
        s->max_bytes = MAX(s->max_bytes, (guint32)n);
    }
    return (gint32)((guint32)*slot - 1);
}

gboolean lw_symbols_is(const lw_symbols *s, gint32 symbol, const void *bytes, gsize n)
{
    return symbol < s->t->n_tokens && lw_token_is_symbol(s->t, symbol) &&
           has_bytes(s, symbol, bytes, n) &&
           (!s->any_equal || lw_symbols_find(s, bytes, n) == symbol);
}
