/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/published.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "app/eval/json-read.h"

#define CHUNK 65536
#define MOST_OPTIONS 26

/* What a turn is asked and scored as. */
typedef struct {
  const char *name;
  LwEvalScore score;
  int cap;
} Kind;

typedef struct {
  const char *name;
  const char *instruction; /* before the context; NULL when the data has its own */
  Kind kind;               /* of turns that do not name one */
  const Kind *kinds;       /* of a mixed task's turns by their "task", to a nameless one */
} Task;

static const Kind summary_kinds[] = { { "scbench_summary", LW_EVAL_SCORE_SUMMARY, 800 },
                                      { "scbench_passkey", LW_EVAL_SCORE_INTEGER, 15 },
                                      { NULL } };
static const Kind code_kinds[] = { { "scbench_repoqa", LW_EVAL_SCORE_CODE, 1024 },
                                   { "scbench_kv", LW_EVAL_SCORE_SUBSTRING, 80 },
                                   { NULL } };

static const Task tasks[] = {
  { "kv", "Find the value of a key in the JSON object below.", { "kv", LW_EVAL_SCORE_SUBSTRING, 150 } },
  { "prefix_suffix", NULL, { "prefix_suffix", LW_EVAL_SCORE_SUBSTRING, 150 } },
  { "vt", NULL, { "vt", LW_EVAL_SCORE_RECALL, 30 } },
  { "repoqa", "Below is the code of a repository. Each question describes one of its functions: repeat that "
              "function exactly, in a code block.", { "repoqa", LW_EVAL_SCORE_CODE, 1024 } },
  { "qa_eng", "Read the book and answer the questions in as few words as possible.",
    { "qa_eng", LW_EVAL_SCORE_QA, 40 } },
  { "qa_chn", "请阅读以下书籍，并尽可能简短地回答问题。",
    { "qa_chn", LW_EVAL_SCORE_CHARACTERS, 40 } },
  { "choice_eng", "Read the book and answer each question with the letter of one of its options.",
    { "choice_eng", LW_EVAL_SCORE_LETTER, 40 } },
  { "mf", "Below is a list of integers. Each question asks for one of its statistics.",
    { "mf", LW_EVAL_SCORE_INTEGER, 5 } },
  { "many_shot", NULL, { "many_shot", LW_EVAL_SCORE_SHOT, 10 } },
  { "summary", NULL, { "summary", LW_EVAL_SCORE_SUMMARY, 200 } },
  { "summary_with_needles", NULL, { "summary", LW_EVAL_SCORE_SUMMARY, 800 }, summary_kinds },
  { "repoqa_and_kv", NULL, { "repoqa", LW_EVAL_SCORE_CODE, 1024 }, code_kinds },
};

struct _LwEvalPublished {
  char *path;
  const Task *task;
  FILE *file;
  GString *rest;  /* read, but not handed out yet */
  gsize used;     /* of rest */
  guint64 line;   /* the last one handed out, from 1 */
  guint64 row;    /* lines that were not empty */
  gboolean over;  /* the end, or a line beyond the limit */
};

static const Task *
find_task (const char *name, gsize n)
{
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    if (strlen (tasks[i].name) == n && memcmp (tasks[i].name, name, n) == 0)
      return &tasks[i];
  return NULL;
}

/* ---- A turn ---- */

static void
answers_take (LwEvalJson *json, GPtrArray *answers)
{
  char kind = lw_eval_json_peek (json);
  gint64 number;

  if (answers->len >= LW_EVAL_PUBLISHED_ANSWERS)
    lw_eval_json_fail (json, "more than 4096 answers");
  else if (kind == '"')
    {
      char *text = lw_eval_json_string (json);

      if (text != NULL)
        g_ptr_array_add (answers, text);
    }
  else if (kind == 'n' && lw_eval_json_integer (json, &number))
    g_ptr_array_add (answers, g_strdup_printf ("%" G_GINT64_FORMAT, number));
  else
    lw_eval_json_fail (json, "an answer is neither a string nor an integer");
}

/* One, or an array of them. */
static char **
read_strings (LwEvalJson *json)
{
  GPtrArray *answers = g_ptr_array_new ();

  if (lw_eval_json_peek (json) != '[')
    answers_take (json, answers);
  else if (lw_eval_json_array (json))
    while (lw_eval_json_array_next (json))
      answers_take (json, answers);
  g_ptr_array_add (answers, NULL);
  return (char **) g_ptr_array_free (answers, FALSE);
}

typedef struct {
  char *input, *task;
  char **answers, **options;
} RawTurn;

