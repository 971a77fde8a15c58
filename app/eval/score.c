/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/eval/score.h"

#include <math.h>
#include <string.h>

#include "app/eval/score-text.h"

#define BLEU_ENOUGH 0.8

const char *
lw_eval_score_name (LwEvalScore score)
{
  static const char *const names[] = {
    [LW_EVAL_SCORE_SUBSTRING] = "substring",
    [LW_EVAL_SCORE_RECALL] = "recall",
    [LW_EVAL_SCORE_INTEGER] = "integer",
    [LW_EVAL_SCORE_LETTER] = "letter",
    [LW_EVAL_SCORE_WORD] = "word",
    [LW_EVAL_SCORE_FACTS] = "facts",
    [LW_EVAL_SCORE_ORDER] = "order",
    [LW_EVAL_SCORE_QA] = "qa",
    [LW_EVAL_SCORE_SHOT] = "shot",
    [LW_EVAL_SCORE_CHARACTERS] = "characters",
    [LW_EVAL_SCORE_SUMMARY] = "summary",
    [LW_EVAL_SCORE_CODE] = "code",
  };

  g_return_val_if_fail (score < G_N_ELEMENTS (names), NULL);
  return names[score];
}

/* Letters, digits, and bytes of other scripts; a hyphen joins ("twenty-third" is one word). */
static gboolean
is_word_byte (char c)
{
  return g_ascii_isalnum (c) || (guchar) c >= 0x80 || c == '-' || c == '_';
}

static GPtrArray *
words_of (const char *text, gsize n)
{
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; i < n;)
    {
      gsize start = i;

      while (i < n && is_word_byte (text[i]))
        i++;
      if (i > start)
        g_ptr_array_add (words, g_ascii_strdown (text + start, i - start));
      else
        i++;
    }
  return words;
}

static GPtrArray *
words_of_all (const char *text)
{
  return words_of (text, strlen (text));
}

static gboolean
same_word (const GPtrArray *a, guint i, const GPtrArray *b, guint j)
{
  return strcmp (a->pdata[i], b->pdata[j]) == 0;
}

/* From word `from` of `needle` on, one after another. */
static gboolean
stands_in (const GPtrArray *needle, guint from, const GPtrArray *words)
{
  guint n = needle->len - from;

  for (guint at = 0; n > 0 && at + n <= words->len; at++)
    {
      guint same = 0;

      while (same < n && same_word (needle, from + same, words, at + same))
        same++;
      if (same == n)
        return TRUE;
    }
  return FALSE;
}

static gboolean
in_order (const GPtrArray *needle, guint from, const GPtrArray *words)
{
  guint found = from;

  for (guint i = 0; i < words->len && found < needle->len; i++)
    found += same_word (needle, found, words, i);
  return found == needle->len && needle->len > from;
}

/* How many words at the start of an answer need not be said. */
static guint
article_of (const GPtrArray *answer)
{
  static const char *const articles[] = { "the", "a", "an", NULL };

  return answer->len > 1 && g_strv_contains (articles, answer->pdata[0]);
}

/* Whether `part` stands in the text with no word byte beside it, case-sensitive. */
static gboolean
stands_whole (const char *text, const char *part)
{
  gsize n = strlen (part);

  for (const char *p = text; n > 0 && (p = strstr (p, part)) != NULL; p++)
    if ((p == text || !is_word_byte (p[-1])) && !is_word_byte (p[n]))
      return TRUE;
  return FALSE;
}

static gboolean
names_foreign (const LwEvalTurn *turn, const char *reply)
{
  g_autoptr (GPtrArray) words = NULL;

  if (turn->foreign == NULL)
    return FALSE;
  words = words_of_all (reply);
  for (guint i = 0; turn->foreign[i] != NULL; i++)
    {
      g_autoptr (GPtrArray) foreign = words_of_all (turn->foreign[i]);
      g_autoptr (GPtrArray) answer = words_of_all (turn->answers[0]);

      if (stands_in (foreign, 0, words) && !stands_in (foreign, 0, answer))
        return TRUE;
    }
  return FALSE;
}

static double
score_substring (const LwEvalTurn *turn, const char *reply, gboolean strict)
{
  for (guint i = 0; turn->answers[i] != NULL; i++)
    if (strict ? stands_whole (reply, turn->answers[i]) : strstr (reply, turn->answers[i]) != NULL)
      return strict && names_foreign (turn, reply) ? 0 : 1;
  return 0;
}

static double
score_recall (const LwEvalTurn *turn, const char *reply, gboolean strict)
{
  g_autofree char *folded = g_ascii_strdown (reply, -1);
  guint found = 0, n = 0;
  double share;

  for (; turn->answers[n] != NULL; n++)
    {
      g_autofree char *answer = g_ascii_strdown (turn->answers[n], -1);

      found += strict ? stands_whole (reply, turn->answers[n]) : strstr (folded, answer) != NULL;
    }
  if (n == 0)
    return 0;
  share = (double) found / n;
  if (strict)
    return names_foreign (turn, reply) ? 0 : share;
  return floor (share * 100 + 0.5) / 100;
}

