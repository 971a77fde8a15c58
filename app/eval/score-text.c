/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/score-text.h"

#include <math.h>
#include <string.h>

#define GRAMS 4

/* ---- Characters ---- */

/* How often each character occurs; NULL when the text is not valid UTF-8. */
static GHashTable *
characters_of (const char *text, guint *n)
{
  GHashTable *count;

  if (!g_utf8_validate (text, -1, NULL))
    return NULL;
  count = g_hash_table_new (NULL, NULL);
  *n = 0;
  for (const char *p = text; *p != 0; p = g_utf8_next_char (p))
    {
      gunichar c = g_unichar_tolower (g_utf8_get_char (p));
      gpointer key = GUINT_TO_POINTER (c);
      guint before;

      if (g_unichar_isspace (c) || g_unichar_ispunct (c))
        continue;
      before = GPOINTER_TO_UINT (g_hash_table_lookup (count, key));
      g_hash_table_insert (count, key, GUINT_TO_POINTER (before + 1));
      (*n)++;
    }
  return count;
}

static double
f1 (double common, double n_gold, double n_reply)
{
  return common > 0 ? 2 * common / (n_gold + n_reply) : 0;
}

double
lw_eval_character_f1 (const char *gold, const char *reply)
{
  guint n_gold = 0, n_reply = 0, common = 0;
  g_autoptr (GHashTable) a = characters_of (gold, &n_gold), b = characters_of (reply, &n_reply);
  GHashTableIter iter;
  gpointer key, count;

  if (a == NULL || b == NULL)
    return 0;
  g_hash_table_iter_init (&iter, a);
  while (g_hash_table_iter_next (&iter, &key, &count))
    common += MIN (GPOINTER_TO_UINT (count), GPOINTER_TO_UINT (g_hash_table_lookup (b, key)));
  return f1 (common, n_gold, n_reply);
}

/* ---- Tokens, as numbers that two texts share ---- */

typedef struct {
  guint *ids;
  guint n;
} Tokens;

static guint
intern (GHashTable *known, const char *start, gsize n)
{
  char *token = g_ascii_strdown (start, n);
  gpointer id = g_hash_table_lookup (known, token);

  if (id != NULL)
    {
      g_free (token);
      return GPOINTER_TO_UINT (id);
    }
  g_hash_table_insert (known, token, GUINT_TO_POINTER (g_hash_table_size (known) + 1));
  return g_hash_table_size (known);
}

static GHashTable *
vocabulary_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static guint *
count_of (const Tokens *tokens, guint n_known)
{
  guint *count = g_new0 (guint, n_known + 1);

  for (guint i = 0; i < tokens->n; i++)
    count[tokens->ids[i]]++;
  return count;
}

/* ---- ROUGE-Lsum ---- */

typedef struct {
  Tokens all;
  guint *ends; /* [lines] */
  guint lines;
} Summary;

static void
read_summary (const char *text, GHashTable *known, Summary *summary)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint));
  GArray *ends = g_array_new (FALSE, FALSE, sizeof (guint));
  const char *p = text;

  while (*p != 0 && ids->len < LW_EVAL_SCORE_TOKENS)
    {
      const char *start = p;

      while (g_ascii_isalnum (*p))
        p++;
      if (p > start)
        {
          guint id = intern (known, start, p - start);

          g_array_append_val (ids, id);
        }
      if (*p == '\n' || (*p == 0 && ids->len > 0) || ids->len == LW_EVAL_SCORE_TOKENS)
        g_array_append_val (ends, ids->len);
      if (*p != 0)
        p++;
    }
  if (ids->len > 0 && (ends->len == 0 || g_array_index (ends, guint, ends->len - 1) != ids->len))
    g_array_append_val (ends, ids->len);
  summary->all.n = ids->len;
  summary->lines = ends->len;
  summary->all.ids = (guint *) g_array_free (ids, FALSE);
  summary->ends = (guint *) g_array_free (ends, FALSE);
}

static void
clear_summary (Summary *summary)
{
  g_free (summary->all.ids);
  g_free (summary->ends);
}

/* Marks the tokens of a that are in one longest common subsequence of a and b. */
static void
mark_lcs (const guint *a, guint n, const guint *b, guint m, gboolean *marks)
{
  g_autofree guint16 *longest = g_new0 (guint16, (gsize) (n + 1) * (m + 1));
  guint i, j;

#define LONGEST(i, j) longest[(gsize) (i) * (m + 1) + (j)]
  for (i = 1; i <= n; i++)
    for (j = 1; j <= m; j++)
      LONGEST (i, j) = a[i - 1] == b[j - 1] ? LONGEST (i - 1, j - 1) + 1
                                            : MAX (LONGEST (i - 1, j), LONGEST (i, j - 1));
  for (i = n, j = m; i > 0 && j > 0;)
    {
      if (a[i - 1] == b[j - 1])
        {
          marks[i - 1] = TRUE;
          i--;
          j--;
        }
      else if (LONGEST (i, j - 1) > LONGEST (i - 1, j))
        j--;
      else
        i--;
    }
#undef LONGEST
}