static void
raw_turn_free (RawTurn *raw)
{
  g_free (raw->input);
  g_free (raw->task);
  g_strfreev (raw->answers);
  g_strfreev (raw->options);
  g_free (raw);
}

static void
replace (char **field, char *value_taken)
{
  g_free (*field);
  *field = value_taken;
}

static void
replace_all (char ***field, char **value_taken)
{
  g_strfreev (*field);
  *field = value_taken;
}

static RawTurn *
read_turn (LwEvalJson *json)
{
  RawTurn *raw = g_new0 (RawTurn, 1);
  char *key;

  if (!lw_eval_json_object (json))
    return raw;
  while (lw_eval_json_object_next (json, &key))
    {
      if (strcmp (key, "input") == 0)
        replace (&raw->input, lw_eval_json_string (json));
      else if (strcmp (key, "answer") == 0)
        replace_all (&raw->answers, read_strings (json));
      else if (strcmp (key, "options") == 0 && lw_eval_json_peek (json) == '[')
        replace_all (&raw->options, read_strings (json));
      else if (strcmp (key, "task") == 0 && lw_eval_json_peek (json) == '"')
        replace (&raw->task, lw_eval_json_string (json));
      else
        lw_eval_json_skip (json);
      g_free (key);
    }
  return raw;
}

/* ---- A row ---- */

typedef struct {
  guint64 id;
  char *context;
  GPtrArray *turns; /* of RawTurn */
} Row;

static void
row_clear (Row *row)
{
  g_clear_pointer (&row->context, g_free);
  g_clear_pointer (&row->turns, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Row, row_clear)

/* A string, or integers, which are printed as "[1, 2, 3]". */
static char *
read_context (LwEvalJson *json)
{
  GString *out;

  if (lw_eval_json_peek (json) != '[')
    return lw_eval_json_string (json);
  out = g_string_new ("[");
  if (lw_eval_json_array (json))
    while (lw_eval_json_array_next (json))
      {
        gint64 number;

        if (!lw_eval_json_integer (json, &number))
          break;
        g_string_append_printf (out, "%s%" G_GINT64_FORMAT, out->len > 1 ? ", " : "", number);
      }
  g_string_append_c (out, ']');
  return g_string_free (out, FALSE);
}

static void
read_turns (LwEvalJson *json, Row *row)
{
  if (!lw_eval_json_array (json))
    return;
  while (lw_eval_json_array_next (json))
    {
      if (row->turns->len >= LW_EVAL_PUBLISHED_TURNS)
        {
          lw_eval_json_fail (json, "more than 64 turns");
          return;
        }
      g_ptr_array_add (row->turns, read_turn (json));
    }
}

static gboolean
read_row (LwEvalJson *json, Row *row)
{
  g_autofree char *input = NULL;
  gint64 id;
  char *key;

  row->turns = g_ptr_array_new_with_free_func ((GDestroyNotify) raw_turn_free);
  if (!lw_eval_json_object (json))
    return FALSE;
  while (lw_eval_json_object_next (json, &key))
    {
      if (strcmp (key, "context") == 0)
        replace (&row->context, read_context (json));
      else if (strcmp (key, "input") == 0)
        replace (&input, read_context (json));
      else if (strcmp (key, "multi_turns") == 0)
        {
          g_ptr_array_set_size (row->turns, 0);
          read_turns (json, row);
        }
      else if (strcmp (key, "id") == 0 && lw_eval_json_peek (json) == 'n' && lw_eval_json_integer (json, &id))
        row->id = (guint64) id;
      else
        lw_eval_json_skip (json);
      g_free (key);
    }
  if (row->context == NULL)
    row->context = g_steal_pointer (&input);
  return lw_eval_json_end (json);
}

/* ---- A sample ---- */

static gboolean
complain (GError **error, guint turn, const char *what)
{
  g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT, "turn %u: %s", turn + 1, what);
  return FALSE;
}

/* "The largest number is" asks "What is the largest number?". */
static char *
question_of_stub (const char *stub)
{
  const char *start = strstr (stub, "The "), *end = start != NULL ? strstr (start, " is") : NULL;

  if (end == NULL)
    return g_strdup (stub);
  return g_strdup_printf ("What is the %.*s? Reply with one integer.", (int) MIN (end - start - 4, 4096),
                          start + 4);
}