static double
score_integer (const LwEvalTurn *turn, const char *reply, gboolean strict)
{
  const char *digits = strpbrk (reply, "0123456789"), *end;
  gint64 number, answer = g_ascii_strtoll (turn->answers[0], NULL, 10);

  if (digits == NULL)
    return 0;
  end = digits + strspn (digits, "0123456789");
  if (strict && digits > reply && digits[-1] == '-' && (digits - 1 == reply || !is_word_byte (digits[-2])))
    digits--;
  /* More digits than any answer has would only be cut off. */
  if (end - digits > 19 || (strict && end[0] == '.' && g_ascii_isdigit (end[1])))
    return 0;
  number = g_ascii_strtoll (digits, NULL, 10);
  return number == answer;
}

static char
letter_of (const char *answer)
{
  return answer[0] == '(' ? answer[1] : answer[0];
}

static char
last_letter (const LwEvalTurn *turn)
{
  guint n = turn->options != NULL ? g_strv_length (turn->options) : 0;
  char last = n > 0 ? 'A' : 'D';

  /* Options may be lettered out of turn: "(B) ...", "(F) ...". */
  for (guint i = 0; i < n; i++)
    if (turn->options[i][0] == '(' && turn->options[i][2 * (turn->options[i][1] != 0)] == ')')
      last = MAX (last, turn->options[i][1]);
    else
      last = MAX (last, (char) ('A' + MIN (i, 25)));
  return last;
}

/* The first (X), or 0. */
static char
bracketed (const char *reply, char last)
{
  for (const char *p = reply; (p = strchr (p, '(')) != NULL; p++)
    if (p[1] >= 'A' && p[1] <= last && p[2] == ')')
      return p[1];
  return 0;
}

/* The first letter that is a word; an A before a word is an article. */
static char
lone (const char *reply, char last)
{
  for (const char *p = reply; *p != 0; p++)
    if (*p >= 'A' && *p <= last && (p == reply || !is_word_byte (p[-1])) && !is_word_byte (p[1])
        && !(*p == 'A' && p[1] == ' ' && g_ascii_isalpha (p[2])))
      return *p;
  return 0;
}

static char
after_prefix (const char *reply)
{
  static const char *const prefixes[] = { "answer is:", "answer:", "answer is", "option is" };

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    {
      const char *p = strstr (reply, prefixes[i]);

      if (p == NULL)
        continue;
      p += strlen (prefixes[i]);
      return *p != 0 ? p[1] : ' ';
    }
  return 0;
}

static double
score_letter (const LwEvalTurn *turn, const char *reply, gboolean strict)
{
  char gold = letter_of (turn->answers[0]), last = last_letter (turn), said;

  if (strict)
    {
      said = bracketed (reply, last);
      return (said != 0 ? said : lone (reply, last)) == gold;
    }
  reply += strspn (reply, " \t\r\n(");
  if (*reply >= 'A' && *reply <= last)
    return *reply == gold;
  said = after_prefix (reply);
  return (said != 0 ? said : lone (reply, last)) == gold;
}

static double
score_word (const LwEvalTurn *turn, const char *reply, gboolean strict)
{
  const char *line = reply + strspn (reply, " \t\r\n");
  g_autoptr (GPtrArray) words = strict ? words_of (line, strcspn (line, "\n")) : words_of_all (reply);

  for (guint i = 0; turn->answers[i] != NULL; i++)
    {
      g_autoptr (GPtrArray) answer = words_of_all (turn->answers[i]);
      guint from = article_of (answer);

      if (strict ? stands_in (answer, from, words) : in_order (answer, from, words))
        return strict && names_foreign (turn, reply) ? 0 : 1;
    }
  return 0;
}

/* A fact's first word is what it is about, the first word of digits its number. */
static gboolean
states (const GPtrArray *sentence, const char *fact)
{
  g_autoptr (GPtrArray) words = words_of_all (fact);
  gboolean about = FALSE, number = FALSE;
  guint digits = 0;

  while (digits < words->len && !g_ascii_isdigit (*(const char *) words->pdata[digits]))
    digits++;
  if (digits == words->len)
    return FALSE;
  for (guint i = 0; i < sentence->len; i++)
    {
      about |= same_word (words, 0, sentence, i);
      number |= same_word (words, digits, sentence, i);
    }
  return about && number;
}

static gboolean
has_number (const GPtrArray *sentence)
{
  for (guint i = 0; i < sentence->len; i++)
    {
      const char *word = sentence->pdata[i];

      if (strlen (word) >= 3 && strspn (word, "0123456789") == strlen (word))
        return TRUE;
    }
  return FALSE;
}

static double
score_facts (const LwEvalTurn *turn, const char *reply)
{
  guint n = g_strv_length (turn->answers), hits = 0, foreign = 0;
  g_autofree gboolean *said = g_new0 (gboolean, n);
  g_auto (GStrv) sentences = g_strsplit_set (reply, ".!?\n", -1);

  for (guint s = 0; sentences[s] != NULL; s++)
    {
      g_autoptr (GPtrArray) sentence = words_of_all (sentences[s]);
      gboolean hit = FALSE;

      for (guint f = 0; f < n; f++)
        if (states (sentence, turn->answers[f]))
          said[f] = hit = TRUE;
      foreign += !hit && has_number (sentence);
    }
  for (guint f = 0; f < n; f++)
    hits += said[f];
  return MAX (0, (hits - foreign / 2.0) / n);
}

