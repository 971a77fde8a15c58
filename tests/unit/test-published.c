/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SCBench's published files: each of the twelve forms, what is refused, and a file line by line.  All lines
 * are made here.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "app/eval/json-read.h"
#include "app/eval/published.h"
#include "app/eval/score.h"

/* JSON with ' for ". */
static char *json_of(const char *quoted)
{
    return g_strdelimit(g_strdup(quoted), "'", '"');
}

static LwEvalSample *parse(const char *task, const char *quoted)
{
    GError *error = NULL;
    g_autofree char *line = json_of(quoted);
    LwEvalSample *sample = lw_eval_published_parse(task, line, strlen(line), 7, &error);

    g_assert_no_error(error);
    g_assert_nonnull(sample);
    return sample;
}

static LwEvalTurn *turn_of(const LwEvalSample *sample, guint i)
{
    g_assert_cmpuint(i, <, sample->turns->len);
    return sample->turns->pdata[i];
}

static const char *text_of(const LwEvalSample *sample)
{
    g_assert_cmpuint(sample->parts->len, ==, 1);
    return ((LwEvalPart *)sample->parts->pdata[0])->text;
}

static void test_kv(void)
{
    LwEvalSample *sample = parse("kv", "{'id': 3, 'context': '{\\'k\\': \\'v1\\', \\'l\\': \\'w\\'}', "
                                       "'multi_turns': [{'input': 'Key: k', 'answer': 'v1'}]}");
    const LwEvalTurn *turn = turn_of(sample, 0);

    g_assert_cmpstr(sample->task, ==, "scbench_kv");
    g_assert_cmpuint(sample->seed, ==, 3);
    g_assert_true(g_str_has_suffix(text_of(sample), "\n\n{\"k\": \"v1\", \"l\": \"w\"}"));
    g_assert_cmpstr(turn->question, ==, "Key: k");
    g_assert_cmpint(turn->score, ==, LW_EVAL_SCORE_SUBSTRING);
    g_assert_cmpint(turn->cap, ==, 150);
    g_assert_true(g_str_has_prefix(text_of(sample) + turn->at, "v1\", \"l\""));
    g_assert_cmpfloat(turn->depth, >, 0.5);
    g_assert_cmpfloat(turn->depth, <, 1);
    lw_eval_sample_free(sample);
}

/* A gold that is there twice, or not at all, has no place. */
static void test_places(void)
{
    LwEvalSample *sample = parse("prefix_suffix", "{'context':'ab cd ab','multi_turns':["
                                                  "{'input':'?','answer':'ab'},{'input':'?','answer':'cd'},"
                                                  "{'input':'?','answer':'ef'}]}");

    g_assert_cmpuint(sample->seed, ==, 7);
    g_assert_cmpint(turn_of(sample, 0)->at, ==, -1);
    g_assert_cmpint(turn_of(sample, 1)->at, ==, 3);
    g_assert_cmpint(turn_of(sample, 2)->at, ==, -1);
    lw_eval_sample_free(sample);
}

static void test_vt(void)
{
    LwEvalSample *sample = parse("vt", "{'id':0,'context':'c','multi_turns':["
                                       "{'input':'?','answer':['AA','BB']}]}");

    g_assert_cmpstr(turn_of(sample, 0)->reply, ==, "AA BB");
    g_assert_cmpfloat(lw_eval_score(turn_of(sample, 0), "bb", FALSE), ==, 0.5);
    lw_eval_sample_free(sample);
}

static void test_choice(void)
{
    LwEvalSample *sample = parse("choice_eng", "{'context':'c','multi_turns':[{'input':'?','answer':'Reno',"
                                               "'options':['Dako','Mila','Reno','Sato']}]}");

    g_assert_cmpstr(turn_of(sample, 0)->answers[0], ==, "C");
    g_assert_nonnull(strstr(turn_of(sample, 0)->question, "\nC. Reno\n"));
    lw_eval_sample_free(sample);
}