static gboolean
letter_options (LwEvalTurn *turn, const RawTurn *raw, guint index, GError **error)
{
  GString *question;
  char letter[2] = { 0 };
  guint n = raw->options != NULL ? g_strv_length (raw->options) : 0;

  if (n == 0 || n > MOST_OPTIONS)
    return complain (error, index, n == 0 ? "no options to choose from" : "more than 26 options");
  for (guint i = 0; i < n && letter[0] == 0; i++)
    if (strcmp (raw->options[i], raw->answers[0]) == 0)
      letter[0] = 'A' + i;
  if (letter[0] == 0 && strlen (raw->answers[0]) == 1 && raw->answers[0][0] >= 'A'
      && raw->answers[0][0] < (int) ('A' + n))
    letter[0] = raw->answers[0][0];
  if (letter[0] == 0)
    return complain (error, index, "the answer is none of the options");
  question = g_string_new (raw->input);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (question, "\n%c. %s", 'A' + i, raw->options[i]);
  g_string_append (question, "\nReply with the letter.");
  turn->question = g_string_free (question, FALSE);
  turn->options = g_strdupv (raw->options);
  lw_eval_turn_answer (turn, letter);
  return TRUE;
}

/* The other functions of the repository that are asked for, NULL when one is too long to be one. */
static char **
other_functions (const GPtrArray *turns, guint self, const Task *task)
{
  GPtrArray *others = g_ptr_array_new ();
  char **strings;
  gboolean too_long = FALSE;

  for (guint i = 0; i < turns->len; i++)
    {
      const RawTurn *raw = turns->pdata[i];
      gboolean code = task->kinds == NULL || g_strcmp0 (raw->task, "scbench_kv") != 0;

      if (i == self || !code || raw->answers == NULL || raw->answers[0] == NULL)
        continue;
      g_ptr_array_add (others, g_strndup (raw->answers[0], LW_EVAL_PUBLISHED_FUNCTION + 1));
      too_long |= strlen (others->pdata[others->len - 1]) > LW_EVAL_PUBLISHED_FUNCTION;
    }
  g_ptr_array_add (others, NULL);
  strings = (char **) g_ptr_array_free (others, FALSE);
  if (too_long)
    g_clear_pointer (&strings, g_strfreev);
  return strings;
}

/* Where the answer is, if it is there once. */
static void
find_gold (LwEvalTurn *turn, const char *text, gsize from)
{
  const char *gold = turn->answers[0], *at;
  gsize n = strlen (text);

  if (turn->score != LW_EVAL_SCORE_SUBSTRING && turn->score != LW_EVAL_SCORE_CODE
      && !(turn->score == LW_EVAL_SCORE_INTEGER && strcmp (turn->kind, "scbench_passkey") == 0))
    return;
  at = *gold != 0 ? strstr (text + from, gold) : NULL;
  if (at == NULL || strstr (at + 1, gold) != NULL)
    return;
  lw_eval_turn_place (turn, 0, at - text, gold, 0, 1);
  turn->depth = (double) (at - text) / n;
}

static gboolean
add_turn (LwEvalSample *sample, const Task *task, const Row *row, guint index, const char *text,
          GError **error)
{
  const RawTurn *raw = row->turns->pdata[index];
  const Kind *kind = &task->kind;
  LwEvalTurn *turn;

  if (raw->input == NULL || raw->answers == NULL || raw->answers[0] == NULL)
    return complain (error, index, raw->input == NULL ? "no input" : "no answer");
  if (task->kinds != NULL)
    {
      for (kind = task->kinds; kind->name != NULL && g_strcmp0 (kind->name, raw->task) != 0;)
        kind++;
      if (kind->name == NULL)
        return complain (error, index, "its task is none of the mixture's");
    }
  turn = lw_eval_sample_add_turn (sample, kind->name);
  turn->score = kind->score;
  turn->cap = kind->cap;
  if (kind->score == LW_EVAL_SCORE_LETTER)
    return letter_options (turn, raw, index, error);
  turn->question = strcmp (task->name, "mf") == 0 ? question_of_stub (raw->input) : g_strdup (raw->input);
  turn->answers = g_strdupv (raw->answers);
  turn->reply = kind->score == LW_EVAL_SCORE_RECALL ? g_strjoinv (" ", raw->answers)
                                                    : g_strdup (raw->answers[0]);
  if (kind->score == LW_EVAL_SCORE_CODE && (turn->foreign = other_functions (row->turns, index, task)) == NULL)
    return complain (error, index, "a function longer than 64 KiB");
  find_gold (turn, text, strlen (text) - strlen (row->context));
  return TRUE;
}

