/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What replies are worth: each rule, strict and compat; and every task's own reply is worth 1, silence 0.
 */
#include <string.h>

#include "app/eval/score-text.h"
#include "app/eval/score.h"
#include "app/eval/task.h"

typedef struct {
    LwEvalScore score;
    const char *answers; /* with | between */
    const char *foreign; /* the same, or NULL */
    const char *reply;
    double strict, compat;
} Case;

static const Case cases[] = {
    {LW_EVAL_SCORE_SUBSTRING, "abc-1", NULL, "abc-1", 1, 1},
    {LW_EVAL_SCORE_SUBSTRING, "abc-1", NULL, "It is \"abc-1\".", 1, 1},
    {LW_EVAL_SCORE_SUBSTRING, "abc-1", NULL, "xabc-1", 0, 1},
    {LW_EVAL_SCORE_SUBSTRING, "abc-1", NULL, "abc-12", 0, 1},
    {LW_EVAL_SCORE_SUBSTRING, "abc-1", NULL, "abc-12 abc-1", 1, 1},
    {LW_EVAL_SCORE_SUBSTRING, "abc-1", NULL, "ABC-1", 0, 0},
    {LW_EVAL_SCORE_SUBSTRING, "abc-1", "xyz", "abc-1 or xyz", 0, 1},
    {LW_EVAL_SCORE_SUBSTRING, "no|abc", NULL, "abc", 1, 1},
    {LW_EVAL_SCORE_SUBSTRING, "abc", NULL, "", 0, 0},

    {LW_EVAL_SCORE_RECALL, "AAAAA|BBBBB|CCCCC", "DDDDD", "AAAAA, BBBBB and CCCCC", 1, 1},
    {LW_EVAL_SCORE_RECALL, "AAAAA|BBBBB|CCCCC", "DDDDD", "AAAAA BBBBB", 2 / 3.0, 0.67},
    {LW_EVAL_SCORE_RECALL, "AAAAA|BBBBB|CCCCC", "DDDDD", "aaaaa", 0, 0.33},
    {LW_EVAL_SCORE_RECALL, "AAAAA|BBBBB|CCCCC", "DDDDD", "AAAAA BBBBB CCCCC DDDDD", 0, 1},
    {LW_EVAL_SCORE_RECALL, "AAAAA|BBBBB|CCCCC", "DDDDD", "AAAAABBBBBCCCCC", 0, 1},

    {LW_EVAL_SCORE_INTEGER, "42", NULL, "42", 1, 1},
    {LW_EVAL_SCORE_INTEGER, "42", NULL, "The median is 42, not 43.", 1, 1},
    {LW_EVAL_SCORE_INTEGER, "42", NULL, "43 or 42", 0, 0},
    {LW_EVAL_SCORE_INTEGER, "42", NULL, "42.5", 0, 1},
    {LW_EVAL_SCORE_INTEGER, "42", NULL, "It is 42.", 1, 1},
    {LW_EVAL_SCORE_INTEGER, "42", NULL, "-42", 0, 1},
    {LW_EVAL_SCORE_INTEGER, "42", NULL, "422", 0, 0},
    {LW_EVAL_SCORE_INTEGER, "42", NULL, "forty-two", 0, 0},
    {LW_EVAL_SCORE_INTEGER, "9223372036854775807", NULL, "99999999999999999999999", 0, 0},

    {LW_EVAL_SCORE_LETTER, "(C)", NULL, "(C)", 1, 1},
    {LW_EVAL_SCORE_LETTER, "C", NULL, "C", 1, 1},
    {LW_EVAL_SCORE_LETTER, "C", NULL, "(C) zoru", 1, 1},
    {LW_EVAL_SCORE_LETTER, "C", NULL, "C) zoru", 1, 1},
    {LW_EVAL_SCORE_LETTER, "C", NULL, "The answer is C.", 1, 1},
    {LW_EVAL_SCORE_LETTER, "C", NULL, "I say (B), not (C)", 0, 0},
    {LW_EVAL_SCORE_LETTER, "C", NULL, "Certainly B", 0, 1}, /* a published mistake */
    {LW_EVAL_SCORE_LETTER, "B", NULL, "Certainly B", 1, 0},
    {LW_EVAL_SCORE_LETTER, "A", NULL, "A lamp", 0, 1},
    {LW_EVAL_SCORE_LETTER, "A", NULL, "A", 1, 1},
    {LW_EVAL_SCORE_LETTER, "C", NULL, "", 0, 0},

    {LW_EVAL_SCORE_WORD, "the lodala hall", NULL, "the lodala hall", 1, 1},
    {LW_EVAL_SCORE_WORD, "the lodala hall", NULL, "Lodala Hall.", 1, 1},
    {LW_EVAL_SCORE_WORD, "the lodala hall", NULL, "In the lodala hall", 1, 1},
    {LW_EVAL_SCORE_WORD, "the lodala hall", NULL, "lodala is a hall", 0, 1},
    {LW_EVAL_SCORE_WORD, "the lodala hall", NULL, "hall lodala", 0, 0},
    {LW_EVAL_SCORE_WORD, "the lodala hall", NULL, "lodalas hall", 0, 0},
    {LW_EVAL_SCORE_WORD, "the third of March", NULL, "the twenty-third of March", 0, 0},
    {LW_EVAL_SCORE_WORD, "Dako", NULL, "\n\nDako\nMila", 1, 1},
    {LW_EVAL_SCORE_WORD, "Dako", NULL, "Mila\nDako", 0, 1},
    {LW_EVAL_SCORE_WORD, "red", "blue|green", "It is red.", 1, 1},
    {LW_EVAL_SCORE_WORD, "red", "blue|green", "It is red or blue.", 0, 1},
    {LW_EVAL_SCORE_WORD, "top left", "left", "at the top left", 1, 1}, /* part of the answer: not foreign */
    {LW_EVAL_SCORE_WORD, "a", NULL, "The first letter is \"A\".", 1, 1},
    {LW_EVAL_SCORE_WORD, "red", NULL, "", 0, 0},

    {LW_EVAL_SCORE_FACTS, "Dako weighs 4812 pounds.|Mila has 3301 doors.", NULL,
     "Dako weighs 4812 pounds. Mila has 3301 doors.", 1, 1},
    {LW_EVAL_SCORE_FACTS, "Dako weighs 4812 pounds.|Mila has 3301 doors.", NULL, "Mila: 3301", 0.5, 0.5},
    {LW_EVAL_SCORE_FACTS, "Dako weighs 4812 pounds.|Mila has 3301 doors.", NULL,
     "Dako weighs 3301 pounds. Mila has 4812 doors.", 0, 0},
    {LW_EVAL_SCORE_FACTS, "Dako weighs 4812 pounds.|Mila has 3301 doors.", NULL,
     "Dako weighs 4812 pounds. Dako weighs 4812 pounds. Reno has 100 maps.", 0.25, 0.25},
    {LW_EVAL_SCORE_FACTS, "Dako weighs 4812 pounds.|Mila has 3301 doors.", NULL,
     "Dako weighs something. 4812 is a number.", 0, 0},
    {LW_EVAL_SCORE_FACTS, "Dako weighs 4812 pounds.|Mila has 3301 doors.", NULL, "", 0, 0},

    {LW_EVAL_SCORE_ORDER, "A1 B1 C1 D1", NULL, "A1, B1, C1, D1", 1, 1},
    {LW_EVAL_SCORE_ORDER, "A1 B1 C1 D1", NULL, "A1 B1 D1 C1", 0, 4 / 6.0},
    {LW_EVAL_SCORE_ORDER, "A1 B1 C1 D1", NULL, "D1 C1 B1 A1", 0, 0},
    {LW_EVAL_SCORE_ORDER, "A1 B1 C1 D1", NULL, "A1 B1 C1", 0, 0},
    {LW_EVAL_SCORE_ORDER, "A1 B1", NULL, "", 0, 0},

    {LW_EVAL_SCORE_QA, "Élan|no one", NULL, "it was \xc3\xa9lan", 1, 1},
    {LW_EVAL_SCORE_QA, "Élan", NULL, "elan", 0, 0},

    {LW_EVAL_SCORE_SHOT, "(B)", NULL, "(B)", 1, 1},
    {LW_EVAL_SCORE_SHOT, "(B)", NULL, "(A)", 0, 1}, /* a bracket is one character of the answer */
    {LW_EVAL_SCORE_SHOT, "(B)", NULL, "nothing of it", 0, 0},
    {LW_EVAL_SCORE_SHOT, "(B)", NULL, "", 0, 0},

    {LW_EVAL_SCORE_CHARACTERS, "甲乙丙", NULL, "甲 乙，丁", 2 / 3.0, 0.5},
    {LW_EVAL_SCORE_CHARACTERS, "甲乙丙|丁", NULL, "丁。", 1, 0},
    {LW_EVAL_SCORE_CHARACTERS, "甲乙丙", NULL, "", 0, 0},

    {LW_EVAL_SCORE_CODE, "def f(a):\n    return a + 1 if a > 0 else a",
     "def g(a):\n    return a + 2 if a > 0 else a",
     "Here:\n```python\ndef f(a):\n    return a + 1 if a > 0 else a\n\ndef g():\n    pass\n```\n", 1, 1},
    {LW_EVAL_SCORE_CODE, "def f(a):\n    return a + 1 if a > 0 else a",
     "def g(a):\n    return a + 2 if a > 0 else a",
     "```\ndef g(a):\n    return a + 2 if a > 0 else a\n```", 0, 0},
    {LW_EVAL_SCORE_CODE, "int f(int a) { if (a) { return 1; } return 2; }", NULL,
     "int f(int a) { if (a) { return 1; } return 2; } int g(void) { return 3; }", 1, 1},
    /* Like enough, but another function of the repository is more so. */
    {LW_EVAL_SCORE_CODE, "int f ( int a , int b , int c , int d ) { return a + b + c + d ; }",
     "int g ( int a , int b , int c , int d ) { return a + b + c + d ; }",
     "int g ( int a , int b , int c , int d ) { return a + b + c + d ; }", 0, 0},
    {LW_EVAL_SCORE_CODE, "int f ( int a , int b , int c , int d ) { return a + b + c + d ; }", NULL,
     "int g ( int a , int b , int c , int d ) { return a + b + c + d ; }", 1, 1},
    {LW_EVAL_SCORE_CODE, "int f(int a) { return 1; }", NULL, "", 0, 0},
};

