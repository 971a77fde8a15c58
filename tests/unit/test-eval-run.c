/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asking and counting: lengths, the two modes on a tiny random model, results kept and read again, the
 * statistics, the picture.
 */
#include <gio/gio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "app/eval/digest.h"
#include "app/eval/heatmap.h"
#include "app/eval/length.h"
#include "app/eval/mass.h"
#include "app/eval/record.h"
#include "app/eval/runner.h"
#include "app/eval/scene.h"
#include "app/eval/summary.h"
#include "tests/unit/remove-tree.h"

#define FIXTURES "../golden/fixtures"

static lw_model *
open_model_with (const char *vision)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, FIXTURES, "a-text-f16.gguf", NULL);
  g_autofree char *mmproj = *vision ? g_test_build_filename (G_TEST_DIST, FIXTURES, vision, NULL) : g_strdup ("");
  g_autoptr (GError) error = NULL;
  lw_model *m = lw_model_open (path, &(lw_model_params){ .mmproj = mmproj }, &error);

  g_assert_no_error (error);
  return m;
}

static lw_model *
open_model (void)
{
  return open_model_with ("");
}

/* ---- Statistics ---- */

static void
assert_near (double a, double b, double within)
{
  g_assert_cmpfloat_with_epsilon (a, b, within);
}

/* Values from Newcombe 1998, table I, method 3 (Wilson), and by hand. */
static void
test_wilson (void)
{
  LwEvalInterval i = lw_eval_wilson (81, 263);

  assert_near (i.low, 0.2553, 5e-5);
  assert_near (i.high, 0.3662, 5e-5);
  i = lw_eval_wilson (15, 148);
  assert_near (i.low, 0.0624, 5e-5);
  assert_near (i.high, 0.1605, 5e-5);
  i = lw_eval_wilson (0, 20);
  g_assert_cmpfloat (i.low, ==, 0);
  assert_near (i.high, 0.1611, 5e-5);
  i = lw_eval_wilson (29, 29);
  assert_near (i.low, 0.8830, 5e-5);
  g_assert_cmpfloat (i.high, ==, 1);
  g_assert_true (isnan (lw_eval_wilson (0, 0).low));
}

static void
test_mcnemar (void)
{
  g_assert_cmpfloat (lw_eval_mcnemar (0, 0), ==, 1);
  assert_near (lw_eval_mcnemar (1, 0), 1, 1e-12);
  assert_near (lw_eval_mcnemar (5, 0), 0.0625, 1e-12);         /* 2 / 32 */
  assert_near (lw_eval_mcnemar (2, 8), 112.0 / 1024, 1e-12);   /* 2 (1 + 10 + 45) / 1024 */
  assert_near (lw_eval_mcnemar (8, 2), lw_eval_mcnemar (2, 8), 1e-12);
  g_assert_cmpfloat (lw_eval_mcnemar (7, 7), ==, 1);
  g_assert_cmpfloat (lw_eval_mcnemar (400, 2000), <, 1e-100);
}

static void
test_bootstrap (void)
{
  double values[200], even[200];
  int sessions[200], single[200];

  for (int i = 0; i < 200; i++)
    {
      sessions[i] = i / 10;
      single[i] = i;
      values[i] = sessions[i] % 2;    /* a session is all right or all wrong */
      even[i] = 0.5;
    }
  /* 20 sessions of a fair coin: deviation of the mean is 1 / sqrt(80) = 0.112. */
  LwEvalInterval by_session = lw_eval_bootstrap (values, sessions, 200);
  assert_near (by_session.high - by_session.low, 2 * 1.96 * 0.1118, 0.06);
  assert_near ((by_session.high + by_session.low) / 2, 0.5, 0.05);
  /* The same answers taken for independent would look more certain than they are. */
  LwEvalInterval independent = lw_eval_bootstrap (values, single, 200);
  g_assert_cmpfloat (independent.high - independent.low, <, 0.5 * (by_session.high - by_session.low));

  LwEvalInterval none = lw_eval_bootstrap (even, sessions, 200);
  g_assert_cmpfloat (none.low, ==, 0.5);
  g_assert_cmpfloat (none.high, ==, 0.5);
  g_assert_true (isnan (lw_eval_bootstrap (values, sessions, 10).low)); /* one session */
  g_assert_true (isnan (lw_eval_bootstrap (values, sessions, 0).low));

  LwEvalInterval again = lw_eval_bootstrap (values, sessions, 200);
  g_assert_cmpmem (&again, sizeof again, &by_session, sizeof by_session);
}

static void
test_median (void)
{
  const double values[] = { 5, 1, 4, 2 };

  g_assert_cmpfloat (lw_eval_median (values, 4), ==, 3);
  g_assert_cmpfloat (lw_eval_median (values, 3), ==, 4);
  g_assert_true (isnan (lw_eval_median (values, 0)));
  g_assert_cmpfloat (lw_eval_mean (values, 4), ==, 3);
  g_assert_true (isnan (lw_eval_mean (values, 0)));
}

/* ---- Results ---- */

