/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/grammar/constraint.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/lw-error.h"

/* Bit sets kept, and bytes of states held, before old ones are dropped. */
#define MAX_SETS 256
#define MAX_MATCHER_BYTES ((gsize)32 << 20)

typedef struct {
    const guint8 *bytes;
    guint32 n;
    gint32 id;
    guint32 shared; /* bytes it has in common with the token before it in the order */
} sorted_token;

struct lw_constraint {
    const lw_tokenizer *tokenizer;
    lw_matcher *matcher;
    lw_matcher_state at;
    sorted_token *tokens; /* by bytes; control tokens and empty ones are not here */
    gsize n_tokens;
    gint32 n_vocab;
    gsize n_words;
    GArray *ends;           /* gint32: tokens that end a generation */
    GHashTable *sets;       /* state -> bit set */
    lw_matcher_state *path; /* state after each byte of the token at hand; [longest + 1] */
};

static int by_bytes(const void *a, const void *b)
{
    const sorted_token *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, MIN(x->n, y->n));

    if (order == 0)
        order = x->n < y->n ? -1 : x->n > y->n;
    return order ? order : x->id < y->id ? -1 : 1;
}

lw_constraint *lw_constraint_new(lw_grammar *g, const lw_tokenizer *t, GError **error)
{
    lw_constraint *c = g_new0(lw_constraint, 1);
    gsize longest = 0;

    c->tokenizer = t;
    c->n_vocab = lw_tokenizer_n_tokens(t);
    c->n_words = ((gsize)c->n_vocab + 31) / 32;
    c->matcher = lw_matcher_new(g);
    c->ends = g_array_new(FALSE, FALSE, sizeof(gint32));
    c->sets = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, lw_free);
    c->tokens =
        lw_alloc0_array_try((gsize)c->n_vocab, sizeof *c->tokens, "the sorted vocabulary", error);
    if (!c->tokens)
        goto fail;
    for (gint32 id = 0; id < c->n_vocab; id++) {
        gsize n;
        const char *bytes = lw_tokenizer_token_bytes(t, id, &n);
        if (lw_tokenizer_is_eog(t, id))
            g_array_append_val(c->ends, id);
        if (n == 0 || lw_tokenizer_is_eog(t, id) || lw_tokenizer_is_control(t, id))
            continue;
        c->tokens[c->n_tokens++] = (sorted_token){(const guint8 *)bytes, (guint32)n, id, 0};
        longest = MAX(longest, n);
    }
    qsort(c->tokens, c->n_tokens, sizeof *c->tokens, by_bytes);
    for (gsize i = 1; i < c->n_tokens; i++) {
        const sorted_token *a = &c->tokens[i - 1];
        sorted_token *b = &c->tokens[i];
        while (b->shared < MIN(a->n, b->n) && a->bytes[b->shared] == b->bytes[b->shared])
            b->shared++;
    }
    c->path = lw_alloc0_array_try(longest + 1, sizeof *c->path, "the longest token", error);
    if (!c->path)
        goto fail;
    c->at = lw_matcher_start(c->matcher);
    return c;
fail:
    lw_constraint_free(c);
    return NULL;
}

void lw_constraint_free(lw_constraint *c)
{
    if (!c)
        return;
    g_hash_table_unref(c->sets);
    lw_matcher_free(c->matcher);
    g_array_unref(c->ends);
    lw_free(c->tokens);
    lw_free(c->path);
    g_free(c);
}

void lw_constraint_reset(lw_constraint *c)
{
    c->at = lw_matcher_start(c->matcher);
}

gboolean lw_constraint_may_end(const lw_constraint *c)
{
    return lw_matcher_may_end(c->matcher, c->at);
}

/* Run the sorted vocabulary through the states.  Where a beginning leads nowhere, all tokens that
 * share it are passed over. */
static gboolean fill(lw_constraint *c, guint32 *set)
{
    gboolean any = FALSE;

    c->path[0] = c->at;
    for (gsize i = 0; i < c->n_tokens;) {
        const sorted_token *t = &c->tokens[i];
        guint32 d = t->shared;
        while (d < t->n &&
               (c->path[d + 1] = lw_matcher_step(c->matcher, c->path[d], t->bytes[d])) != 0)
            d++;
        if (d == t->n) {
            set[t->id / 32] |= 1u << t->id % 32;
            any = TRUE;
            i++;
        } else { /* byte d is wrong: so it is in every token that shares d + 1 bytes with this one
                  */
            for (i++; i < c->n_tokens && c->tokens[i].shared > d; i++)
                ;
        }
    }
    return any;
}

const guint32 *lw_constraint_allowed(lw_constraint *c, GError **error)
{
    guint32 *set = g_hash_table_lookup(c->sets, GUINT_TO_POINTER(c->at));
    gboolean any;

    if (set)
        return set;
    if (g_hash_table_size(c->sets) >= MAX_SETS ||
        lw_matcher_bytes(c->matcher) > MAX_MATCHER_BYTES || lw_matcher_hit_limit(c->matcher)) {
        g_hash_table_remove_all(c->sets);
        c->at = lw_matcher_forget(c->matcher, c->at);
    }
    set = lw_alloc0_array_try(c->n_words, sizeof *set, "the set of allowed tokens", error);
    if (!set)
        return NULL;
    any = fill(c, set);
    if (lw_constraint_may_end(c)) {
        for (guint i = 0; i < c->ends->len; i++) {
            gint32 id = g_array_index(c->ends, gint32, i);
            set[id / 32] |= 1u << id % 32;
            any = TRUE;
        }
    }
    if (!any) {
        lw_free(set);
        g_set_error_literal(
            error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
            lw_matcher_hit_limit(c->matcher)
                ? "the grammar is too ambiguous or too deeply nested here to be followed"
                : "no token of this model's vocabulary continues the answer as the grammar wants");
        return NULL;
    }
    g_hash_table_insert(c->sets, GUINT_TO_POINTER(c->at), set);
    return set;
}

gboolean lw_constraint_accept(lw_constraint *c, gint32 token)
{
    lw_matcher_state s = c->at;
    gsize n;
    const char *bytes;

    g_return_val_if_fail(token >= 0 && token < c->n_vocab, FALSE);
    if (lw_tokenizer_is_eog(c->tokenizer, token))
        return lw_constraint_may_end(c);
    if (lw_tokenizer_is_control(c->tokenizer, token))
        return FALSE;
    bytes = lw_tokenizer_token_bytes(c->tokenizer, token, &n);
    for (gsize i = 0; i < n && s; i++)
        s = lw_matcher_step(c->matcher, s, (guint8)bytes[i]);
    if (n == 0 || s == 0)
        return FALSE;
    c->at = s;
    return TRUE;
}