double
lw_eval_rouge_lsum (const char *gold, const char *reply)
{
  g_autoptr (GHashTable) known = vocabulary_new ();
  g_autofree guint *left_gold = NULL, *left_reply = NULL;
  Summary a, b;
  guint hits = 0;

  read_summary (gold, known, &a);
  read_summary (reply, known, &b);
  left_gold = count_of (&a.all, g_hash_table_size (known));
  left_reply = count_of (&b.all, g_hash_table_size (known));
  for (guint r = 0; r < a.lines; r++)
    {
      guint from = r > 0 ? a.ends[r - 1] : 0, n = a.ends[r] - from;
      g_autofree gboolean *marks = g_new0 (gboolean, n + 1);

      for (guint c = 0; c < b.lines; c++)
        {
          guint start = c > 0 ? b.ends[c - 1] : 0;

          mark_lcs (a.all.ids + from, n, b.all.ids + start, b.ends[c] - start, marks);
        }
      for (guint i = 0; i < n; i++)
        {
          guint id = a.all.ids[from + i];

          if (!marks[i] || left_gold[id] == 0 || left_reply[id] == 0)
            continue;
          left_gold[id]--;
          left_reply[id]--;
          hits++;
        }
    }
  clear_summary (&a);
  clear_summary (&b);
  return f1 (hits, a.all.n, b.all.n);
}

/* ---- BLEU ---- */

/* Counts of the n-grams of tokens between white space: key "a b c", value count. */
static GHashTable *
grams_of (char **tokens, guint n, guint order)
{
  GHashTable *count = vocabulary_new ();

  for (guint i = 0; i + order <= n; i++)
    {
      GString *gram = g_string_new (tokens[i]);
      guint before;

      for (guint k = 1; k < order; k++)
        g_string_append_printf (gram, " %s", tokens[i + k]);
      before = GPOINTER_TO_UINT (g_hash_table_lookup (count, gram->str));
      g_hash_table_insert (count, g_string_free (gram, FALSE), GUINT_TO_POINTER (before + 1));
    }
  return count;
}

static guint
common_grams (GHashTable *gold, GHashTable *reply)
{
  GHashTableIter iter;
  gpointer gram, count;
  guint common = 0;

  g_hash_table_iter_init (&iter, reply);
  while (g_hash_table_iter_next (&iter, &gram, &count))
    common += MIN (GPOINTER_TO_UINT (count), GPOINTER_TO_UINT (g_hash_table_lookup (gold, gram)));
  return common;
}

static char **
tokens_of (const char *text, guint *n)
{
  GPtrArray *tokens = g_ptr_array_new ();

  for (const char *p = text; tokens->len < LW_EVAL_SCORE_TOKENS;)
    {
      gsize length;

      p += strspn (p, " \t\n\r\f\v");
      length = strcspn (p, " \t\n\r\f\v");
      if (length == 0)
        break;
      g_ptr_array_add (tokens, g_strndup (p, length));
      p += length;
    }
  *n = tokens->len;
  g_ptr_array_add (tokens, NULL);
  return (char **) g_ptr_array_free (tokens, FALSE);
}

double
lw_eval_bleu (const char *gold, const char *reply)
{
  guint n_gold, n_reply, smoothed = 1;
  g_auto (GStrv) a = tokens_of (gold, &n_gold), b = tokens_of (reply, &n_reply);
  double logs = 0;

  if (n_gold == 0 || n_reply == 0)
    return 0;
  for (guint order = 1; order <= GRAMS; order++)
    {
      g_autoptr (GHashTable) of_gold = grams_of (a, n_gold, order), of_reply = grams_of (b, n_reply, order);
      double common = common_grams (of_gold, of_reply), n = n_reply >= order ? n_reply - order + 1 : 1;

      if (common == 0 && order == 1)
        return 0;
      if (common == 0 && n_reply == 1)
        continue;
      /* No match of this order: a share that shrinks with each such order and grows with the length. */
      if (common == 0)
        common = log (n_reply) / (ldexp (1, smoothed++) * 5);
      logs += log (common / n) / GRAMS;
    }
  return exp (logs) * (n_reply > n_gold ? 1 : exp (1 - (double) n_gold / n_reply));
}

/* ---- Code ---- */

/* Bytes of the function that starts at `code`, whose bodies are indented: up to the next line that is not. */
static gsize
indented_length (const char *code)
{
  const char *line = strchr (code, '\n');

  while (line != NULL)
    {
      gsize blank = strspn (line + 1, " \t");
      char first = line[1 + blank];

      /* The closing bracket of a long list of arguments is not indented either. */
      if (first == 0 || (blank == 0 && first != '\n' && first != ')'))
        return line - code;
      line = strchr (line + 1, '\n');
    }
  return strlen (code);
}

/* Up to the brace that closes the first one. */
static gsize
braced_length (const char *code)
{
  gint64 depth = 0;

  for (const char *p = code; *p != 0; p++)
    {
      if (*p == '{')
        depth++;
      else if (*p == '}' && --depth <= 0)
        return p + 1 - code;
    }
  return strlen (code);
}

char *
lw_eval_first_function (const char *reply)
{
  const char *fence = strstr (reply, "```"), *end = NULL, *code = reply, *line;
  g_autofree char *block = NULL;

  if (fence != NULL)
    {
      code = fence + 3 + strcspn (fence + 3, "\n");
      end = strstr (code, "\n```");
    }
  block = end != NULL ? g_strndup (code, end - code) : g_strdup (code);
  code = block;
  while (g_ascii_isspace (*code))
    code++;
  for (line = code; line != NULL; line = strchr (line, '\n'), line = line != NULL ? line + 1 : NULL)
    if (g_str_has_prefix (line, "def ") || g_str_has_prefix (line, "async def "))
      return g_strndup (line, indented_length (line));
  return g_strndup (code, braced_length (code));
}