static LwEvalResult *
result (const char *task, const char *attention, int size, int session, int turn, double score)
{
  LwEvalResult *r = g_new0 (LwEvalResult, 1);

  *r = (LwEvalResult){
    .task = g_strdup (task),
    .attention = g_strdup (attention),
    .size = size,
    .session = session,
    .turn = turn,
    .kind = g_strdup (task),
    .strict = score,
    .compat = 1,
    .depth = turn / 4.0,
    .answer = g_strdup ("42"),
    .reply = g_strdup ("a \"quoted\" reply,\nin [two] {lines} \xc3\xa9 \\ / '"),
    .stop = g_strdup ("end"),
    .n_prompt = 1000 + turn,
    .n_shared = turn ? 990 : 0,
    .n_reused = turn ? 990 : 0,
    .n_generated = 4,
    .kv_bytes = 1 << 20,
    .first_token = turn ? 0.25 : 2,
    .prefill_seconds = 0.125,
    .generate_seconds = 0.5,
  };
  return r;
}

static void
test_lines (void)
{
  g_autoptr (LwEvalResult) r = result ("kv", "window:4+64", 4096, 3, 2, 0.75), back = NULL, none = NULL;
  g_autoptr (LwEvalManifest) m = g_new0 (LwEvalManifest, 1), m_back = NULL, m_none = NULL;
  g_autoptr (GError) error = NULL;

  g_autofree char *line = lw_eval_result_to_line (r);
  g_assert_null (memchr (line, '\n', strlen (line) - 1));
  g_assert_true (lw_eval_line_parse (line, strlen (line), &back, &m_none, &error));
  g_assert_no_error (error);
  g_assert_null (m_none);
  g_assert_cmpint (lw_eval_result_compare (r, back), ==, 0);
  g_autofree char *again = lw_eval_result_to_line (back);
  g_assert_cmpstr (line, ==, again);
  g_assert_cmpstr (back->reply, ==, r->reply);

  *m = (LwEvalManifest){ g_strdup ("vt"), 1024, 7, 0xfedcba9876543210u, g_strdup ("1"), 12, 5, 1000, g_strdup ("ab") };
  g_autofree char *m_line = lw_eval_manifest_to_line (m);
  g_assert_true (lw_eval_line_parse (m_line, strlen (m_line), &none, &m_back, &error));
  g_assert_null (none);
  g_assert_cmpuint (m_back->seed, ==, m->seed);
  g_autofree char *m_again = lw_eval_manifest_to_line (m_back);
  g_assert_cmpstr (m_line, ==, m_again);
}

static void
test_bad_lines (void)
{
  static const char *const bad[] = {
    "", "{", "[]", "{}", "null", "{\"what\":3}", "{\"what\":{}}", "{\"what\":\"turn\"}", "{\"what\":\"sample\"}",
    "{\"what\":\"turn\",\"task\":\"kv\",\"size\":0}", "{\"what\":\"turn\",\"task\":[\"kv\"]}",
    "{\"what\":\"run\"} /* [[[[ */", "{'what':'run'}", "{\"what\":\"run\",\"a\":[[[[[[[[[[1]]]]]]]]]]}", "\xff",
  };
  g_autoptr (LwEvalResult) good = result ("kv", "dense", 4096, 0, 0, 1);
  g_autofree char *line = lw_eval_result_to_line (good);

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      LwEvalResult *r;
      LwEvalManifest *m;

      g_assert_false (lw_eval_line_parse (bad[i], strlen (bad[i]), &r, &m, &error));
      g_assert_nonnull (error);
      g_assert_null (r);
      g_assert_null (m);
    }

  /* A number that is out of range, and one of another type. */
  static const char *const fields[][3] = {
    { "\"turn\":0", "\"turn\":64", "turn" },       { "\"strict\":1.0", "\"strict\":1.5", "strict" },
    { "\"size\":4096", "\"size\":40.5", "size" },  { "\"graded\":false", "\"graded\":0", "graded" },
    { "\"size\":4096", "\"size\":\"4\"", "size" }, { "\"session\":0", "\"session\":-1", "session" },
    { "\"depth\":0.0", "\"depth\":1e999", "depth" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      g_auto (GStrv) halves = g_strsplit (line, fields[i][0], 2);
      g_assert_cmpuint (g_strv_length (halves), ==, 2);
      g_autofree char *spoiled = g_strjoinv (fields[i][1], halves);
      g_autoptr (GError) error = NULL;
      LwEvalResult *r;
      LwEvalManifest *m;

      g_assert_false (lw_eval_line_parse (spoiled, strlen (spoiled), &r, &m, &error));
      g_assert_nonnull (strstr (error->message, fields[i][2]));
    }
}

static const char *const settings[] = { "mode", "turns", "seed", "1", NULL };

static void
add (LwEvalRecord *record, const char *task, int session, int turn, double score)
{
  g_autoptr (LwEvalResult) r = result (task, "dense", 1024, session, turn, score);
  g_autofree char *line = lw_eval_result_to_line (r);
  g_autoptr (GError) error = NULL;

  g_assert_true (lw_eval_record_add (record, line, &error));
  g_assert_no_error (error);
}