static void test_numbers(void)
{
    LwEvalSample *sample = parse("mf", "{'context':[103, 999,5],'multi_turns':["
                                       "{'input':'The largest number is: ','answer':999}]}");

    g_assert_true(g_str_has_suffix(text_of(sample), "\n\n[103, 999, 5]"));
    g_assert_cmpstr(turn_of(sample, 0)->answers[0], ==, "999");
    g_assert_cmpstr(turn_of(sample, 0)->question, ==, "What is the largest number? Reply with one integer.");
    lw_eval_sample_free(sample);
}

static void test_mixed(void)
{
    LwEvalSample *sample = parse("summary_with_needles",
                                 "{'input':'x 4711','multi_turns':["
                                 "{'input':'?','answer':'4711','task':'scbench_passkey'},"
                                 "{'input':'?','answer':'s','task':'scbench_summary'}]}");

    g_assert_cmpstr(text_of(sample), ==, "x 4711");
    g_assert_cmpint(turn_of(sample, 0)->score, ==, LW_EVAL_SCORE_INTEGER);
    g_assert_cmpint(turn_of(sample, 0)->cap, ==, 15);
    g_assert_cmpint(turn_of(sample, 0)->at, ==, 2);
    g_assert_cmpint(turn_of(sample, 1)->score, ==, LW_EVAL_SCORE_SUMMARY);
    g_assert_cmpint(turn_of(sample, 1)->cap, ==, 800);
    lw_eval_sample_free(sample);
}

/* Another function of the row is what the reply must not be nearest to. */
static void test_code(void)
{
    LwEvalSample *sample = parse("repoqa", "{'context':'c','multi_turns':["
                                           "{'input':'?','answer':'int f(int a) { return a; }','name':'f'},"
                                           "{'input':'?','answer':'int g(int a) { return a; }','name':'g'}]}");
    const LwEvalTurn *f = turn_of(sample, 0), *g = turn_of(sample, 1);

    g_assert_cmpstr(f->foreign[0], ==, g->answers[0]);
    g_assert_null(f->foreign[1]);
    g_assert_cmpfloat(lw_eval_score(f, f->reply, TRUE), ==, 1);
    g_assert_cmpfloat(lw_eval_score(f, g->reply, TRUE), ==, 0);
    lw_eval_sample_free(sample);
}

static void test_escapes(void)
{
    LwEvalSample *sample = parse("summary", "{'context':'\\u00e9\\ud83d\\ude00\\n\\/\\\\','multi_turns':"
                                            "[{'input':'甲','answer':'x'}]}");

    g_assert_cmpstr(text_of(sample), ==, "é😀\n/\\");
    g_assert_cmpstr(turn_of(sample, 0)->question, ==, "甲");
    lw_eval_sample_free(sample);
}

