/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Special tokens, matched by their bytes: the longest one at a place, by bisection in a sorted
 * list.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/tokenizer/tokenizer-private.h"

/* Bytewise, a prefix before what it begins; equal texts by id. */
static int compare_specials(const void *a, const void *b, void *user)
{
    const lw_tokenizer *t = user;
    gint32 x = *(const gint32 *)a, y = *(const gint32 *)b;
    gsize nx = 0, ny = 0;
    const char *px = lw_tokenizer_token_bytes(t, x, &nx), *py = lw_tokenizer_token_bytes(t, y, &ny);
    int order = memcmp(px, py, MIN(nx, ny));

    if (order == 0 && nx != ny)
        order = nx < ny ? -1 : 1;
    return order != 0 ? order : (x > y) - (x < y);
}

static gboolean is_special(const lw_tokenizer *t, gint32 id)
{
    guint8 type = t->kinds[id] & LW_TOKEN_TYPE_MASK;

    return (type == LW_TOKEN_CONTROL || type == LW_TOKEN_USER || type == LW_TOKEN_UNKNOWN) &&
           t->offsets[id + 1] > t->offsets[id];
}

gboolean lw_specials_index(lw_tokenizer *t, GError **error)
{
    gsize n = 0;

    for (gint32 i = 0; i < t->n_tokens; i++)
        n += is_special(t, i);
    t->specials = lw_alloc0_array_try(n, sizeof *t->specials, "the special tokens", error);
    if (t->specials == NULL)
        return FALSE;
    for (gint32 i = 0; i < t->n_tokens; i++) {
        if (is_special(t, i)) {
            gboolean layout = (t->kinds[i] & LW_TOKEN_LAYOUT) != 0;

            t->specials[t->n_specials++] = i;
            t->special_first[(guint8)t->bytes[t->offsets[i]]] |=
                LW_FIRST_ANY | (layout ? LW_FIRST_LAYOUT : 0);
            t->any_layout |= layout;
        }
    }
    qsort_r(t->specials, n, sizeof *t->specials, compare_specials, t);
    return TRUE;
}

/* First index in [low, high) whose text's byte at `depth` is at least `byte` (texts that end before
 * `depth` come first). */
static gsize lower_bound(const lw_tokenizer *t, gsize low, gsize high, gsize depth, guint byte)
{
    while (low < high) {
        gsize mid = low + (high - low) / 2, n = 0;
        const char *text = lw_tokenizer_token_bytes(t, t->specials[mid], &n);

        if (n <= depth || (guint8)text[depth] < byte)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

gint32 lw_specials_match(const lw_tokenizer *t, const guint8 *text, gsize n_trusted, gsize n_text,
                         gsize *n)
{
    gsize low = 0, high = t->n_specials;
    gint32 best = -1;

    if (n_text == 0 ||
        (t->special_first[text[0]] & (n_trusted > 0 ? LW_FIRST_ANY : LW_FIRST_LAYOUT)) == 0)
        return -1;
    /* [low, high) are the specials that begin with the bytes read so far; a text equal to them
     * sorts first. */
    for (gsize depth = 0; depth < n_text && low < high; depth++) {
        gsize length = 0;

        low = lower_bound(t, low, high, depth, text[depth]);
        high = lower_bound(t, low, high, depth, (guint)text[depth] + 1);
        if (low == high)
            break;
        lw_tokenizer_token_bytes(t, t->specials[low], &length);
        if (length == depth + 1 &&
            (depth < n_trusted || (t->kinds[t->specials[low]] & LW_TOKEN_LAYOUT) != 0)) {
            best = t->specials[low];
            *n = length;
        }
    }
    return best;
}