static void
test_record (void)
{
  g_autofree char *parent = g_dir_make_tmp ("lw-eval-XXXXXX", NULL);
  g_autofree char *folder = g_build_filename (parent, "a", "b", NULL), *path = g_build_filename (folder, "results.jsonl", NULL);
  static const char *const other[] = { "mode", "requests", "seed", "1", NULL };
  g_autoptr (GError) error = NULL;
  LwEvalRecord *record = lw_eval_record_open (folder, settings, FALSE, &error);

  g_assert_no_error (error);
  add (record, "vt", 0, 1, 1);
  add (record, "vt", 0, 0, 0);
  add (record, "kv", 0, 0, 0);
  /* Nobody else writes meanwhile. */
  g_assert_null (lw_eval_record_open (folder, settings, TRUE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  lw_eval_record_free (record);

  /* Not by accident, and not with other settings. */
  g_assert_null (lw_eval_record_open (folder, settings, FALSE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_null (lw_eval_record_open (folder, other, TRUE, &error));
  g_assert_nonnull (strstr (error->message, "mode \"turns\", not \"requests\""));
  g_clear_error (&error);

  /* Half a line at the end goes, and what is added then is whole; the later of two answers holds. */
  g_autofree char *text = NULL;
  gsize n;
  g_assert_true (g_file_get_contents (path, &text, &n, NULL));
  g_autofree char *half = g_strconcat (text, "{\"what\":\"tu", NULL);
  g_assert_true (g_file_set_contents (path, half, -1, NULL));
  record = lw_eval_record_open (folder, settings, TRUE, &error);
  g_assert_no_error (error);
  add (record, "kv", 0, 0, 1);
  lw_eval_record_free (record);
  record = lw_eval_record_open (folder, settings, TRUE, &error);
  g_assert_no_error (error);
  g_autoptr (GPtrArray) results = lw_eval_record_take_results (record);
  g_assert_cmpuint (results->len, ==, 3);
  g_assert_cmpstr (((LwEvalResult *) results->pdata[0])->task, ==, "kv");
  g_assert_cmpfloat (((LwEvalResult *) results->pdata[0])->strict, ==, 1);
  g_assert_cmpint (((LwEvalResult *) results->pdata[1])->turn, ==, 0);
  lw_eval_record_free (record);

  /* A line in the middle that is damaged is named. */
  g_autofree char *spoiled = g_strconcat (text, "{\"what\":\"turn\"}\n", text, NULL);
  g_assert_true (g_file_set_contents (path, spoiled, -1, NULL));
  g_assert_null (lw_eval_record_open (folder, settings, TRUE, &error));
  g_assert_nonnull (strstr (error->message, "results.jsonl: line 5: "));
  g_clear_error (&error);

  /* A disk that is full. */
  if (g_file_test ("/dev/full", G_FILE_TEST_EXISTS))
    {
      g_autofree char *full = g_build_filename (parent, "full", NULL), *link = g_build_filename (full, "results.jsonl", NULL);
      g_assert_cmpint (g_mkdir (full, 0755), ==, 0);
      g_assert_cmpint (symlink ("/dev/full", link), ==, 0);
      g_assert_null (lw_eval_record_open (full, settings, FALSE, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
    }
  remove_tree (parent);
}

/* ---- Tables ---- */

static void
test_summary (void)
{
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func ((GDestroyNotify) lw_eval_result_free);
  static const char *const tasks[] = { "vt", "kv", NULL }, *const modes[] = { "dense", "crude", NULL };

  for (int session = 3; session >= 0; session--)
    for (int turn = 0; turn < 5; turn++)
      {
        g_ptr_array_add (results, result ("kv", "dense", 2048, session, turn, turn != 4));
        g_ptr_array_add (results, result ("kv", "crude", 2048, session, turn, turn == 0));
        g_ptr_array_add (results, result ("kv", "dense", 1024, session, turn, 1));
        g_ptr_array_add (results, result ("vt", "dense", 1024, session, turn, 0));
      }
  /* One that only one of the two modes was asked, and one asked twice. */
  g_ptr_array_add (results, result ("kv", "crude", 2048, 4, 0, 1));
  g_ptr_array_add (results, result ("vt", "dense", 1024, 0, 0, 1));
  lw_eval_results_tidy (results);
  g_assert_cmpuint (results->len, ==, 81);

  g_autoptr (GArray) cells = lw_eval_summarise (results, TRUE, tasks, modes);
  g_assert_cmpuint (cells->len, ==, 4);
  const LwEvalCell *c = &g_array_index (cells, LwEvalCell, 0);
  g_assert_cmpstr (c->task, ==, "vt");
  g_assert_cmpfloat (c->mean, ==, 0.05);
  c = &g_array_index (cells, LwEvalCell, 2);
  g_assert_cmpstr (c->task, ==, "kv");
  g_assert_cmpstr (c->attention, ==, "dense");
  g_assert_cmpint (c->size, ==, 2048);
  g_assert_cmpuint (c->n, ==, 20);
  g_assert_cmpuint (c->n_sessions, ==, 4);
  g_assert_cmpfloat (c->mean, ==, 0.8);
  g_assert_false (c->bootstrap);
  assert_near (c->interval.low, lw_eval_wilson (16, 20).low, 1e-12);
  g_assert_cmpuint (c->n_turns, ==, 5);
  g_assert_cmpfloat (lw_eval_tally_mean (&c->by_turn[3]), ==, 1);
  g_assert_cmpfloat (lw_eval_tally_mean (&c->by_turn[4]), ==, 0);
  /* depth 0, 0.25, 0.5, 0.75, 1: each in a bin of its own */
  for (int b = 0; b < LW_EVAL_DEPTH_BINS; b++)
    g_assert_cmpuint (c->by_depth[b].n, ==, 4);
  g_assert_cmpfloat (lw_eval_tally_mean (&c->by_depth[4]), ==, 0);
  g_assert_cmpfloat (c->first_token[0], ==, 2);
  g_assert_cmpfloat (c->first_token[1], ==, 0.25);
  assert_near (c->tokens_per_second, 8, 1e-12);
  assert_near (c->reused, 4 * 990.0 / 5010, 1e-12);
  assert_near (c->reused_later, 4 * 990.0 / 4010, 1e-12);
  g_assert_cmpint (c->missed, ==, 0);
  g_autoptr (GArray) compat = lw_eval_summarise (results, FALSE, tasks, modes);
  g_assert_cmpfloat (g_array_index (compat, LwEvalCell, 0).mean, ==, 1);

  g_autoptr (GArray) pairs = lw_eval_compare (results, TRUE, tasks, modes);
  g_assert_cmpuint (pairs->len, ==, 1);
  const LwEvalPair *p = &g_array_index (pairs, LwEvalPair, 0);
  g_assert_cmpuint (p->n, ==, 20);
  g_assert_cmpuint (p->better, ==, 0);
  g_assert_cmpuint (p->worse, ==, 12);
  assert_near (p->difference, -0.6, 1e-12);
  assert_near (p->interval.low, -0.6, 1e-12); /* every session is the same */
  assert_near (p->p, 2.0 / 4096, 1e-12);
}

/* Graded answers: the bootstrap; all alike: Wilson. */
static void
test_graded (void)
{
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func ((GDestroyNotify) lw_eval_result_free);
  static const char *const none[] = { NULL };

  for (int session = 0; session < 10; session++)
    {
      LwEvalResult *r = result ("vt", "dense", 1, session, 0, session % 3 / 2.0), *s = result ("zz", "dense", 1, session, 0, 0.5);
      r->graded = s->graded = TRUE;
      g_ptr_array_add (results, r);
      g_ptr_array_add (results, s);
    }
  lw_eval_results_tidy (results);
  g_autoptr (GArray) cells = lw_eval_summarise (results, TRUE, none, none);
  const LwEvalCell *c = &g_array_index (cells, LwEvalCell, 0);
  g_assert_true (c->bootstrap);
  g_assert_cmpfloat (c->interval.low, <, c->mean);
  g_assert_cmpfloat (c->interval.high, >, c->mean);
  c = &g_array_index (cells, LwEvalCell, 1);
  g_assert_false (c->bootstrap);
  assert_near (c->interval.low, lw_eval_wilson (5, 10).low, 1e-12);
  g_autoptr (GArray) pairs = lw_eval_compare (results, TRUE, none, none);
  g_assert_cmpuint (pairs->len, ==, 0);
}

/* ---- The picture ---- */

static void
count_element (GMarkupParseContext *context, const char *name, const char **names, const char **values, gpointer user,
               GError **error)
{
  int *counts = user;

  counts[0] += g_str_equal (name, "rect");
  counts[1] += g_str_equal (name, "text");
  for (int i = 0; names[i]; i++)
    g_assert_null (strstr (values[i], "nan"));
}

static void
test_heatmap (void)
{
  g_autoptr (GPtrArray) results = g_ptr_array_new_with_free_func ((GDestroyNotify) lw_eval_result_free);
  static const char *const tasks[] = { "kv", "vt", NULL }, *const modes[] = { "dense", "a<b&c", NULL };
  static const GMarkupParser parser = { .start_element = count_element };
  g_autoptr (GError) error = NULL;
  int counts[2] = { 0, 0 };

  for (int size = 1024; size <= 4096; size *= 2)
    for (int turn = 0; turn < 4; turn++) /* the last fifth of the context stays empty */
      for (int mode = 0; mode < 2; mode++)
        g_ptr_array_add (results, result ("kv", modes[mode], size, 0, turn, turn / 3.0));
  g_ptr_array_add (results, result ("vt", "dense", 1000, 0, 0, 1));
  lw_eval_results_tidy (results);
  g_autoptr (GArray) cells = lw_eval_summarise (results, TRUE, tasks, modes);
  g_autofree char *svg = lw_eval_heatmap (cells, "T <& >", "note", "tokens");
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, counts, NULL);

  g_assert_true (g_markup_parse_context_parse (context, svg, -1, &error));
  g_assert_true (g_markup_parse_context_end_parse (context, &error));
  g_assert_no_error (error);
  /* kv: 2 modes x 3 sizes x (5 depths + all), vt: 6; paper and the 52 steps of the legend. */
  g_assert_cmpint (counts[0], ==, 36 + 6 + 1 + 52);
  g_assert_nonnull (strstr (svg, "kv, dense, 2048 tokens, depth 60\xe2\x80\x93" "80 %: 100.0 % of 1"));
  g_assert_nonnull (strstr (svg, "kv, dense, 2048 tokens, depth 80\xe2\x80\x93" "100 %: nothing asked"));
  g_assert_nonnull (strstr (svg, "kv, a&lt;b&amp;c"));
  g_assert_nonnull (strstr (svg, ">4K</text>"));
  g_assert_nonnull (strstr (svg, ">1000</text>"));
  g_assert_nonnull (strstr (svg, "prefers-color-scheme: dark"));

  g_autoptr (GArray) nothing = g_array_new (FALSE, FALSE, sizeof (LwEvalCell));
  g_autofree char *empty = lw_eval_heatmap (nothing, "T", "", "tokens");
  g_autoptr (GMarkupParseContext) other = g_markup_parse_context_new (&parser, 0, counts, NULL);
  g_assert_true (g_markup_parse_context_parse (other, empty, -1, &error));
}

/* ---- Lengths ---- */

static void
test_length (void)
{
  lw_model *m = open_model ();
  const LwEvalTask *kv = lw_eval_task_find ("kv");
  LwEvalRuler ruler = { .model = m };
  LwEvalOptions options = { .turns = 4 };
  static const int lengths[] = { 4000, 9000, 40000 };

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GError) error = NULL;
      gint64 n, more;
      g_autoptr (LwEvalSample) s
          = lw_eval_sample_of_length (&ruler, kv, 11 + i, LW_EVAL_SIDE_MEASURE, lengths[i], &options, &n, &error);

      g_assert_no_error (error);
      g_assert_cmpint (n, <=, lengths[i]);
      g_autoptr (LwEvalLayout) layout = lw_eval_layout_new (m, s, &error);
      g_assert_cmpint (lw_eval_layout_room (layout, &error), ==, n);
      /* Close to the limit: within 1 %, or one unit more is too long. */
      g_autoptr (LwEvalSample) larger
          = lw_eval_sample_of_units (&ruler, kv, 11 + i, LW_EVAL_SIDE_MEASURE, s->units + 1, &options, &more, &error);
      g_assert_true (n >= lengths[i] - lengths[i] / 100 || more > lengths[i]);
      /* The room is the last prompt and every reply as long as it may become. */
      const LwEvalTurn *last = s->turns->pdata[3];
      const char *replies[3];
      for (int t = 0; t < 3; t++)
        replies[t] = ((LwEvalTurn *) s->turns->pdata[t])->reply;
      lw_prompt *p = lw_eval_layout_turn (layout, replies, 3, &error);
      g_assert_cmpint (n, >=, (gint64) lw_prompt_n_tokens (p) + last->cap);
      lw_prompt_free (p);
    }

  g_autoptr (GError) error = NULL;
  gint64 n;
  g_assert_null (lw_eval_sample_of_length (&ruler, kv, 1, LW_EVAL_SIDE_MEASURE, 60, &options, &n, &error));
  g_assert_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_ROOM);
  g_assert_nonnull (strstr (error->message, "60"));
  g_clear_error (&error);

  /* More questions than the least number of units: the smallest that there is, or none. */
  options.turns = 12;
  g_autoptr (LwEvalSample) many = lw_eval_sample_of_length (&ruler, kv, 1, LW_EVAL_SIDE_MEASURE, 4000, &options, &n, &error);
  g_assert_true (many ? n <= 4000 : g_error_matches (error, LW_EVAL_ERROR, LW_EVAL_ERROR_ROOM));
  g_clear_error (&error);

  gint cancel = 1;
  ruler.cancel = &cancel;
  g_assert_null (lw_eval_sample_of_length (&ruler, kv, 1, LW_EVAL_SIDE_MEASURE, 4000, &options, &n, &error));
  g_assert_error (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED);
  lw_model_unref (m);
}

/* ---- Asking ---- */

typedef struct {
  GPtrArray *replies;
  gint64 prompt[8], shared[8], reused[8];
  int n, stop_after;
  gint cancel;
} Answers;

static gboolean
keep_answer (gpointer user, const LwEvalAnswer *a, GError **error)
{
  Answers *all = user;

  g_assert_cmpint (a->turn, ==, all->n);
  g_ptr_array_add (all->replies, g_strdup (a->reply));
  all->prompt[all->n] = a->n_prompt;
  all->shared[all->n] = a->n_shared;
  all->reused[all->n] = a->n_reused;
  g_assert_cmpint (a->kv_bytes, >, 0);
  g_assert_cmpfloat (a->first_token, >, 0);
  all->n++;
  if (all->n == all->stop_after)
    g_atomic_int_set (&all->cancel, 1);
  return TRUE;
}

static void
ask (lw_model *m, const LwEvalSample *sample, gint64 n_tokens, LwEvalMode mode, gboolean own, int stop_after,
     Answers *all, GError **error)
{
  *all = (Answers){ .replies = g_ptr_array_new_with_free_func (g_free), .stop_after = stop_after };
  LwEvalRunner runner = {
    .model = m,
    .mode = mode,
    .own_answers = own,
    .session = { .n_threads = 2, .kv_type = LW_KV_F32 },
    .cancel = &all->cancel,
    .on_answer = keep_answer,
    .user = all,
  };
  gboolean ok = lw_eval_run (&runner, sample, n_tokens, error);

  g_assert_true (ok == (stop_after == 0));
}

static LwEvalSample *
short_sample (lw_model *m, gint64 *n_tokens)
{
  LwEvalRuler ruler = { .model = m };
  LwEvalOptions options = { .turns = 4 };
  g_autoptr (GError) error = NULL;
  LwEvalSample *s = lw_eval_sample_of_length (&ruler, lw_eval_task_find ("kv"), 5, LW_EVAL_SIDE_MEASURE, 3000, &options,
                                              n_tokens, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < s->turns->len; i++) /* a random model goes on to the end */
    ((LwEvalTurn *) s->turns->pdata[i])->cap = 6;
  return s;
}

/* What one session per question, from nothing, says to the same prompts. */
static void
assert_same_as_alone (lw_model *m, const LwEvalSample *sample, LwEvalMode mode, const Answers *all)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LwEvalLayout) layout = lw_eval_layout_new (m, sample, &error);
  const char *replies[4];

  for (guint t = 0; t < 4; t++)
    {
      const LwEvalTurn *turn = sample->turns->pdata[t];
      lw_session *s = lw_session_new (m, &(lw_session_params){ .n_ctx = 4096, .kv_type = LW_KV_F32 }, &error);
      lw_prompt *p = mode == LW_EVAL_MODE_TURNS ? lw_eval_layout_turn (layout, replies, t, &error)
                                                : lw_eval_layout_request (layout, t, &error);
      g_autoptr (GString) text = g_string_new (NULL);

      g_assert_true (lw_session_sync (s, p, NULL, NULL, NULL, &error));
      g_assert_cmpuint (lw_prompt_n_tokens (p), ==, (gsize) all->prompt[t]);
      lw_detokenizer *d = lw_detokenizer_new (lw_model_get_tokenizer (m));
      for (int i = 0; i < turn->cap; i++)
        {
          const float *logits = lw_session_get_logits (s);
          gint32 best = 0;

          for (guint32 v = 1; v < lw_model_get_info (m)->n_vocab; v++)
            if (logits[v] > logits[best])
              best = (gint32) v;
          if (lw_tokenizer_is_eog (lw_model_get_tokenizer (m), best))
            break;
          lw_detokenizer_push (d, best, text);
          g_assert_true (lw_session_decode (s, best, NULL, NULL, &error));
        }
      lw_detokenizer_finish (d, text);
      g_assert_cmpstr (all->replies->pdata[t], ==, text->str);
      replies[t] = turn->reply;
      lw_detokenizer_free (d);
      lw_prompt_free (p);
      lw_session_free (s);
    }
}