static LwEvalSample *
parse (const Task *task, const char *line, gsize n, guint64 number, GError **error)
{
  g_auto (LwEvalJson) json = { NULL };
  g_auto (Row) row = { .id = number };
  g_autoptr (LwEvalSample) sample = NULL;
  g_autofree char *name = g_strconcat ("scbench_", task->name, NULL);
  char *text;

  lw_eval_json_init (&json, line, n);
  if (!read_row (&json, &row))
    {
      g_set_error_literal (error, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT, json.error);
      return NULL;
    }
  if (row.context == NULL || row.turns->len == 0)
    {
      g_set_error_literal (error, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT,
                           row.context == NULL ? "no context" : "no turns in \"multi_turns\"");
      return NULL;
    }
  sample = lw_eval_sample_new (name, row.id, LW_EVAL_SIDE_MEASURE, 1);
  text = task->instruction != NULL ? g_strconcat (task->instruction, "\n\n", row.context, NULL)
                                   : g_strdup (row.context);
  lw_eval_sample_add_text (sample, text);
  for (guint i = 0; i < row.turns->len; i++)
    if (!add_turn (sample, task, &row, i, text, error))
      return NULL;
  return g_steal_pointer (&sample);
}

LwEvalSample *
lw_eval_published_parse (const char *task, const char *line, gsize n, guint64 row, GError **error)
{
  const Task *found = find_task (task, strlen (task));

  if (found != NULL)
    return parse (found, line, n, row, error);
  g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT, "no task of SCBench is called \"%s\"", task);
  return NULL;
}

/* ---- A file ---- */

LwEvalPublished *
lw_eval_published_open (const char *path, GError **error)
{
  g_autofree char *name = g_path_get_basename (path);
  const char *start = g_str_has_prefix (name, "scbench_") ? name + 8 : name;
  const Task *task = find_task (start, strcspn (start, "."));
  LwEvalPublished *published;
  FILE *file;

  if (task == NULL)
    {
      g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_FORMAT,
                   "%s: the name is none of SCBench's, like scbench_kv.jsonl", path);
      return NULL;
    }
  file = g_fopen (path, "rb");
  if (file == NULL)
    {
      int saved = errno;

      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (saved), "%s: %s", path, g_strerror (saved));
      return NULL;
    }
  published = g_new0 (LwEvalPublished, 1);
  published->path = g_strdup (path);
  published->task = task;
  published->file = file;
  published->rest = g_string_new (NULL);
  return published;
}

void
lw_eval_published_free (LwEvalPublished *published)
{
  if (published == NULL)
    return;
  fclose (published->file);
  g_string_free (published->rest, TRUE);
  g_free (published->path);
  g_free (published);
}

/* The next line, without its end: n bytes from *start on, valid until the next call.  FALSE at the end or,
 * with an error, when it cannot be had. */
static gboolean
next_line (LwEvalPublished *published, const char **start, gsize *n, GError **error)
{
  GString *rest = published->rest;
  gsize looked = 0;

  if (published->over)
    return FALSE;
  g_string_erase (rest, 0, published->used);
  published->used = 0;
  published->line++;
  for (;;)
    {
      const char *end = memchr (rest->str + looked, '\n', rest->len - looked);
      gsize before = rest->len, got;

      if (end != NULL)
        {
          *start = rest->str;
          *n = end - rest->str;
          published->used = *n + 1;
          return TRUE;
        }
      looked = rest->len;
      if (rest->len > LW_EVAL_PUBLISHED_LINE)
        {
          published->over = TRUE;
          g_set_error (error, LW_EVAL_ERROR, LW_EVAL_ERROR_LIMIT,
                       "%s, line %" G_GUINT64_FORMAT ": longer than %d MiB", published->path, published->line,
                       LW_EVAL_PUBLISHED_LINE / (1024 * 1024));
          return FALSE;
        }
      g_string_set_size (rest, before + CHUNK);
      got = fread (rest->str + before, 1, CHUNK, published->file);
      g_string_set_size (rest, before + got);
      if (got > 0)
        continue;
      published->over = TRUE;
      if (ferror (published->file))
        {
          g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_IO, "%s, line %" G_GUINT64_FORMAT ": cannot be read",
                       published->path, published->line);
          return FALSE;
        }
      *start = rest->str;
      *n = published->used = rest->len;
      return rest->len > 0;
    }
}

static gboolean
is_blank (const char *line, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (!g_ascii_isspace (line[i]))
      return FALSE;
  return TRUE;
}

LwEvalSample *
lw_eval_published_next (LwEvalPublished *published, GError **error)
{
  const char *line;
  gsize n;

  while (next_line (published, &line, &n, error))
    {
      LwEvalSample *sample;

      if (is_blank (line, n))
        continue;
      sample = parse (published->task, line, n, published->row++, error);
      if (sample == NULL)
        g_prefix_error (error, "%s, line %" G_GUINT64_FORMAT ", ", published->path, published->line);
      return sample;
    }
  return NULL;
}
