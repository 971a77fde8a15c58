/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Answers that repeat themselves, and texts that may repeat what they like.
 */
#include "engine/lw-engine.h"
#include "engine/session/repetition.h"

/* Number of the token at which it stops, from 1; 0: it does not. */
static gsize stops_at(guint n_tokens, const gint32 *ids, gsize n)
{
    lw_repetition *r = lw_repetition_new(n_tokens);
    gsize at = 0;

    for (gsize i = 0; i < n && !at; i++)
        at = lw_repetition_push(r, ids[i]) ? i + 1 : 0;
    lw_repetition_free(r);
    return at;
}

/* What the model of data/model said: lw run --temp T --seed 1 --logprobs 0 QUESTION, cut where its period is
 * complete.  It went on for as long as it was let. */
static const struct {
    const char *question; /* and T */
    gsize n_before, n_period;
    gint32 ids[48]; /* what came before, then one period */
} recorded[] = {
    {"a family of four joined by ZWJ, 0", 1, 7, {2514, 253, 239, 102, 158, 222, 235, 172}},
    {"a family of four joined by ZWJ, 0.8", 32, 7,
     {299, 253, 239, 102, 158, 222, 235, 172, 253, 239, 102, 158, 222, 235, 172, 253, 239, 102, 158, 222,
      235, 172, 253, 239, 102, 158, 222, 235, 172, 253, 239, 3358, 158, 222, 235, 172, 253, 239, 102}},
    {"a heart on fire, 0", 27, 4, {86,  458, 251, 97,  171, 116, 237, 158, 222, 235, 172, 253, 242, 98, 172, 253,
                                   242, 98,  172, 253, 242, 98,  172, 253, 246, 222, 235, 172, 253, 242, 98}},
};

static void test_recorded(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(recorded); i++) {
        const gsize before = recorded[i].n_before, period = recorded[i].n_period, n = 1500;
        g_autofree gint32 *ids = g_new(gint32, n);
        for (gsize k = 0; k < n; k++)
            ids[k] = recorded[i].ids[k < before ? k : before + (k - before) % period];
        /* Not a token later, and at most a period sooner than the first whole period began. */
        gsize at = stops_at(LW_REPEAT_STOP, ids, n);
        g_test_message("%s: after %zu", recorded[i].question, at);
        g_assert_cmpuint(at, >, before + LW_REPEAT_STOP - period);
        g_assert_cmpuint(at, <=, before + LW_REPEAT_STOP);
    }
}

/* As the header says it, looking back from every token. */
static gsize slowly(guint n_tokens, const gint32 *ids, gsize n)
{
    for (gsize end = 1; end <= n; end++) {
        for (gsize p = 1; p < end && p <= LW_REPETITION_MAX_PERIOD; p++) {
            gsize same = 0;
            while (same + p < end && ids[end - 1 - same] == ids[end - 1 - same - p])
                same++;
            if (same && same + p >= n_tokens && same + p >= LW_REPETITION_MIN_PERIODS * p)
                return end;
        }
    }
    return 0;
}

static void test_exact(void)
{
    guint32 seed = 1;
    guint n_stopped = 0;

    for (guint round = 0; round < 400; round++) {
        gint32 ids[600];
        guint n_tokens = 1 + round % 150;
        for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
            seed = seed * 1664525u + 1013904223u;
            /* Long stretches of a period, with a slip now and then. */
            gsize period = 1 + round % 29;
            ids[i] = i >= period && (seed >> 16) % 48 ? ids[i - period] : (gint32)(seed >> 24) % 3;
        }
        gsize at = stops_at(n_tokens, ids, G_N_ELEMENTS(ids));
        g_assert_cmpuint(at, ==, slowly(n_tokens, ids, G_N_ELEMENTS(ids)));
        n_stopped += at > 0;
    }
    g_assert_cmpuint(n_stopped, >, 100);
    g_assert_cmpuint(n_stopped, <, 400);
}