static void
test_turns (void)
{
  lw_model *m = open_model ();
  g_autoptr (GError) error = NULL;
  gint64 n_tokens;
  g_autoptr (LwEvalSample) sample = short_sample (m, &n_tokens);
  Answers all;

  ask (m, sample, n_tokens, LW_EVAL_MODE_TURNS, FALSE, 0, &all, &error);
  g_assert_no_error (error);
  g_assert_cmpint (all.n, ==, 4);
  g_assert_cmpint (all.reused[0], ==, 0);
  for (int t = 1; t < 4; t++)
    {
      /* Everything that was read before is taken from the cache, and that is all of the prompt before. */
      g_assert_cmpint (all.reused[t], ==, all.shared[t]);
      g_assert_cmpint (all.shared[t], >=, all.prompt[t - 1] - 2);
      g_assert_cmpint (all.shared[t], <=, all.prompt[t - 1]);
    }
  assert_same_as_alone (m, sample, LW_EVAL_MODE_TURNS, &all);
  g_ptr_array_unref (all.replies);
  lw_model_unref (m);
}

static void
test_requests (void)
{
  lw_model *m = open_model ();
  g_autoptr (GError) error = NULL;
  gint64 n_tokens;
  g_autoptr (LwEvalSample) sample = short_sample (m, &n_tokens);
  g_autoptr (LwEvalLayout) layout = lw_eval_layout_new (m, sample, &error);
  lw_prompt *context = lw_eval_layout_context (layout, &error);
  Answers all;

  ask (m, sample, n_tokens, LW_EVAL_MODE_REQUESTS, FALSE, 0, &all, &error);
  g_assert_no_error (error);
  g_assert_cmpint (all.n, ==, 4);
  for (int t = 0; t < 4; t++)
    {
      g_assert_cmpint (all.reused[t], ==, (gint64) lw_prompt_n_tokens (context));
      g_assert_cmpint (all.shared[t], ==, all.reused[t]);
    }
  /* No question is in what is shared, and nearly nothing of the context is left out of it. */
  const char *text = ((LwEvalPart *) sample->parts->pdata[0])->text;
  lw_detokenizer *d = lw_detokenizer_new (lw_model_get_tokenizer (m));
  g_autoptr (GString) shared = g_string_new (NULL);
  for (gsize i = 0; i < lw_prompt_n_tokens (context); i++)
    lw_detokenizer_push (d, lw_prompt_ids (context)[i], shared);
  g_assert_cmpuint (shared->len, >, strlen (text) - 16);
  for (guint t = 0; t < 4; t++)
    g_assert_null (strstr (shared->str, ((LwEvalTurn *) sample->turns->pdata[t])->question));
  assert_same_as_alone (m, sample, LW_EVAL_MODE_REQUESTS, &all);
  lw_detokenizer_free (d);
  lw_prompt_free (context);
  g_ptr_array_unref (all.replies);
  lw_model_unref (m);
}