static void test_refused(void)
{
    static const struct {
        const char *task, *line, *says;
    } bad[] = {
        {"kv", "", "not an object"},
        {"kv", "[]", "not an object"},
        {"kv", "{'context':'a'}", "no turns"},
        {"kv", "{'multi_turns':[{'input':'a','answer':'b'}]}", "no context"},
        {"kv", "{'context':'a','multi_turns':[{'answer':'b'}]}", "turn 1: no input"},
        {"kv", "{'context':'a','multi_turns':[{'input':'b'}]}", "turn 1: no answer"},
        {"kv", "{'context':'a','multi_turns':[{'input':'b','answer':[]}]}", "turn 1: no answer"},
        {"kv", "{'context':'a','multi_turns':[{'input':'b','answer':{}}]}", "neither a string"},
        {"kv", "{'context':'a' 'b':1}", "byte 15: a comma"},
        {"kv", "{'context':'a", "does not end"},
        {"kv", "{'context' 'a'}", "no colon"},
        {"kv", "{'context':'\\x'}", "no such escape"},
        {"kv", "{'context':'\\u12g4'}", "hexadecimal"},
        {"kv", "{'context':'\\ud800x'}", "surrogate"},
        {"kv", "{'context':'\\udc00'}", "surrogate"},
        {"kv", "{'context':'\\ud800\\u0041'}", "surrogate"},
        {"kv", "{'context':'\\u0000'}", "NUL"},
        {"kv", "{'context':'\xff'}", "UTF-8"},
        {"kv", "{'context':'\n'}", "control character"},
        {"kv", "{'x':nul}", "not a value"},
        {"kv", "{'x':}", "value"},
        {"kv", "{'x':[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}", "16 levels"},
        {"kv", "{'context':'a','multi_turns':[{'input':'b','answer':'c'}]}x", "more after the end"},
        {"mf", "{'context':[1,2.5]}", "not an integer"},
        {"mf", "{'context':[1,99999999999999999999]}", "not an integer"},
        {"choice_eng", "{'context':'a','multi_turns':[{'input':'b','answer':'c'}]}", "no options"},
        {"choice_eng", "{'context':'a','multi_turns':[{'input':'b','answer':'c','options':['d']}]}",
         "none of the options"},
        {"repoqa_and_kv", "{'context':'a','multi_turns':[{'input':'b','answer':'c','task':'x'}]}",
         "none of the mixture"},
        {"nonsense", "{}", "nonsense"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        GError *error = NULL;
        g_autofree char *line = json_of(bad[i].line);
        LwEvalSample *sample = lw_eval_published_parse(bad[i].task, line, strlen(line), 0, &error);

        g_assert_null(sample);
        g_assert_error(error, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT);
        if (strstr(error->message, bad[i].says) == NULL)
            g_error("%s: '%s' does not say '%s'", bad[i].line, error->message, bad[i].says);
        g_error_free(error);
    }
}

static void test_limits(void)
{
    GString *turns = g_string_new("{'context':'a','multi_turns':[");
    GString *answers = g_string_new(turns->str);
    GString *function = g_string_new("{'context':'a','multi_turns':[{'input':'b','answer':'f'},"
                                     "{'input':'b','answer':'");
    struct {
        const char *task;
        GString *line;
        const char *says;
    } bad[] = {{"kv", turns, "64 turns"}, {"vt", answers, "4096 answers"}, {"repoqa", function, "64 KiB"}};

    for (guint i = 0; i <= LW_EVAL_PUBLISHED_TURNS; i++)
        g_string_append_printf(turns, "%s{'input':'b','answer':'c'}", i > 0 ? "," : "");
    g_string_append(turns, "]}");
    g_string_append(answers, "{'input':'b','answer':[");
    for (guint i = 0; i <= LW_EVAL_PUBLISHED_ANSWERS; i++)
        g_string_append(answers, i > 0 ? ",'c'" : "'c'");
    g_string_append(answers, "]}]}");
    for (guint i = 0; i <= LW_EVAL_PUBLISHED_FUNCTION; i++)
        g_string_append_c(function, 'x');
    g_string_append(function, "'}]}");
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        GError *error = NULL;

        g_strdelimit(bad[i].line->str, "'", '"');
        g_assert_null(lw_eval_published_parse(bad[i].task, bad[i].line->str, bad[i].line->len, 0, &error));
        g_assert_error(error, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT);
        g_assert_nonnull(strstr(error->message, bad[i].says));
        g_error_free(error);
        g_string_free(bad[i].line, TRUE);
    }
}

static char *write_file(const char *folder, const char *name, const char *text, gssize n)
{
    char *path = g_build_filename(folder, name, NULL);
    GError *error = NULL;

    g_file_set_contents(path, text, n, &error);
    g_assert_no_error(error);
    return path;
}

