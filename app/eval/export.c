/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/export.h"

#include <string.h>

#include "app/eval/score.h"
#include "app/eval/task.h"

#define EXPORT __attribute__ ((visibility ("default")))

/* The inside of a JSON string: runs of plain bytes are copied whole. */
static void
append_escaped (GString *out, const char *text)
{
  const char *plain = text;

  for (const char *p = text;; p++)
    {
      guchar c = *p;

      if (c >= 0x20 && c != '"' && c != '\\')
        continue;
      g_string_append_len (out, plain, p - plain);
      plain = p + 1;
      if (c == 0)
        return;
      if (c == '"' || c == '\\')
        {
          g_string_append_c (out, '\\');
          g_string_append_c (out, c);
        }
      else if (c == '\n')
        g_string_append (out, "\\n");
      else
        g_string_append_printf (out, "\\u%04x", c);
    }
}

static void
append_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  append_escaped (out, text);
  g_string_append_c (out, '"');
}

static void
append_strings (GString *out, const char *name, char **strings)
{
  if (strings == NULL)
    return;
  g_string_append_printf (out, "\"%s\":[", name);
  for (guint i = 0; strings[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      append_string (out, strings[i]);
    }
  g_string_append (out, "],");
}

static void
append_member (GString *out, const char *name, const char *text)
{
  g_string_append_printf (out, "\"%s\":", name);
  append_string (out, text);
  g_string_append_c (out, ',');
}

static void
append_parts (GString *out, GPtrArray *parts)
{
  gboolean all_text = TRUE;
  guint first = 0;

  for (guint i = 0; i < parts->len; i++)
    all_text = all_text && ((LwEvalPart *) parts->pdata[i])->kind == LW_EVAL_PART_TEXT;
  g_string_append (out, all_text ? "\"context\":\"" : "\"parts\":[");
  for (guint i = 0; i < parts->len; i++)
    {
      const LwEvalPart *part = parts->pdata[i];

      if (all_text)
        {
          append_escaped (out, part->text);
          continue;
        }
      if (i > 0)
        g_string_append_c (out, ',');
      if (part->kind == LW_EVAL_PART_TEXT)
        {
          g_string_append (out, "{\"kind\":\"text\",\"text\":");
          append_string (out, part->text);
          g_string_append_c (out, '}');
        }
      else
        {
          char fps[G_ASCII_DTOSTR_BUF_SIZE];

          g_string_append_printf (out, "{\"kind\":\"%s\",",
                                  part->kind == LW_EVAL_PART_FILM ? "film" : "picture");
          if (part->kind == LW_EVAL_PART_FILM)
            g_string_append_printf (out, "\"fps\":%s,", g_ascii_dtostr (fps, sizeof fps, part->fps));
          g_string_append_printf (out, "\"first\":%u,\"count\":%u}", first, part->scenes->len);
          first += part->scenes->len;
        }
    }
  g_string_append (out, all_text ? "\"," : "],");
}

static void
append_turn (GString *out, const LwEvalTurn *turn)
{
  g_string_append_c (out, '{');
  append_member (out, "input", turn->question);
  append_member (out, "question", turn->question);
  if (turn->score == LW_EVAL_SCORE_INTEGER)
    g_string_append_printf (out, "\"answer\":%" G_GINT64_FORMAT ",",
                            g_ascii_strtoll (turn->answers[0], NULL, 10));
  else if (turn->score == LW_EVAL_SCORE_RECALL)
    append_strings (out, "answer", turn->answers);
  else
    append_member (out, "answer", turn->answers[0]);
  append_strings (out, "answers", turn->answers);
  append_strings (out, "foreign", turn->foreign);
  append_strings (out, "options", turn->options);
  append_member (out, "reply", turn->reply);
  append_member (out, "task", turn->kind);
  append_member (out, "score", lw_eval_score_name (turn->score));
  if (turn->gold != NULL)
    append_member (out, "gold", turn->gold);
  g_string_append_printf (out, "\"cap\":%d,\"depth\":", turn->cap);
  if (turn->depth < 0)
    g_string_append (out, "-1");
  else
    {
      /* Not printf's %f: its decimal point is the locale's. */
      guint tenths = (guint) (turn->depth * 10000 + 0.5);

      g_string_append_printf (out, "%u.%04u", tenths / 10000, tenths % 10000);
    }
  g_string_append_printf (out, ",\"part\":%d,\"at\":%" G_GINT64_FORMAT "}", turn->part, turn->at);
}

char *
lw_eval_sample_to_json (const LwEvalSample *sample)
{
  GString *out = g_string_new (NULL);

  g_string_append_printf (out, "{\"id\":%" G_GUINT64_FORMAT ",\"task\":\"%s\",\"side\":\"%s\",\"units\":%d,",
                          sample->seed, sample->task,
                          sample->side == LW_EVAL_SIDE_TRAIN ? "train" : "measure", sample->units);
  append_parts (out, sample->parts);
  g_string_append (out, "\"multi_turns\":[");
  for (guint i = 0; i < sample->turns->len; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      append_turn (out, sample->turns->pdata[i]);
    }
  g_string_append (out, "]}");
  return g_string_free (out, FALSE);
}

static char *
error_json (const char *message)
{
  GString *out = g_string_new ("{\"error\":");

  append_string (out, message);
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

EXPORT char *
lw_eval_json (const char *task, int units, int turns, int hard, const char *variant, guint64 seed, int side)
{
  const LwEvalTask *maker = task != NULL ? lw_eval_task_find (task) : NULL;
  LwEvalOptions options = { turns, hard != 0, variant != NULL && *variant != 0 ? variant : NULL };
  g_autoptr (LwEvalSample) sample = NULL;
  g_autoptr (GError) error = NULL;

  if (maker == NULL)
    {
      g_autofree char *message = g_strdup_printf ("no task \"%s\"; there are %s", task != NULL ? task : "",
                                                  lw_eval_task_names ());

      return error_json (message);
    }
  sample = maker->make (seed, side == 1 ? LW_EVAL_SIDE_TRAIN : LW_EVAL_SIDE_MEASURE, units, &options, &error);
  return sample != NULL ? lw_eval_sample_to_json (sample) : error_json (error->message);
}

EXPORT void
lw_eval_json_free (char *json)
{
  g_free (json);
}

EXPORT const char *
lw_eval_task_names (void)
{
  static gsize names;

  if (g_once_init_enter (&names))
    {
      GString *all = g_string_new (NULL);

      for (const LwEvalTask *const *task = lw_eval_tasks (); *task != NULL; task++)
        g_string_append_printf (all, "%s%s", all->len > 0 ? " " : "", (*task)->name);
      g_once_init_leave (&names, (gsize) g_string_free (all, FALSE));
    }
  return (const char *) names;
}