/* Its own answers stay and need not be read again. */
static void
test_own_answers (void)
{
  lw_model *m = open_model ();
  g_autoptr (GError) error = NULL;
  gint64 n_tokens;
  g_autoptr (LwEvalSample) sample = short_sample (m, &n_tokens);
  Answers gold, own;

  ask (m, sample, n_tokens, LW_EVAL_MODE_TURNS, FALSE, 0, &gold, &error);
  ask (m, sample, n_tokens, LW_EVAL_MODE_TURNS, TRUE, 0, &own, &error);
  g_assert_cmpstr (gold.replies->pdata[0], ==, own.replies->pdata[0]);
  g_assert_cmpint (own.prompt[0], ==, gold.prompt[0]);
  g_assert_cmpint (own.prompt[1], !=, gold.prompt[1]); /* six tokens instead of a key's value */
  g_assert_cmpint (own.reused[1], >=, own.prompt[0] - 2);
  g_ptr_array_unref (gold.replies);
  g_ptr_array_unref (own.replies);
  lw_model_unref (m);
}

static void
test_cancel (void)
{
  lw_model *m = open_model ();
  g_autoptr (GError) error = NULL;
  gint64 n_tokens;
  g_autoptr (LwEvalSample) sample = short_sample (m, &n_tokens);
  Answers all;

  for (int mode = 0; mode < 2; mode++)
    {
      ask (m, sample, n_tokens, mode ? LW_EVAL_MODE_REQUESTS : LW_EVAL_MODE_TURNS, FALSE, 2, &all, &error);
      g_assert_error (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED);
      g_assert_cmpint (all.n, ==, 2);
      g_ptr_array_unref (all.replies);
      g_clear_error (&error);
    }
  lw_model_unref (m);
}

