/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is a line of one of SCBench's files, the first byte says of which.  What is accepted is a whole
 * sample: every turn can be asked and scored, and its own reply is right where the rule allows that.
 */
#include "app/eval/published.h"
#include "app/eval/score.h"
#include "tests/fuzz/fuzz.h"

static void check_turn(const LwEvalSample *sample, const LwEvalTurn *turn)
{
    const char *text = ((LwEvalPart *)sample->parts->pdata[0])->text;
    double worth = lw_eval_score(turn, turn->reply, TRUE), compat = lw_eval_score(turn, text, FALSE);

    fuzz_require(turn->question != NULL && turn->answers[0] != NULL && turn->reply != NULL && turn->cap > 0);
    fuzz_require(worth >= 0 && worth <= 1 && compat >= 0 && compat <= 1);
    if (turn->score == LW_EVAL_SCORE_LETTER)
        fuzz_require(worth == 1);
    if (turn->at >= 0) {
        fuzz_require((gsize)turn->at < strlen(text) && g_str_has_prefix(text + turn->at, turn->gold));
        fuzz_require(turn->depth >= 0 && turn->depth <= 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const tasks[] = {"kv",     "prefix_suffix", "vt",      "repoqa",   "qa_eng",
                                        "qa_chn", "choice_eng",    "mf",      "many_shot", "summary",
                                        "summary_with_needles",    "repoqa_and_kv"};
    const char *task = tasks[n > 0 ? data[0] % G_N_ELEMENTS(tasks) : 0];
    GError *error = NULL;
    LwEvalSample *sample;

    if (n == 0)
        return 0;
    sample = lw_eval_published_parse(task, (const char *)data + 1, n - 1, 7, &error);
    fuzz_require((sample == NULL) == (error != NULL));
    g_clear_error(&error);
    if (sample == NULL)
        return 0;
    fuzz_require(sample->turns->len >= 1 && sample->turns->len <= LW_EVAL_PUBLISHED_TURNS);
    for (guint i = 0; i < sample->turns->len; i++)
        check_turn(sample, sample->turns->pdata[i]);
    lw_eval_sample_free(sample);
    return 0;
}