static void test_rules(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];
        g_auto(GStrv) answers = g_strsplit(c->answers, "|", -1);
        g_auto(GStrv) foreign = c->foreign != NULL ? g_strsplit(c->foreign, "|", -1) : NULL;
        LwEvalTurn turn = {.score = c->score, .answers = answers, .foreign = foreign};
        double strict = lw_eval_score(&turn, c->reply, TRUE), compat = lw_eval_score(&turn, c->reply, FALSE);

        if (ABS(strict - c->strict) > 1e-9 || ABS(compat - c->compat) > 1e-9)
            g_error("%s \"%s\", reply \"%s\": strict %g instead of %g, compat %g instead of %g",
                    lw_eval_score_name(c->score), c->answers, c->reply, strict, c->strict, compat, c->compat);
    }
}

/* Letters beyond D count where options have them. */
static void test_options(void)
{
    g_auto(GStrv) lettered = g_strsplit("(B) zoru|(C) belo|(E) mita|(F) ruvo", "|", -1);
    g_auto(GStrv) plain = g_strsplit("x|y|z", "|", -1), f = g_strsplit("(F)", "|", -1);
    g_auto(GStrv) d = g_strsplit("D", "|", -1);
    LwEvalTurn turn = {.score = LW_EVAL_SCORE_LETTER, .answers = f, .options = lettered};

    g_assert_cmpfloat(lw_eval_score(&turn, "(F)", TRUE), ==, 1);
    g_assert_cmpfloat(lw_eval_score(&turn, "F", FALSE), ==, 1);
    turn.answers = d;
    turn.options = plain;
    g_assert_cmpfloat(lw_eval_score(&turn, "D", TRUE), ==, 0);
}