static void test_periods(void)
{
    const gsize longest = LW_REPETITION_MAX_PERIOD, n = 6 * longest;
    g_autofree gint32 *ids = g_new(gint32, n);

    /* A long period has to come four times. */
    for (gsize i = 0; i < n; i++)
        ids[i] = (gint32)(i % longest);
    g_assert_cmpuint(stops_at(LW_REPEAT_STOP, ids, n), ==, 4 * longest);
    /* A longer one is not seen. */
    for (gsize i = 0; i < n; i++)
        ids[i] = (gint32)(i % (longest + 1));
    g_assert_cmpuint(stops_at(LW_REPEAT_STOP, ids, n), ==, 0);
    /* One token that differs, and it begins anew. */
    for (gsize i = 0; i < n; i++)
        ids[i] = i == LW_REPEAT_STOP - 1;
    g_assert_cmpuint(stops_at(LW_REPEAT_STOP, ids, n), ==, 2 * LW_REPEAT_STOP);
    ids[LW_REPEAT_STOP - 1] = 0;
    g_assert_cmpuint(stops_at(LW_REPEAT_STOP, ids, n), ==, LW_REPEAT_STOP);
}

/* ---- What people ask for ---- */

static void times(GString *s, const char *text, guint n)
{
    for (guint i = 0; i < n; i++)
        g_string_append(s, text);
}

static void a_fifty_times(GString *s)
{
    times(s, "a ", 50);
    times(s, "a, ", 50);
    times(s, "a\n", 50);
}

static void a_sentence_a_hundred_times(GString *s)
{
    times(s, "I go.\n", 100);
}

static void numbered_sentences(GString *s)
{
    for (guint i = 1; i <= 400; i++)
        g_string_append_printf(s, "%u. I will not talk.\n", i);
}

static void numbers(GString *s)
{
    for (guint i = 1; i <= 1000; i++)
        g_string_append_printf(s, "%u, ", i);
}

static void code(GString *s)
{
    times(s, "#include <stdio.h>\n", 1);
    for (guint i = 0; i < 40; i++) {
        g_string_append_printf(s, "\nvoid f%u(void)\n{\n", i);
        times(s, "    step();\n", 20);
        times(s, "}\n", 1);
    }
    times(s, "int grid[10][10] = {\n", 1);
    times(s, "    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0},\n", 10);
    times(s, "};\n", 1);
}

static void table(GString *s)
{
    times(s, "| a | b | c |\n|---|---|---|\n", 1);
    times(s, "|   |   |   |\n", 60);
    for (guint i = 0; i < 200; i++)
        g_string_append_printf(s, "| %u | yes | no |\n", i);
}

static void song(GString *s)
{
    for (guint i = 1; i < 12; i++) {
        g_string_append_printf(s, "Verse %u says something else.\n", i);
        times(s, "And here we all sing the same line, and here we all sing the same line.\n", 4);
    }
}

static void rules(GString *s)
{
    times(s, "-", 500);
    times(s, "\n", 1);
    times(s, "=", 500);
    times(s, "\n\n", 1);
}

static void test_legitimate(void)
{
    static void (*const texts[])(GString *) = {
        a_fifty_times, a_sentence_a_hundred_times, numbered_sentences, numbers, code, table, song, rules,
    };
    /* Its vocabulary is small: a model that people use has fewer tokens for the same text. */
    g_autofree char *path
        = g_test_build_filename(G_TEST_DIST, "../golden/fixtures", "a-text-f16.gguf", NULL);
    g_autoptr(GError) error = NULL;
    lw_model *m = lw_model_open(path, NULL, &error);

    g_assert_no_error(error);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GString) s = g_string_new(NULL);
        g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint32));
        texts[i](s);
        g_assert_true(lw_tokenizer_encode_text(lw_model_get_tokenizer(m), s->str, (gssize)s->len, FALSE, ids,
                                               &error));
        g_assert_no_error(error);
        gsize at = stops_at(LW_REPEAT_STOP, (const gint32 *)(void *)ids->data, ids->len);
        g_test_message("text %zu: %u tokens, stops at %zu", i, ids->len, at);
        g_assert_cmpuint(at, ==, 0);
    }
    lw_model_unref(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/repetition/recorded", test_recorded);
    g_test_add_func("/repetition/exact", test_exact);
    g_test_add_func("/repetition/periods", test_periods);
    g_test_add_func("/repetition/legitimate", test_legitimate);
    return g_test_run();
}
