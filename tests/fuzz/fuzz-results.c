/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is a line of an evaluation's results: what is accepted is in range, and is accepted again as it is
 * written.
 */
#include "app/eval/result.h"
#include "tests/fuzz/fuzz.h"

static void check_result(const LwEvalResult *r)
{
    g_autofree char *line = lw_eval_result_to_line(r), *again = NULL;
    LwEvalResult *back = NULL;
    LwEvalManifest *none = NULL;

    fuzz_require(r->size >= 1 && r->session >= 0 && r->turn >= 0 && r->turn < LW_EVAL_MAX_TURNS);
    fuzz_require(r->strict >= 0 && r->strict <= 1 && r->compat >= 0 && r->compat <= 1 && r->depth <= 1);
    if (strlen(line) > LW_EVAL_LINE_MAX) /* escapes make it longer than what was read */
        return;
    fuzz_require(lw_eval_line_parse(line, strlen(line), &back, &none, NULL) && back && !none);
    again = lw_eval_result_to_line(back);
    fuzz_require(strcmp(line, again) == 0 && lw_eval_result_compare(r, back) == 0);
    lw_eval_result_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(LwEvalResult) result = NULL;
    g_autoptr(LwEvalManifest) manifest = NULL;
    gboolean ok = lw_eval_line_parse((const char *)data, n, &result, &manifest, &error);

    fuzz_require(ok == (error == NULL));
    fuzz_require(ok || (!result && !manifest));
    fuzz_require(!(result && manifest));
    if (result)
        check_result(result);
    if (manifest)
        fuzz_require(manifest->turns >= 1 && manifest->size >= 1 && manifest->session >= 0);
    return 0;
}