static double
score_order (const LwEvalTurn *turn, const char *reply, gboolean strict)
{
  g_autoptr (GPtrArray) words = words_of_all (reply), answer = words_of_all (turn->answers[0]);
  g_autofree int *place = g_new (int, answer->len + 1);
  int agree = 0, pairs = 0;

  /* Where each word comes first. */
  for (guint a = 0; a < answer->len; a++)
    {
      place[a] = -1;
      for (guint i = 0; i < words->len && place[a] < 0; i++)
        if (same_word (answer, a, words, i))
          place[a] = i;
    }
  for (guint a = 0; a < answer->len; a++)
    for (guint b = a + 1; b < answer->len; b++, pairs++)
      agree += place[a] >= 0 && place[b] >= 0 && place[a] < place[b] ? 1 : -1;
  if (pairs == 0)
    return answer->len == 1 && place[0] >= 0;
  return strict ? agree == pairs : MAX (0, (double) agree / pairs);
}

static char *
upper (const char *text)
{
  return g_utf8_validate (text, -1, NULL) ? g_utf8_strup (text, -1) : g_ascii_strup (text, -1);
}

static double
score_qa (const LwEvalTurn *turn, const char *reply)
{
  g_autofree char *said = upper (reply);

  for (guint i = 0; turn->answers[i] != NULL; i++)
    {
      g_autofree char *answer = upper (turn->answers[i]);

      if (*answer != 0 && strstr (said, answer) != NULL)
        return 1;
    }
  return 0;
}

static double
score_shot (const LwEvalTurn *turn, const char *reply, gboolean strict)
{
  g_autofree char *said = NULL, *answer = NULL;
  char gold;

  if (strict)
    {
      gold = bracketed (turn->answers[0], 'Z');
      return gold != 0 ? bracketed (reply, 'Z') == gold : score_qa (turn, reply);
    }
  said = upper (reply);
  answer = upper (turn->answers[0]);
  return *said != 0 && strpbrk (said, answer) != NULL;
}

static double
score_characters (const LwEvalTurn *turn, const char *reply, gboolean strict)
{
  double best = 0;

  if (strict)
    {
      for (guint i = 0; turn->answers[i] != NULL; i++)
        best = MAX (best, lw_eval_character_f1 (turn->answers[i], reply));
      return best;
    }
  if (!g_utf8_validate (turn->answers[0], -1, NULL))
    return 0;
  for (const char *p = turn->answers[0]; *p != 0; p = g_utf8_next_char (p))
    {
      g_autofree char *one = g_strndup (p, g_utf8_next_char (p) - p);

      best = MAX (best, lw_eval_character_f1 (one, reply));
    }
  return best;
}

static double
score_code (const LwEvalTurn *turn, const char *reply)
{
  g_autofree char *function = lw_eval_first_function (reply);
  double right = lw_eval_bleu (turn->answers[0], function);

  if (right < BLEU_ENOUGH)
    return 0;
  for (guint i = 0; turn->foreign != NULL && turn->foreign[i] != NULL; i++)
    if (lw_eval_bleu (turn->foreign[i], function) > right)
      return 0;
  return 1;
}

double
lw_eval_score (const LwEvalTurn *turn, const char *reply, gboolean strict)
{
  double best = 0;

  g_return_val_if_fail (turn->answers != NULL && turn->answers[0] != NULL, 0);
  if (reply == NULL)
    reply = "";
  switch (turn->score)
    {
    case LW_EVAL_SCORE_SUBSTRING:
      return score_substring (turn, reply, strict);
    case LW_EVAL_SCORE_RECALL:
      return score_recall (turn, reply, strict);
    case LW_EVAL_SCORE_INTEGER:
      return score_integer (turn, reply, strict);
    case LW_EVAL_SCORE_LETTER:
      return score_letter (turn, reply, strict);
    case LW_EVAL_SCORE_WORD:
      return score_word (turn, reply, strict);
    case LW_EVAL_SCORE_FACTS:
      return score_facts (turn, reply);
    case LW_EVAL_SCORE_ORDER:
      return score_order (turn, reply, strict);
    case LW_EVAL_SCORE_QA:
      return score_qa (turn, reply);
    case LW_EVAL_SCORE_SHOT:
      return score_shot (turn, reply, strict);
    case LW_EVAL_SCORE_CHARACTERS:
      return score_characters (turn, reply, strict);
    case LW_EVAL_SCORE_SUMMARY:
      for (guint i = 0; turn->answers[i] != NULL; i++)
        best = MAX (best, lw_eval_rouge_lsum (turn->answers[i], reply));
      return best;
    case LW_EVAL_SCORE_CODE:
      return score_code (turn, reply);
    default:
      g_return_val_if_reached (0);
    }
}