/* Long lines, an empty one, a bad one in the middle, no line break at the end. */
static void test_file(void)
{
    g_autofree char *folder = g_dir_make_tmp("lw-published-XXXXXX", NULL);
    GString *text = g_string_new(NULL);
    g_autofree char *path = NULL;
    g_autoptr(LwEvalPublished) published = NULL;
    GError *error = NULL;
    LwEvalSample *sample;

    g_string_append(text, "{'context':'");
    for (guint i = 0; i < 3000000; i++)
        g_string_append(text, "word ");
    g_string_append(text, "gold','multi_turns':[{'input':'?','answer':'gold'}]}\r\n\n{bad}\n"
                          "{'context':'b','multi_turns':[{'input':'?','answer':'x'}]}");
    g_strdelimit(text->str, "'", '"');
    path = write_file(folder, "scbench_kv.jsonl", text->str, text->len);
    published = lw_eval_published_open(path, &error);
    g_assert_no_error(error);

    sample = lw_eval_published_next(published, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(sample->seed, ==, 0);
    g_assert_cmpuint(strlen(text_of(sample)), >, 15000000);
    g_assert_cmpfloat(turn_of(sample, 0)->depth, >, 0.999);
    lw_eval_sample_free(sample);

    g_assert_null(lw_eval_published_next(published, &error));
    g_assert_error(error, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, "scbench_kv.jsonl, line 3, byte 1"));
    g_clear_error(&error);

    sample = lw_eval_published_next(published, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(sample->seed, ==, 2);
    lw_eval_sample_free(sample);
    g_assert_null(lw_eval_published_next(published, &error));
    g_assert_no_error(error);
    g_assert_null(lw_eval_published_next(published, &error));
    g_assert_no_error(error);

    g_string_free(text, TRUE);
    g_unlink(path);
    g_rmdir(folder);
}

/* A line may end where a read of the file does: 64 KiB are read at once. */
static void test_line_at_end_of_read(void)
{
    g_autofree char *folder = g_dir_make_tmp("lw-published-XXXXXX", NULL);

    for (gsize end = 65536 - 2; end <= 65536 + 2; end++) {
        g_autofree char *row = json_of("{'context':'b','multi_turns':[{'input':'?','answer':'x'}]}");
        GString *text = g_string_new(row);
        g_autofree char *path = NULL;
        g_autoptr(LwEvalPublished) published = NULL;
        GError *error = NULL;

        while (text->len < end)
            g_string_append_c(text, ' ');
        g_string_append_printf(text, "\n%s\n", row);
        path = write_file(folder, "kv.jsonl", text->str, text->len);
        published = lw_eval_published_open(path, &error);
        g_assert_no_error(error);
        for (guint64 i = 0; i < 2; i++) {
            g_autoptr(LwEvalSample) sample = lw_eval_published_next(published, &error);

            g_assert_no_error(error);
            g_assert_cmpuint(sample->seed, ==, i);
        }
        g_assert_null(lw_eval_published_next(published, &error));
        g_assert_no_error(error);
        g_string_free(text, TRUE);
        g_unlink(path);
    }
    g_rmdir(folder);
}

static void test_open_errors(void)
{
    GError *error = NULL;

    g_assert_null(lw_eval_published_open("/nowhere/notes.jsonl", &error));
    g_assert_error(error, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, "notes.jsonl"));
    g_clear_error(&error);
    g_assert_null(lw_eval_published_open("/nowhere/scbench_vt.jsonl", &error));
    g_assert_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    g_clear_error(&error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/published/kv", test_kv);
    g_test_add_func("/published/places", test_places);
    g_test_add_func("/published/vt", test_vt);
    g_test_add_func("/published/choice", test_choice);
    g_test_add_func("/published/numbers", test_numbers);
    g_test_add_func("/published/mixed", test_mixed);
    g_test_add_func("/published/code", test_code);
    g_test_add_func("/published/escapes", test_escapes);
    g_test_add_func("/published/refused", test_refused);
    g_test_add_func("/published/limits", test_limits);
    g_test_add_func("/published/file", test_file);
    g_test_add_func("/published/line-at-end-of-read", test_line_at_end_of_read);
    g_test_add_func("/published/open-errors", test_open_errors);
    return g_test_run();
}