/* A film is read once, costs what it really costs, and is shared like text; a film cut by documents, too. */
static void
test_visual (void)
{
  lw_model *m = open_model_with ("a-mmproj-f16.gguf");
  LwEvalRuler ruler = { .model = m };
  LwEvalOptions options = { .turns = 3 };
  g_autoptr (GError) error = NULL;
  gint64 n, more, n_mixed;
  g_autoptr (LwEvalSample) film = lw_eval_sample_of_units (&ruler, lw_eval_task_find ("vniah"), 3, LW_EVAL_SIDE_MEASURE,
                                                           8, &options, &n, &error);
  g_autoptr (LwEvalSample) longer = lw_eval_sample_of_units (&ruler, lw_eval_task_find ("vniah"), 3,
                                                             LW_EVAL_SIDE_MEASURE, 12, &options, &more, &error);
  g_autoptr (LwEvalSample) mixed = lw_eval_sample_of_units (&ruler, lw_eval_task_find ("mmniah"), 3,
                                                            LW_EVAL_SIDE_MEASURE, 30, &options, &n_mixed, &error);
  g_assert_no_error (error);
  /* By length: a frame more or less is a pair, and pictures end at what the model looks at. */
  gint64 n_long, n_picture;
  g_autoptr (LwEvalSample) by_length = lw_eval_sample_of_length (&ruler, lw_eval_task_find ("vniah"), 3,
                                                                 LW_EVAL_SIDE_MEASURE, 3000, &options, &n_long, &error);
  g_assert_no_error (error);
  g_assert_cmpint (n_long, <=, 3000);
  g_assert_cmpint (n_long, >, 3000 - 2 * 64);
  g_autoptr (LwEvalSample) picture = lw_eval_sample_of_length (&ruler, lw_eval_task_find ("count"), 3,
                                                               LW_EVAL_SIDE_MEASURE, 200000, &options, &n_picture, &error);
  g_assert_no_error (error);
  const LwEvalScene *scene = ((LwEvalPart *) picture->parts->pdata[0])->scenes->pdata[0];
  gint64 most = lw_model_get_vision_spec (m)->max_pixels;
  g_assert_cmpint ((gint64) scene->width * scene->height, <=, most);
  g_assert_cmpint (picture->units * 28 * 28, >, most / 2);
  g_assert_null (lw_eval_sample_of_units (&ruler, lw_eval_task_find ("count"), 3, LW_EVAL_SIDE_MEASURE,
                                          (int) (most / 28 / 28 + 10), &options, &n_picture, &error));
  g_assert_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_ROOM);
  g_clear_error (&error);
  /* 64 tokens for each pair of frames; the questions are others. */
  g_assert_cmpint (ABS ((int) (more - n) - 2 * 64), <, 64);

  const LwEvalSample *samples[] = { film, mixed };
  gint64 rooms[] = { n, n_mixed };
  for (int i = 0; i < 2; i++)
    for (int mode = 0; mode < 2; mode++)
      {
        Answers all;

        for (guint t = 0; t < 3; t++)
          ((LwEvalTurn *) samples[i]->turns->pdata[t])->cap = 4;
        ask (m, samples[i], rooms[i], mode ? LW_EVAL_MODE_REQUESTS : LW_EVAL_MODE_TURNS, FALSE, 0, &all, &error);
        g_assert_no_error (error);
        g_assert_cmpint (all.n, ==, 3);
        for (int t = mode ? 0 : 1; t < 3; t++)
          {
            g_assert_cmpint (all.reused[t], ==, all.shared[t]);
            g_assert_cmpint (all.shared[t], >, rooms[i] / 2);
          }
        g_ptr_array_unref (all.replies);
      }

  /* Two samples are two digests; the same again is the same. */
  g_autofree char *a = lw_eval_sample_digest (film), *b = lw_eval_sample_digest (longer), *c = lw_eval_sample_digest (mixed);
  g_autoptr (LwEvalSample) again = lw_eval_task_find ("vniah")->make (3, LW_EVAL_SIDE_MEASURE, 8, &options, &error);
  g_autofree char *d = lw_eval_sample_digest (again);
  g_assert_cmpstr (a, !=, b);
  g_assert_cmpstr (a, !=, c);
  g_assert_cmpstr (a, ==, d);
  ((LwEvalScene *) ((GPtrArray *) ((LwEvalPart *) again->parts->pdata[0])->scenes)->pdata[5])->noise_seed++;
  g_autofree char *e = lw_eval_sample_digest (again);
  g_assert_cmpstr (a, !=, e);
  lw_model_unref (m);

  /* A model that cannot see says so. */
  m = open_model ();
  g_assert_null (lw_eval_layout_new (m, film, &error));
  g_assert_error (error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "vniah is about what is seen"));
  lw_model_unref (m);
}