/* Values of nltk 3.10.4 (sentence_bleu, SmoothingFunction().method4) and rouge-score 0.1.2. */
static void test_likeness(void)
{
    static const struct {
        const char *gold, *reply;
        double bleu, rouge;
    } known[] = {
        {"the cat sat on the mat\nand then it slept", "then the cat sat\non a mat and slept",
         0.3413065354365521, 0.8421052631578948},
        {"a b c d e", "a b c d f", 0.668740304976422, 0.8},
        {"int f ( int a ) { return a + 1 ; }", "int f ( int b ) { return b + 1 ; }", 0.4758733096412523,
         0.7142857142857143},
        {"a b c d e f", "a b x d e y", 0.1374292659508281, 2 / 3.0},
        {"one two three", "three two one", 0.09541207563138922, 1 / 3.0},
        {"x", "x", 1, 1},
        {"x y", "x", 0.36787944117144233, 2 / 3.0},
        {"x", "", 0, 0},
        {"", "x", 0, 0},
    };

    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        const char *gold = known[i].gold, *reply = known[i].reply;

        g_assert_cmpfloat_with_epsilon(lw_eval_bleu(gold, reply), known[i].bleu, 1e-9);
        g_assert_cmpfloat_with_epsilon(lw_eval_rouge_lsum(gold, reply), known[i].rouge, 1e-9);
    }
}

