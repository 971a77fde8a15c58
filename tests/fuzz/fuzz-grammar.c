/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first byte chooses GBNF or JSON Schema; up to a NUL follows the grammar, then text that it
 * walks over.  Checked: what compiles can be walked, and forgetting changes no answer.
 */
#include "engine/grammar/constraint.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1 || n > 1 << 14)
        return 0;
    const uint8_t *text = data + 1, *end = memchr(text, 0, n - 1);
    size_t length = end ? (size_t)(end - text) : n - 1;
    GError *error = NULL;
    lw_grammar *g = data[0] & 1
                        ? lw_grammar_new_json_schema((const char *)text, (gssize)length, &error)
                        : lw_grammar_new((const char *)text, (gssize)length, &error);

    fuzz_require((g == NULL) == (error != NULL));
    if (!g) {
        g_error_free(error);
        return 0;
    }
    lw_matcher *a = lw_matcher_new(g), *b = lw_matcher_new(g);
    lw_matcher_state s = lw_matcher_start(a), t = lw_matcher_start(b);
    for (size_t i = length + 2; i < n && s; i++) {
        s = lw_matcher_step(a, s, data[i]);
        t = lw_matcher_forget(b, lw_matcher_step(b, t, data[i]));
        if (lw_matcher_hit_limit(a) || lw_matcher_hit_limit(b))
            break;
        fuzz_require((s == 0) == (t == 0));
        fuzz_require(lw_matcher_may_end(a, s) == lw_matcher_may_end(b, t));
    }
    lw_matcher_free(a);
    lw_matcher_free(b);
    lw_grammar_unref(g);
    return 0;
}