/* ---- How concentrated ---- */

static int
descending (const void *a, const void *b)
{
  float x = *(const float *) a, y = *(const float *) b;

  return (x < y) - (x > y);
}

static void
test_mass_row (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);

  for (int n = 1; n <= 5000; n = n * 3 + g_rand_int_range (random, 0, 3))
    for (int kind = 0; kind < 4; kind++)
      {
        g_autofree float *p = g_new (float, n), *sorted = NULL;
        LwEvalMass mass = { { 0 } };
        double sum = 0, edges = 0;

        for (int i = 0; i < n; i++) /* alike, few values, rising, anything */
          p[i] = kind == 0 ? 1.0f / n : kind == 1 ? g_rand_int_range (random, 0, 3) : kind == 2 ? i : (float) g_rand_double (random);
        for (int i = 0; i < n; i++)
          edges += i < 64 || i >= n - 64 ? p[i] : 0;
        sorted = g_memdup2 (p, n * sizeof (float));
        qsort (sorted, n, sizeof (float), descending);
        lw_eval_mass_row (&mass, p, n);
        g_assert_cmpuint (mass.n, ==, 1);
        assert_near (mass.edges, edges, 1e-6);
        for (int s = 0, i = 0; s < LW_EVAL_MASS_SHARES; s++)
          {
            for (; i < MAX ((int) llround (n * lw_eval_mass_shares[s]), 1); i++)
              sum += sorted[i];
            assert_near (mass.top[s], sum, 1e-6 * (1 + sum));
          }
      }
}

