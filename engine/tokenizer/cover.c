/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/tokenizer/cover.h"

#include "engine/base/alloc.h"

lw_cover *lw_cover_new(const lw_tokenizer *t, GError **error)
{
    lw_cover *c = g_new0(lw_cover, 1);

    c->trie = &t->trie;
    while (t->trie.n_tokens >> c->bits != 0)
        c->bits++;
    c->mask = (G_GUINT64_CONSTANT(1) << 2 * c->bits) - 1;
    c->tokens = lw_alloc0_array_try((gsize)t->trie.n_tokens, sizeof *c->tokens,
                                    "the tokenizer's cache", error);
    if (c->tokens == NULL)
        g_clear_pointer(&c, g_free);
    return c;
}

void lw_cover_free(lw_cover *c)
{
    if (c == NULL)
        return;
    lw_free(c->tokens);
    g_free(c);
}