static void test_first_function(void)
{
    static const struct {
        const char *reply, *function;
    } known[] = {
        {"```c\nint f(void)\n{\n  { }\n}\nint g;\n```", "int f(void)\n{\n  { }\n}"},
        {"text\n```python\nimport x\ndef f(\n    a,\n):\n    return 1\n\n    # end\nx = f()\n```", NULL},
        {"def f():\n    pass", "def f():\n    pass"},
        {"f() { never closed", "f() { never closed"},
        {"", ""},
        {"```", ""},
    };

    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        g_autofree char *function = lw_eval_first_function(known[i].reply);

        g_assert_cmpstr(function, ==, known[i].function != NULL
                                          ? known[i].function
                                          : "def f(\n    a,\n):\n    return 1\n\n    # end");
    }
}

/* Bytes that are no text, and long replies, are scored like any others. */
static void test_odd_replies(void)
{
    g_auto(GStrv) answers = g_strsplit("abc", "|", -1);
    g_autofree char *long_reply = g_strnfill(300000, 'a'), *spaced = g_malloc(600001);
    const char *odd[] = {"\xff\xfe\xc3", "((((((", "-", ".", "A", "```", "\n\n", long_reply, spaced, NULL};

    for (guint i = 0; i < 600000; i++)
        spaced[i] = i % 2 ? ' ' : 'a';
    spaced[600000] = 0;
    for (int score = LW_EVAL_SCORE_SUBSTRING; score <= LW_EVAL_SCORE_CODE; score++)
        for (guint i = 0; odd[i] != NULL; i++) {
            LwEvalTurn turn = {.score = score, .answers = answers};

            for (int strict = 0; strict < 2; strict++) {
                double worth = lw_eval_score(&turn, odd[i], strict);

                g_assert_cmpfloat(worth, >=, 0);
                g_assert_cmpfloat(worth, <=, 1);
            }
            g_assert_cmpfloat(lw_eval_score(&turn, NULL, TRUE), ==, 0);
        }
}

/* The own reply of every task is worth 1, silence and another turn's reply nothing (or not all). */
static void test_oracle(gconstpointer data)
{
    const LwEvalTask *task = data;

    for (guint64 seed = 0; seed < 12; seed++) {
        LwEvalOptions options = {4, seed % 2, NULL};
        GError *error = NULL;
        g_autoptr(LwEvalSample) sample = task->make(seed, seed % 3 == 0, MAX(task->least_units, 40), &options,
                                                    &error);

        g_assert_no_error(error);
        for (guint j = 0; j < sample->turns->len; j++) {
            const LwEvalTurn *turn = sample->turns->pdata[j];
            const LwEvalTurn *other = sample->turns->pdata[(j + 1) % sample->turns->len];

            for (int strict = 0; strict < 2; strict++) {
                if (lw_eval_score(turn, turn->reply, strict) != 1)
                    g_error("%s, seed %d: \"%s\" is worth %g", task->name, (int)seed, turn->reply,
                            lw_eval_score(turn, turn->reply, strict));
                g_assert_cmpfloat(lw_eval_score(turn, "", strict), ==, 0);
                g_assert_cmpfloat(lw_eval_score(turn, "...", strict), ==, 0);
            }
            /* Of a picture two questions may have one answer: which is black, which colour is the cross. */
            /* A reply of two facts may hold another turn's answer on its way: what counts is its own answer. */
            const char *said = turn->score == LW_EVAL_SCORE_WORD ? other->answers[0] : other->reply;
            if (!task->visual && strcmp(said, turn->answers[0]) != 0 && strcmp(other->reply, turn->reply) != 0
                && other->score == turn->score && lw_eval_score(turn, said, TRUE) == 1)
                g_error("%s, seed %d: \"%s\" is worth 1 where \"%s\" was asked for", task->name, (int)seed,
                        other->reply, turn->reply);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/score/rules", test_rules);
    g_test_add_func("/score/options", test_options);
    g_test_add_func("/score/likeness", test_likeness);
    g_test_add_func("/score/first-function", test_first_function);
    g_test_add_func("/score/odd-replies", test_odd_replies);
    for (const LwEvalTask *const *task = lw_eval_tasks(); *task != NULL; task++) {
        g_autofree char *path = g_strdup_printf("/score/oracle/%s", (*task)->name);

        g_test_add_data_func(path, *task, test_oracle);
    }
    return g_test_run();
}