/* Every row of question and reply, once for every head. */
static void
test_mass (void)
{
  lw_model *m = open_model ();
  const lw_model_info *info = lw_model_get_info (m);
  g_autoptr (LwEvalMassTable) table = lw_eval_mass_table_new (info);
  lw_session_params params = { .n_threads = 2 };
  g_autoptr (GError) error = NULL;
  gint64 n_tokens;
  g_autoptr (LwEvalSample) sample = short_sample (m, &n_tokens);
  g_autoptr (LwEvalLayout) layout = lw_eval_layout_new (m, sample, &error);
  gint64 reply = lw_eval_layout_count (layout, ((LwEvalTurn *) sample->turns->pdata[0])->reply, &error);
  lw_prompt *context = lw_eval_layout_context (layout, &error), *asked = lw_eval_layout_turn (layout, NULL, 0, &error);

  for (int times = 1; times <= 2; times++)
    {
      g_assert_true (lw_eval_mass_add (table, m, &params, sample, n_tokens, NULL, NULL, NULL, &error));
      g_assert_no_error (error);
      for (guint i = 0; i < info->n_layer * info->n_head; i++)
        {
          const LwEvalMass *q = &table->question[i], *a = &table->answer[i];

          g_assert_cmpint (a->n, ==, times * reply);
          g_assert_cmpint (ABS ((int) (q->n - (guint) times * (lw_prompt_n_tokens (asked) - lw_prompt_n_tokens (context)))), <=,
                           2 * times);
          g_assert_cmpfloat (q->top[0], >, 0);
          g_assert_cmpfloat (q->top[0], <, q->top[1]);
          g_assert_cmpfloat (q->top[1], <, q->top[2]);
          g_assert_cmpfloat (q->top[2], <=, q->n * 1.0001);
          g_assert_cmpfloat (a->edges, <=, a->n * 1.0001);
        }
    }
  lw_prompt_free (context);
  lw_prompt_free (asked);
  lw_model_unref (m);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/eval-run/wilson", test_wilson);
  g_test_add_func ("/eval-run/mcnemar", test_mcnemar);
  g_test_add_func ("/eval-run/bootstrap", test_bootstrap);
  g_test_add_func ("/eval-run/median", test_median);
  g_test_add_func ("/eval-run/lines", test_lines);
  g_test_add_func ("/eval-run/bad-lines", test_bad_lines);
  g_test_add_func ("/eval-run/record", test_record);
  g_test_add_func ("/eval-run/summary", test_summary);
  g_test_add_func ("/eval-run/graded", test_graded);
  g_test_add_func ("/eval-run/heatmap", test_heatmap);
  g_test_add_func ("/eval-run/length", test_length);
  g_test_add_func ("/eval-run/turns", test_turns);
  g_test_add_func ("/eval-run/requests", test_requests);
  g_test_add_func ("/eval-run/own-answers", test_own_answers);
  g_test_add_func ("/eval-run/cancel", test_cancel);
  g_test_add_func ("/eval-run/visual", test_visual);
  g_test_add_func ("/eval-run/mass-row", test_mass_row);
  g_test_add_func ("/eval-run/mass", test_mass);
  return g_test_run ();
}
