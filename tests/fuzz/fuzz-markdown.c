/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first byte is how much text arrives at a time.  Checked: parts follow each other to the end, none is
 * longer than the limit, a part that is said to be final is the same when the whole text is there, and every
 * piece of markup is well-formed.
 */
#include "app/markdown/lw-markdown.h"
#include "app/markdown/maths.h"
#include "tests/fuzz/fuzz.h"

static void check_markup(const char *markup)
{
    static const GMarkupParser nothing = {0};
    g_autofree char *whole = g_strconcat("<markup>", markup, "</markup>", NULL);
    GMarkupParseContext *context = g_markup_parse_context_new(&nothing, 0, NULL, NULL);

    fuzz_require(g_markup_parse_context_parse(context, whole, -1, NULL));
    fuzz_require(g_markup_parse_context_end_parse(context, NULL));
    g_markup_parse_context_free(context);
}

static void check_blocks(const char *text, size_t n, const lw_md_state *state)
{
    g_autoptr(GPtrArray) blocks = lw_md_parse(text, n, state);

    for (guint i = 0; i < blocks->len; i++) {
        const lw_md_block *b = blocks->pdata[i];

        fuzz_require(lw_md_block_equal(b, b));
        fuzz_require(b->quote >= 0 && b->quote <= LW_MD_MAX_DEPTH);
        fuzz_require(b->indent >= 0 && b->indent <= LW_MD_MAX_DEPTH);
        fuzz_require((b->kind == LW_MD_TABLE) == (b->cells != NULL));
        fuzz_require((b->kind == LW_MD_MATHS) == (b->source != NULL));
        fuzz_require((b->text == NULL) == (b->kind == LW_MD_TABLE || b->kind == LW_MD_RULE));
        if (b->text)
            fuzz_require(g_utf8_validate(b->text, -1, NULL));
        if (b->kind == LW_MD_TEXT || b->kind == LW_MD_HEADING)
            check_markup(b->text);
        if (b->cells) {
            fuzz_require(b->n_columns <= LW_MD_MAX_COLUMNS);
            fuzz_require((int)g_strv_length(b->cells) == b->n_rows * b->n_columns);
            for (int j = 0; j < b->n_rows * b->n_columns; j++)
                check_markup(b->cells[j]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    lw_md_state now = {0}, later = {0};
    size_t at = 0;

    if (n < 2 || n > 1 << 16)
        return 0;
    size_t step = (size_t)data[0] + 1;
    g_autofree char *text = g_utf8_make_valid((const char *)data + 1, (gssize)n - 1);
    size_t len = strlen(text);

    for (size_t have = MIN(step, len);; have = MIN(have + step, len)) {
        size_t part;
        lw_md_state before = now;

        while ((part = lw_md_part(text + at, have - at, &now))) {
            fuzz_require(part <= have - at && part <= LW_MD_MAX_PART + step + 1);
            fuzz_require(lw_md_part(text + at, len - at, &later) == part);
            fuzz_require(memcmp(&now, &later, sizeof now) == 0 || now.fence == later.fence);
            check_blocks(text + at, part, &before);
            before = now;
            at += part;
        }
        if (have == len)
            break;
    }
    check_blocks(text + at, len - at, &now);

    g_autofree char *maths = lw_maths_to_text(text, MIN(len, LW_MATHS_MAX_BYTES));
    fuzz_require(g_utf8_validate(maths, -1, NULL));
    return 0;
}
