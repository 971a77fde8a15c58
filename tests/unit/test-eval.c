/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The generators of the evaluation: golds are where they are said to be and nowhere else, distractors are as
 * many and as near as said, both sides share no invented word, the same seed gives the same bytes.
 */
#include <json-glib/json-glib.h>
#include <string.h>

#include "app/eval/export.h"
#include "app/eval/places.h"
#include "app/eval/task.h"
#include "app/eval/tasks/dates.h"
#include "app/eval/words.h"

static LwEvalSample *make(const char *task, guint64 seed, LwEvalSide side, int units, int turns,
                          gboolean hard, const char *variant)
{
    LwEvalOptions options = {turns, hard, variant};
    GError *error = NULL;
    LwEvalSample *sample = lw_eval_task_find(task)->make(seed, side, units, &options, &error);

    g_assert_no_error(error);
    g_assert_nonnull(sample);
    return sample;
}

static const char *context_of(const LwEvalSample *sample)
{
    return ((LwEvalPart *)sample->parts->pdata[0])->text;
}

static LwEvalTurn *turn_of(const LwEvalSample *sample, guint i)
{
    return sample->turns->pdata[i];
}

static guint occurrences(const char *text, const char *part)
{
    guint n = 0;

    for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
        n++;
    return n;
}

/* Each gold is at its byte and nowhere else; depths are in range and, with several turns, spread over it. */
static void check_golds(const LwEvalSample *sample)
{
    for (guint j = 0; j < sample->turns->len; j++) {
        const LwEvalTurn *turn = turn_of(sample, j);
        const char *text;

        if (turn->at < 0) {
            g_assert_cmpint(turn->part, ==, -1);
            g_assert_cmpfloat(turn->depth, <, 0);
            g_assert_null(turn->gold);
            continue;
        }
        g_assert_cmpfloat(turn->depth, >=, 0);
        g_assert_cmpfloat(turn->depth, <=, 1);
        text = ((LwEvalPart *)sample->parts->pdata[turn->part])->text;
        g_assert_cmpint(turn->at, <, strlen(text));
        g_assert_true(g_str_has_prefix(text + turn->at, turn->gold));
        g_assert_cmpuint(occurrences(text, turn->gold), ==, 1);
    }
}

static void check_turns(const LwEvalSample *sample, int turns)
{
    g_assert_cmpint(sample->turns->len, ==, turns);
    for (int j = 0; j < turns; j++) {
        const LwEvalTurn *turn = turn_of(sample, j);

        g_assert_nonnull(turn->kind);
        g_assert_cmpuint(strlen(turn->question), >, 10);
        g_assert_nonnull(turn->answers[0]);
        g_assert_cmpuint(strlen(turn->reply), >, 0);
        g_assert_cmpint(turn->cap, >, 0);
        /* A question asked before would be answered by the conversation. */
        for (int i = 0; i < j; i++)
            g_assert_cmpstr(turn->question, !=, turn_of(sample, i)->question);
    }
}

static void test_every_task(gconstpointer data)
{
    const LwEvalTask *task = data;
    static const int sizes[] = {1, 2, 3, 4, 7, 12, 50, 300, 2000};
    static const int turns[] = {1, 2, 5, 8, 64};

    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++)
        for (guint t = 0; t < G_N_ELEMENTS(turns); t++)
            for (guint64 seed = 0; seed < (sizes[s] > 100 ? 2 : 12); seed++) {
                LwEvalSide side = seed % 2 ? LW_EVAL_SIDE_TRAIN : LW_EVAL_SIDE_MEASURE;
                LwEvalSample *sample = make(task->name, seed, side, sizes[s], turns[t], seed % 3 == 2, NULL);

                g_assert_cmpstr(sample->task, ==, task->name);
                g_assert_cmpint(sample->units, >=, sizes[s]);
                if (sizes[s] == 2000)
                    g_assert_cmpint(sample->units, <=, 2001);
                g_assert_true(g_utf8_validate(context_of(sample), -1, NULL));
                check_turns(sample, turns[t]);
                check_golds(sample);
                lw_eval_sample_free(sample);
            }
}

static int compare_doubles(gconstpointer a, gconstpointer b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void test_depths(void)
{
    static const char *const spread[] = {"kv", "prefix_suffix", "mdqa", "twofact", "digest", "chronicle"};

    for (guint t = 0; t < G_N_ELEMENTS(spread); t++) {
        LwEvalSample *sample = make(spread[t], 3, LW_EVAL_SIDE_MEASURE, 1000, 10, FALSE, NULL);
        double depths[10];
        gboolean in_order = TRUE;

        for (guint j = 0; j < 10; j++) {
            depths[j] = turn_of(sample, j)->depth;
            in_order = in_order && (j == 0 || depths[j] > depths[j - 1]);
        }
        g_assert_false(in_order);
        qsort(depths, 10, sizeof *depths, compare_doubles);
        for (guint j = 0; j < 10; j++) {
            g_assert_cmpfloat(depths[j], >=, j / 10.0 - 0.04);
            g_assert_cmpfloat(depths[j], <=, (j + 1) / 10.0 + 0.04);
        }
        lw_eval_sample_free(sample);
    }
}

static void test_fixed_depth(void)
{
    static const char *const fixed[] = {"kv", "prefix_suffix", "mdqa"};

    for (guint t = 0; t < G_N_ELEMENTS(fixed); t++)
        for (int percent = 0; percent <= 100; percent += 25) {
            g_autofree char *variant = g_strdup_printf("at=%d", percent);
            LwEvalSample *sample = make(fixed[t], 5, LW_EVAL_SIDE_MEASURE, 201, 1, FALSE, variant);

            g_assert_cmpfloat_with_epsilon(turn_of(sample, 0)->depth, percent / 100.0, 1e-9);
            lw_eval_sample_free(sample);
        }
}

static guint distance(const char *a, const char *b)
{
    guint n = 0;

    g_assert_cmpuint(strlen(a), ==, strlen(b));
    for (; *a; a++, b++)
        n += *a != *b;
    return n;
}

/* The keys of kv are at every second quoted string. */
static GPtrArray *keys_of(const char *context)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) quoted = g_strsplit(strchr(context, '{'), "\"", -1);

    for (guint i = 1; quoted[i] != NULL && quoted[i + 1] != NULL; i += 4)
        g_ptr_array_add(keys, g_strdup(quoted[i]));
    return keys;
}

static void test_kv(void)
{
    for (guint64 seed = 0; seed < 20; seed++)
        for (int hard = 0; hard < 2; hard++) {
            int turns = 1 + seed % 6, units = 2 + seed * 3;
            LwEvalSample *sample = make("kv", seed, seed % 2, units, turns, hard, NULL);
            g_autoptr(GPtrArray) keys = keys_of(context_of(sample));
            JsonParser *parser = json_parser_new();
            const char *json = strchr(context_of(sample), '{');
            JsonObject *object;

            g_assert_true(json_parser_load_from_data(parser, json, -1, NULL));
            object = json_node_get_object(json_parser_get_root(parser));
            g_assert_null(strchr(json, '\n'));
            g_assert_cmpuint(keys->len, ==, sample->units);
            g_assert_cmpuint(json_object_get_size(object), ==, sample->units);
            for (int j = 0; j < turns; j++) {
                const LwEvalTurn *turn = turn_of(sample, j);
                g_autofree char *key = g_strndup(strchr(turn->question, '"') + 1, 36);
                guint near = 0;

                g_assert_cmpstr(json_object_get_string_member(object, key), ==, turn->answers[0]);
                for (guint i = 0; i < keys->len; i++)
                    near += distance(keys->pdata[i], key) == 1;
                g_assert_cmpuint(near, ==, hard ? MIN(3, sample->units / turns - 1) : 0);
            }
            g_object_unref(parser);
            lw_eval_sample_free(sample);
        }
}

static void test_prefix_suffix(void)
{
    for (guint64 seed = 0; seed < 30; seed++) {
        int turns = 1 + seed % 8, units = 1 + seed * 11;
        LwEvalSample *sample = make("prefix_suffix", seed, seed % 2, units, turns, seed % 3 == 0, NULL);
        g_auto(GStrv) lines = g_strsplit(strstr(context_of(sample), "\n\n") + 2, "\n", -1);
        guint n = g_strv_length(lines), expected = MIN(6, (n / turns - 1) / 2);

        g_assert_cmpuint(n, ==, sample->units);
        for (guint i = 0; i < n; i++) {
            g_assert_cmpuint(strlen(lines[i]), >=, 20);
            g_assert_cmpuint(strlen(lines[i]), <=, 26);
            g_assert_cmpuint(strspn(lines[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), ==, strlen(lines[i]));
        }
        for (int j = 0; j < turns; j++) {
            const char *gold = turn_of(sample, j)->answers[0];
            g_autofree char *start = g_strndup(gold, 4);
            const char *end = gold + strlen(gold) - 4;
            guint both = 0, starts = 0, ends = 0;
            g_autofree char *asked = g_strdup_printf("\"%s\" and ends with \"%s\"", start, end);

            g_assert_nonnull(strstr(turn_of(sample, j)->question, asked));
            for (guint i = 0; i < n; i++) {
                gboolean s = g_str_has_prefix(lines[i], start), e = g_str_has_suffix(lines[i], end);

                both += s && e;
                starts += s && !e;
                ends += e && !s;
            }
            g_assert_cmpuint(both, ==, 1);
            g_assert_cmpuint(starts, ==, expected);
            g_assert_cmpuint(ends, ==, expected);
        }
        lw_eval_sample_free(sample);
    }
}

/* Follows the assignments as an interpreter does, line by line: a name must be set before it is used. */
static void test_vt(void)
{
    for (guint64 seed = 0; seed < 30; seed++) {
        gboolean hard = seed % 2;
        int turns = 1 + seed % 7, units = 4 + seed * 7;
        const char *variant = seed % 5 == 0 ? "repeat" : NULL;
        LwEvalSample *sample = make("vt", seed, seed % 4 < 2, units, turns, hard, variant);
        g_auto(GStrv) lines = g_strsplit(strstr(context_of(sample), "\n\n") + 2, "\n", -1);
        g_autoptr(GHashTable) values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autoptr(GHashTable) noise = g_hash_table_new(g_str_hash, g_str_equal);

        g_assert_cmpint(g_strv_length(lines), ==, sample->units);
        for (guint i = 0; lines[i] != NULL; i++) {
            g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);
            const char *value;

            if (strcmp(words[0], "VAR") != 0) {
                g_assert_cmpuint(g_strv_length(words), >=, 8);
                g_assert_cmpuint(g_strv_length(words), <=, 14);
                g_hash_table_add(noise, lines[i]);
                continue;
            }
            value = words[4] != NULL ? g_hash_table_lookup(values, words[4]) : words[3];
            g_assert_nonnull(value);
            g_assert_true(g_hash_table_insert(values, g_strdup(words[1]), g_strdup(value)));
        }
        if (seed % 5 == 0)
            g_assert_cmpuint(g_hash_table_size(noise), <=, 1);
        g_assert_cmpuint(g_hash_table_size(values), ==, MAX(turns, 2) * (hard ? 5 : 3));
        for (int j = 0; j < turns; j++) {
            const LwEvalTurn *turn = turn_of(sample, j);
            g_autofree char *root = g_strndup(strpbrk(turn->question, "123456789"), 5);
            GHashTableIter iter;
            gpointer name, value;

            g_assert_cmpuint(g_strv_length(turn->answers), ==, hard ? 5 : 3);
            g_hash_table_iter_init(&iter, values);
            while (g_hash_table_iter_next(&iter, &name, &value)) {
                gboolean same = strcmp(value, root) == 0;

                g_assert_true(g_strv_contains((const char *const *)turn->answers, name) == same);
                g_assert_true(g_strv_contains((const char *const *)turn->foreign, name) == !same);
            }
        }
        lw_eval_sample_free(sample);
    }
}

/* The document with the asked name says the answer; as many others as said have a name one letter away, two
 * when that is all. */
static void test_mdqa(void)
{
    for (guint64 seed = 0; seed < 40; seed++) {
        int turns = 1 + seed % 5, units = 1 + seed % 11 * 4;
        gboolean hard = seed % 2;
        LwEvalSample *sample = make("mdqa", seed, seed % 4 < 2, units, turns, hard, NULL);
        g_auto(GStrv) documents = g_strsplit(context_of(sample), "\n\n", -1);
        guint n = g_strv_length(documents) - 1;

        g_assert_cmpuint(n, ==, sample->units);
        for (int j = 0; j < turns; j++) {
            const LwEvalTurn *turn = turn_of(sample, j);
            guint named = 0, near = 0;

            g_assert_nonnull(strstr(turn->gold, turn->answers[0]));
            for (guint i = 1; i <= n; i++) {
                const char *colon = strstr(documents[i], ": ");
                g_autofree char *name = g_strndup(colon + 2, strchr(colon, '\n') - colon - 2);
                g_autofree char *whole = g_strdup_printf("\\b%s\\b", name);

                if (g_regex_match_simple(whole, turn->question, 0, 0)) {
                    named++;
                    g_assert_nonnull(strstr(documents[i], turn->gold));
                    g_assert_cmpfloat_with_epsilon(turn->depth, n > 1 ? (i - 1) / (n - 1.0) : 0, 1e-9);
                    for (guint k = 1; k <= n; k++) {
                        const char *at = strstr(documents[k], ": ") + 2;
                        gsize length = strchr(at, '\n') - at;
                        g_autofree char *other = g_strndup(at, length);

                        near += length == strlen(name) && distance(other, name) - 1 < 2;
                    }
                }
            }
            g_assert_cmpuint(named, ==, 1);
            g_assert_cmpuint(near, >=, MIN(hard ? 6 : 3, n / turns - 1));
        }
        lw_eval_sample_free(sample);
    }
}

/* The gold says the answer but not what the question names, so the other fact is needed, and it is there. */
static void test_twofact(void)
{
    for (guint64 seed = 0; seed < 40; seed++) {
        int units = 10 + seed * 4, turns = 1 + seed % 9;
        LwEvalSample *sample = make("twofact", seed, seed % 2, units, turns, seed % 3 == 0, NULL);
        const char *body = strstr(context_of(sample), "\n\n") + 2;
        g_auto(GStrv) sentences = g_regex_split_simple("(?<=\\.)[ \\n]", body, 0, 0);

        g_assert_cmpint(g_strv_length(sentences), ==, sample->units);
        for (guint j = 0; j < sample->turns->len; j++) {
            const LwEvalTurn *turn = turn_of(sample, j);
            g_auto(GStrv) asked = g_strsplit_set(turn->question, " ?.", -1);
            g_auto(GStrv) told = g_strsplit_set(turn->gold, " .", -1);
            const char *answer = turn->answers[0] + (g_str_has_prefix(turn->answers[0], "the ") ? 4 : 0);
            guint bridges = 0;

            g_assert_nonnull(strstr(turn->gold, answer));
            for (guint i = 0; sentences[i] != NULL; i++) {
                gboolean names_question = FALSE, names_gold = FALSE;

                if (strcmp(sentences[i], turn->gold) == 0)
                    continue;
                /* Invented words are those of four letters and more on the sample's side that are rare. */
                for (guint a = 0; asked[a] != NULL; a++)
                    names_question |= strlen(asked[a]) >= 5 && occurrences(body, asked[a]) <= 12
                                      && strstr(sentences[i], asked[a]) != NULL
                                      && lw_eval_word_on_side(asked[a], sample->side);
                for (guint b = 0; told[b] != NULL; b++)
                    names_gold |= strlen(told[b]) >= 5 && strstr(turn->answers[0], told[b]) == NULL
                                  && strstr(sentences[i], told[b]) != NULL
                                  && lw_eval_word_on_side(told[b], sample->side);
                bridges += names_question && names_gold;
            }
            g_assert_cmpuint(bridges, >=, 1);
        }
        lw_eval_sample_free(sample);
    }
}

/* The practice variants: one step of a task, whose answer the text gives once. */
static void test_steps(void)
{
    for (guint64 seed = 0; seed < 30; seed++) {
        LwEvalSample *words = make("prefix_suffix", seed, seed % 2, 12 + seed, 1 + seed % 5, FALSE, "step");
        LwEvalSample *near = make("prefix_suffix", seed, seed % 2, 12 + seed, 1, FALSE, "short");
        LwEvalSample *chains = make("vt", seed, seed % 2, 12 + seed, 1 + seed % 5, FALSE, "step");
        LwEvalSample *facts = make("twofact", seed, seed % 2, 12 + seed, 1 + seed % 5, FALSE, "step");
        g_auto(GStrv) list = g_strsplit(strstr(context_of(words), "\n\n") + 2, "\n", -1);
        g_auto(GStrv) shorter = g_strsplit(strstr(context_of(near), "\n\n") + 2, "\n", -1);
        g_auto(GStrv) sentences = g_regex_split_simple("(?<=\\.)[ \\n]", strstr(context_of(facts), "\n\n") + 2, 0, 0);

        for (guint i = 0; shorter[i] != NULL; i++) {
            g_assert_cmpuint(strlen(shorter[i]), >=, 8);
            g_assert_cmpuint(strlen(shorter[i]), <=, 26);
        }
        for (guint j = 0; j < words->turns->len; j++) {
            const LwEvalTurn *turn = turn_of(words, j);
            g_auto(GStrv) asked = g_strsplit(turn->question, "\"", -1);
            gboolean by_start = strstr(asked[0], "starts") != NULL;
            guint found = 0;

            for (guint i = 0; list[i] != NULL; i++)
                if (by_start ? g_str_has_prefix(list[i], asked[1]) : g_str_has_suffix(list[i], asked[1])) {
                    g_assert_cmpstr(list[i], ==, turn->answers[0]);
                    found++;
                }
            g_assert_cmpuint(found, ==, 1);
        }
        for (guint j = 0; j < chains->turns->len; j++) {
            const LwEvalTurn *turn = turn_of(chains, j);
            g_auto(GStrv) asked = g_strsplit_set(turn->question, " ?", -1);
            const char *gold = turn->answers[0];
            g_autofree char *line =
                strstr(turn->question, "is set to VAR") != NULL ? g_strdup_printf("VAR %s = VAR %s\n", gold, asked[6])
                : asked[2][0] == 'V' ? g_strdup_printf("VAR %s = VAR %s\n", asked[3], gold)
                                     : g_strdup_printf("VAR %s = %s\n", gold, asked[3]);
            g_autofree char *text = g_strconcat(context_of(chains), "\n", NULL);

            g_assert_cmpuint(occurrences(text, line), ==, 1);
        }
        for (guint j = 0; j < facts->turns->len; j++) {
            const LwEvalTurn *turn = turn_of(facts, j);
            g_auto(GStrv) asked = g_strsplit_set(turn->question, " ?", -1);
            guint found = 0;

            g_assert_nonnull(strstr(turn->reply, turn->answers[0]));
            for (guint i = 0; sentences[i] != NULL; i++) {
                gboolean names = FALSE;

                for (guint a = 0; asked[a] != NULL; a++)
                    names |= strlen(asked[a]) >= 5 && lw_eval_word_on_side(asked[a], facts->side)
                             && strstr(sentences[i], asked[a]) != NULL;
                found += names && strstr(sentences[i], turn->answers[0]) != NULL;
            }
            g_assert_cmpuint(found, ==, 1);
        }
        lw_eval_sample_free(words);
        lw_eval_sample_free(near);
        lw_eval_sample_free(chains);
        lw_eval_sample_free(facts);
    }
}

static int compare_ints(gconstpointer a, gconstpointer b)
{
    return *(const int *)a - *(const int *)b;
}

/* The answer to a question about a sorted list; *once when its number may occur only once. */
static int statistic(const char *question, const int *sorted, guint n, gboolean *once)
{
    static const char *const ranks[] = {"the", "second", "third", "fourth", "fifth", "sixth",
                                        "seventh", "eighth", "ninth", "tenth"};
    g_auto(GStrv) words = g_strsplit(question, " ", -1);
    guint rank = 0, end = 0;

    *once = strcmp(words[3], "median") != 0;
    if (!*once)
        return sorted[n / 2];
    while (strcmp(words[end], "largest") != 0 && strcmp(words[end], "smallest") != 0)
        end++;
    for (guint i = 0; i < G_N_ELEMENTS(ranks); i++)
        if (strcmp(words[end - 1], ranks[i]) == 0)
            rank = i;
    if (rank == 0 && strcmp(words[end - 1], "the") != 0)
        rank = (guint)g_ascii_strtoull(words[end - 1], NULL, 10) - 1;
    return strcmp(words[end], "largest") == 0 ? sorted[n - 1 - rank] : sorted[rank];
}

static void test_mf(void)
{
    for (guint64 seed = 0; seed < 40; seed++) {
        int turns = seed % 8 == 7 ? 64 : 1 + seed % 8;
        LwEvalSample *sample = make("mf", seed, seed % 2, 3 + seed * 20, turns, FALSE, NULL);
        g_auto(GStrv) items = g_strsplit(strchr(context_of(sample), '[') + 1, ", ", -1);
        guint n = g_strv_length(items);
        g_autofree int *sorted = g_new(int, n);

        g_assert_cmpuint(n, ==, sample->units);
        g_assert_cmpuint(n % 2, ==, 1);
        for (guint i = 0; i < n; i++)
            sorted[i] = (int)g_ascii_strtoll(items[i], NULL, 10);
        qsort(sorted, n, sizeof *sorted, compare_ints);
        g_assert_cmpint(sorted[0], >=, 100);
        g_assert_cmpint(sorted[0], <=, 300);
        g_assert_cmpint(sorted[n - 1], >=, 700);
        g_assert_cmpint(sorted[n - 1], <=, 999);
        for (guint j = 0; j < sample->turns->len; j++) {
            const LwEvalTurn *turn = turn_of(sample, j);
            gboolean once;
            int answer = statistic(turn->question, sorted, n, &once);
            guint copies = 0;

            g_assert_cmpint(g_ascii_strtoll(turn->answers[0], NULL, 10), ==, answer);
            for (guint i = 0; i < n; i++)
                copies += sorted[i] == answer;
            if (once)
                g_assert_cmpuint(copies, ==, 1);
            g_assert_true((turn->at >= 0) == once);
        }
        lw_eval_sample_free(sample);
    }
}

typedef struct {
    char *values[4];
    char label;
} Shot;

static void parse_item(const char *text, Shot *shot)
{
    for (guint a = 0; a < 4; a++) {
        char mark[] = {' ', 'a' + a, '=', 0};
        const char *value = strstr(text, mark) + 3;

        shot->values[a] = g_strndup(value, strcspn(value, "; "));
    }
}

static void clear_item(Shot *shot)
{
    for (guint a = 0; a < 4; a++)
        g_free(shot->values[a]);
}

/* How many shots share attributes p and q with the item; -1 when some of two such shots differ in the label.
 * */
static int support(const Shot *shots, guint n, const Shot *item, guint p, guint q, char *label)
{
    int found = 0;

    for (guint i = 0; i < n; i++) {
        for (guint k = 0; k < i; k++)
            if (strcmp(shots[i].values[p], shots[k].values[p]) == 0
                && strcmp(shots[i].values[q], shots[k].values[q]) == 0 && shots[i].label != shots[k].label)
                return -1;
        if (strcmp(shots[i].values[p], item->values[p]) == 0
            && strcmp(shots[i].values[q], item->values[q]) == 0) {
            *label = shots[i].label;
            found++;
        }
    }
    return found;
}

/* The label follows from two attributes in all examples, three of which show the asked pair. */
static void test_icl(void)
{
    for (guint64 seed = 0; seed < 20; seed++) {
        LwEvalSample *sample = make("icl", seed, seed % 2, 80 + seed, 1 + seed % 20, seed % 3 == 0, NULL);
        g_auto(GStrv) lines = g_strsplit(strstr(context_of(sample), "\n\n") + 2, "\n", -1);
        guint n = g_strv_length(lines);
        g_autofree Shot *shots = g_new(Shot, n);

        g_assert_cmpuint(n, ==, sample->units);
        for (guint i = 0; i < n; i++) {
            parse_item(lines[i], &shots[i]);
            shots[i].label = strchr(lines[i], '(')[1];
        }
        for (guint j = 0; j < sample->turns->len; j++) {
            const LwEvalTurn *turn = turn_of(sample, j);
            gboolean explained = FALSE;
            Shot item;

            parse_item(turn->question, &item);
            for (guint i = 0; i < n; i++) {
                gboolean same = TRUE;

                for (guint a = 0; a < 4; a++)
                    same = same && strcmp(shots[i].values[a], item.values[a]) == 0;
                g_assert_false(same);
            }
            for (guint p = 0; p < 4; p++)
                for (guint q = p + 1; q < 4; q++) {
                    char label = 0;

                    if (support(shots, n, &item, p, q, &label) >= 3)
                        explained |= label == turn->answers[0][1];
                }
            g_assert_true(explained);
            g_assert_cmpuint(g_strv_length(turn->options), ==, 4);
            g_assert_nonnull(strstr(turn->question, turn->answers[0]));
            clear_item(&item);
        }
        for (guint i = 0; i < n; i++)
            clear_item(&shots[i]);
        lw_eval_sample_free(sample);
    }
}

/* The asked document has all answers, and no other sentence with a number but needles. */
static void check_digest(const LwEvalSample *sample, const LwEvalTurn *turn, guint facts)
{
    const char *body = context_of(sample) + turn->at + strlen(turn->gold), *end = strstr(body, "\n\n");
    g_autofree char *document = g_strndup(body, end != NULL ? end - body : (gssize)strlen(body));
    g_auto(GStrv) numbers = g_regex_split_simple("\\b\\d{4,6}\\b", document, 0, 0);

    g_assert_cmpuint(g_strv_length(turn->answers), ==, facts);
    g_assert_cmpuint(g_strv_length(numbers) - 1, ==, facts);
    for (guint f = 0; f < facts; f++) {
        g_assert_cmpuint(occurrences(document, turn->answers[f]), ==, 1);
        g_assert_cmpuint(occurrences(context_of(sample), turn->answers[f]), ==, 1);
    }
}

static void test_digest(void)
{
    for (guint64 seed = 0; seed < 20; seed++) {
        int turns = 1 + seed % 4;
        LwEvalSample *digest = make("digest", seed, seed % 2, 120 + 20 * seed, turns, FALSE, NULL);
        LwEvalSample *mix = make("mix_a", seed, seed % 2, 120 + 20 * seed, 2 * turns, FALSE, NULL);

        for (int j = 0; j < turns; j++) {
            const LwEvalTurn *needle = turn_of(mix, 2 * j + 1);

            check_digest(digest, turn_of(digest, j), 12);
            check_digest(mix, turn_of(mix, 2 * j), 12);
            g_assert_cmpstr(turn_of(mix, 2 * j)->kind, ==, "digest");
            g_assert_cmpstr(needle->kind, ==, "needle");
            g_assert_cmpuint(strlen(needle->answers[0]), ==, 7);
            g_assert_cmpuint(occurrences(context_of(mix), needle->answers[0]), ==, 1);
        }
        g_assert_cmpuint(occurrences(context_of(mix), "The secret number of "), ==, MAX(5, turns));
        lw_eval_sample_free(digest);
        lw_eval_sample_free(mix);
    }
}

/* The name under which events are told: names are joined to others by sentences without a day. */
static char *last_alias(const char *context, const char *name)
{
    g_autofree char *pattern = g_strdup_printf("\\b%s (?:is also called|as|goes by the name of) (\\w+)",
                                               name);
    g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autofree char *alias = NULL;

    if (!g_regex_match(regex, context, 0, &match))
        return g_strdup(name);
    alias = g_match_info_fetch(match, 1);
    return last_alias(context, alias);
}

static void test_chronicle(void)
{
    for (guint64 seed = 0; seed < 60; seed++) {
        gboolean hard = seed % 3 == 0, choice = seed % 4 == 0;
        LwEvalSample *sample = make("chronicle", seed, seed % 2, 20 + seed * 3, 1 + seed % 9, hard,
                                    choice ? "choice" : NULL);

        for (guint j = 0; j < sample->turns->len; j++) {
            const LwEvalTurn *turn = turn_of(sample, j);
            const char *answer = turn->answers[0];
            g_auto(GStrv) words = g_strsplit(strstr(turn->question, "did "), " ", 4);
            g_autofree char *alias = last_alias(context_of(sample), words[1]);
            g_autofree char *told = g_strdup_printf(", %s ", alias);
            const char *about = g_strrstr_len(turn->question, strcspn(turn->question, "?"), " the ") + 5;
            g_autofree char *object = g_strndup(about, strcspn(about, "?"));

            /* Under the other name only, and the question names the thing or the place of the gold. */
            g_assert_nonnull(strstr(turn->gold, told));
            g_assert_null(strstr(turn->gold, words[1]));
            g_assert_nonnull(strstr(turn->gold, object));
            if (choice) {
                guint right = 0;

                g_assert_cmpuint(g_strv_length(turn->options), ==, 4);
                for (guint c = 0; c < 4; c++) {
                    gboolean said = strstr(turn->gold, turn->options[c] + 4) != NULL;

                    right += said;
                    g_assert_true(said == (turn->options[c][1] == answer[1]));
                    g_assert_nonnull(strstr(turn->question, turn->options[c]));
                }
                g_assert_cmpuint(right, ==, 1);
            } else {
                g_assert_nonnull(strstr(turn->gold, answer));
            }
        }
        lw_eval_sample_free(sample);
    }
}

static int day_of(const char *context, const char *name)
{
    g_autofree char *named = g_strdup_printf(" of %s ", name);
    const char *sentence = strstr(context, named);

    g_assert_nonnull(sentence);
    for (guint day = 0; day < LW_EVAL_MONTHS * LW_EVAL_MONTH_DAYS; day++) {
        g_autofree char *date = lw_eval_date(day / LW_EVAL_MONTH_DAYS, day % LW_EVAL_MONTH_DAYS);
        g_autofree char *dated = g_strdup_printf("on %s.", date);
        const char *at = strstr(sentence, dated);

        if (at != NULL && at < strchr(sentence, '.'))
            return day;
    }
    g_assert_not_reached();
}

static void test_reorder(void)
{
    for (guint64 seed = 0; seed < 40; seed++) {
        int units = 3 + seed * 5, turns = 1 + seed % 9;
        LwEvalSample *sample = make("reorder", seed, seed % 2, units, turns, seed % 3 == 0, NULL);

        for (guint j = 0; j < sample->turns->len; j++) {
            const LwEvalTurn *turn = turn_of(sample, j);
            g_auto(GStrv) names = g_strsplit(turn->answers[0], " ", -1);
            int before = -1;

            g_assert_cmpuint(g_strv_length(names), ==, turns == 1 ? CLAMP(units / 3, 2, 5) : 5);
            for (guint i = 0; names[i] != NULL; i++) {
                int day = day_of(context_of(sample), names[i]);

                g_assert_nonnull(strstr(turn->question, names[i]));
                g_assert_cmpint(day, >, before);
                before = day;
            }
        }
        lw_eval_sample_free(sample);
    }
}

/* English of the templates that looks like an invented word. */
static gboolean is_english(const char *word)
{
    static const char *const list[] = {"before", "beside", "fire", "gate", "given", "have", "home", "june",
                                       "label", "like", "likes", "live", "lives", "made", "make", "mayor",
                                       "more", "name", "names", "river", "roses", "same", "some", "tired",
                                       "tower", "value", "voyage", NULL};
    g_autofree char *lower = g_ascii_strdown(word, -1);

    return g_strv_contains(list, lower);
}

static void collect(const LwEvalSample *sample, GHashTable *words)
{
    /* Invented: syllables with or without an end, five and more capitals, four and more digits, UUIDs. */
    static const char pattern[] = "[0-9a-f]{8}-[-0-9a-f]{27}|\\b(?:[A-Z]{5,}|\\d{4,}"
                                  "|(?i:(?:[bdfghjklmnprstvwyz][aeiou]){2,}[lmnrst]?))\\b";
    g_autoptr(GRegex) invented = g_regex_new(pattern, G_REGEX_RAW, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    g_regex_match(invented, context_of(sample), 0, &match);
    for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
        g_autofree char *word = g_match_info_fetch(match, 0);

        if (!is_english(word))
            g_hash_table_add(words, g_ascii_strdown(word, -1));
    }
}

/* A list of three-digit numbers has its least and largest one to tell the sides apart. */
static void collect_extremes(const char *context, GHashTable *words)
{
    int least = 1000, largest = 0;

    for (const char *p = strchr(context, '['); *p != ']'; p += *p == ',' ? 2 : 0) {
        int number = (int)g_ascii_strtoll(p + (*p == '['), (char **)&p, 10);

        least = MIN(least, number);
        largest = MAX(largest, number);
    }
    g_hash_table_add(words, g_strdup_printf("%d-%d", least, largest));
}

static void test_sides(gconstpointer data)
{
    const LwEvalTask *task = data;
    g_autoptr(GHashTable) measure = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer word;
    guint n = 0;

    for (guint64 seed = 0; seed < 10; seed++)
        for (int side = 0; side < 2; side++) {
            g_autoptr(GHashTable) words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
            LwEvalSample *sample = make(task->name, seed, side, 400, 5, seed % 2, NULL);

            if (strcmp(task->name, "mf") == 0)
                collect_extremes(context_of(sample), words);
            collect(sample, words);
            g_hash_table_iter_init(&iter, words);
            while (g_hash_table_iter_next(&iter, &word, NULL)) {
                if (!lw_eval_word_on_side(word, side))
                    g_error("%s: \"%s\" on the wrong side", task->name, (char *)word);
                n++;
            }
            lw_eval_sample_free(sample);
        }
    g_assert_cmpuint(n, >=, 20);
}

static char *digest(const char *task, guint64 seed, LwEvalSide side, int units, int turns, gboolean hard)
{
    LwEvalSample *sample = make(task, seed, side, units, turns, hard, NULL);
    g_autofree char *json = lw_eval_sample_to_json(sample);

    lw_eval_sample_free(sample);
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, json, -1);
}

/* Changing a generator changes what was measured with it: then these change, knowingly. */
static void test_same_bytes(void)
{
    static const struct {
        const char *task;
        guint64 seed;
        int units, turns;
        gboolean hard;
        const char *sha256;
    } golden[] = {
#include "eval-golden.h"
    };
    gboolean changed = FALSE;

    for (guint i = 0; i < G_N_ELEMENTS(golden); i++) {
        const char *task = golden[i].task;
        guint64 seed = golden[i].seed;
        int units = golden[i].units, turns = golden[i].turns;
        gboolean hard = golden[i].hard;
        g_autofree char *first = digest(task, seed, i % 2, units, turns, hard);
        g_autofree char *again = digest(task, seed, i % 2, units, turns, hard);
        g_autofree char *other = digest(task, seed + 1, i % 2, units, turns, hard);

        g_assert_cmpstr(first, ==, again);
        g_assert_cmpstr(first, !=, other);
        if (strcmp(first, golden[i].sha256) == 0)
            continue;
        g_test_message("is now {\"%s\", %d, %d, %d, %s, \"%s\"},", task, (int)seed, units, turns,
                       hard ? "TRUE" : "FALSE", first);
        changed = TRUE;
    }
    g_assert_false(changed);
}

static void test_random(void)
{
    LwEvalRandom random = {0};
    guint seen[7] = {0}, items[50];
    guint64 sum = 0;

    /* The published sequence of SplitMix64 from state 0. */
    g_assert_cmpuint(lw_eval_random_next(&random), ==, G_GUINT64_CONSTANT(0xe220a8397b1dcdaf));
    g_assert_cmpuint(lw_eval_random_next(&random), ==, G_GUINT64_CONSTANT(0x6e789e6aa1b965f4));
    for (guint i = 0; i < 7000; i++)
        seen[lw_eval_random_below(&random, 7)]++;
    for (guint i = 0; i < 7; i++)
        g_assert_cmpuint(seen[i], >, 850);
    for (guint i = 0; i < 50; i++)
        items[i] = i;
    lw_eval_random_shuffle(&random, items, 50);
    for (guint i = 0; i < 50; i++)
        sum |= G_GUINT64_CONSTANT(1) << items[i];
    g_assert_cmpuint(sum, ==, (G_GUINT64_CONSTANT(1) << 50) - 1);
    g_assert_cmpuint(lw_eval_seed(1, "kv", 4096, 0), !=, lw_eval_seed(1, "kv", 4096, 1));
    g_assert_cmpuint(lw_eval_seed(1, "kv", 4096, 0), !=, lw_eval_seed(1, "vt", 4096, 0));
    g_assert_cmpuint(lw_eval_seed(1, "kv", 4096, 0), !=, lw_eval_seed(1, "kv", 8192, 0));
}

/* A pool that runs dry gives longer words instead of none. */
static void test_words_run_out(void)
{
    LwEvalRandom random = {1};
    LwEvalWords *words = lw_eval_words_new(&random, LW_EVAL_SIDE_MEASURE);
    gboolean longer = FALSE;

    for (guint i = 0; i < 100; i++)
        longer |= strlen(lw_eval_words_pseudo(words, 1)) > 2;
    g_assert_true(longer);
    lw_eval_words_free(words);
}

static void test_slots(void)
{
    LwEvalRandom random = {1};
    LwEvalSlots slots;
    guint at[64], seen = 0;

    lw_eval_slots_init(&slots, 5);
    lw_eval_slots_spread(&slots, &random, 5, -1, at);
    for (guint i = 0; i < 5; i++)
        seen |= 1u << at[i];
    g_assert_cmpuint(seen, ==, 31);
    lw_eval_slots_clear(&slots);

    lw_eval_slots_init(&slots, 4);
    g_assert_cmpuint(lw_eval_slots_take(&slots, 3), ==, 3);
    g_assert_cmpuint(lw_eval_slots_take(&slots, 3), ==, 0);
    lw_eval_slots_clear(&slots);
}

static void test_bad_options(void)
{
    static const struct {
        int units, turns;
        const char *variant, *says;
    } bad[] = {
        {10, 0, NULL, "0 turns"},       {10, 65, NULL, "65 turns"},  {0, 1, NULL, "0 units"},
        {-3, 1, NULL, "-3 units"},      {4000001, 1, NULL, "4000001 units"},
        {10, 1, "nonsense", "nonsense"}, {10, 1, "at=101", "at=101"}, {10, 1, "at=", "at="},
    };

    for (const LwEvalTask *const *task = lw_eval_tasks(); *task != NULL; task++)
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
            LwEvalOptions options = {bad[i].turns, FALSE, bad[i].variant};
            GError *error = NULL;

            g_assert_null((*task)->make(1, LW_EVAL_SIDE_MEASURE, bad[i].units, &options, &error));
            g_assert_error(error, LW_EVAL_ERROR, LW_EVAL_ERROR_OPTION);
            g_assert_nonnull(strstr(error->message, (*task)->name));
            g_assert_nonnull(strstr(error->message, bad[i].says));
            g_error_free(error);
        }
    g_assert_null(lw_eval_task_find("no such task"));
}

static JsonObject *parse(JsonParser *parser, const char *json)
{
    GError *error = NULL;

    json_parser_load_from_data(parser, json, -1, &error);
    g_assert_no_error(error);
    return json_node_get_object(json_parser_get_root(parser));
}

static void test_json(gconstpointer data)
{
    const LwEvalTask *task = data;
    JsonParser *parser = json_parser_new();

    for (int side = 0; side < 2; side++) {
        char *json = lw_eval_json(task->name, 20, 4, side, "", 9, side);
        JsonObject *object = parse(parser, json);
        LwEvalSample *sample = make(task->name, 9, side, 20, 4, side, NULL);
        JsonArray *turns = json_object_get_array_member(object, "multi_turns");

        g_assert_null(strchr(json, '\n'));
        g_assert_cmpstr(json_object_get_string_member(object, "task"), ==, task->name);
        g_assert_cmpstr(json_object_get_string_member(object, "context"), ==, context_of(sample));
        g_assert_cmpint(json_object_get_int_member(object, "id"), ==, 9);
        g_assert_cmpint(json_object_get_int_member(object, "units"), ==, sample->units);
        g_assert_cmpuint(json_array_get_length(turns), ==, 4);
        for (guint j = 0; j < 4; j++) {
            JsonObject *turn = json_array_get_object_element(turns, j);
            const LwEvalTurn *expected = turn_of(sample, j);

            g_assert_cmpstr(json_object_get_string_member(turn, "input"), ==, expected->question);
            g_assert_cmpstr(json_object_get_string_member(turn, "question"), ==, expected->question);
            g_assert_cmpstr(json_object_get_string_member(turn, "reply"), ==, expected->reply);
            g_assert_cmpint(json_object_get_int_member(turn, "at"), ==, expected->at);
            g_assert_cmpfloat_with_epsilon(json_object_get_double_member(turn, "depth"), expected->depth,
                                           5.1e-5);
            g_assert_cmpuint(json_array_get_length(json_object_get_array_member(turn, "answers")), ==,
                             g_strv_length(expected->answers));
        }
        lw_eval_sample_free(sample);
        lw_eval_json_free(json);
    }
    g_object_unref(parser);
}

static void test_json_errors(void)
{
    JsonParser *parser = json_parser_new();
    char *json = lw_eval_json("no \"such\"\x01", 20, 4, 0, NULL, 9, 0);

    g_assert_nonnull(strstr(json_object_get_string_member(parse(parser, json), "error"), "no \"such\"\x01"));
    lw_eval_json_free(json);
    json = lw_eval_json("kv", 20, 400, 0, NULL, 9, 0);
    g_assert_nonnull(strstr(json_object_get_string_member(parse(parser, json), "error"), "400 turns"));
    lw_eval_json_free(json);
    json = lw_eval_json(NULL, 20, 4, 0, NULL, 9, 0);
    g_assert_true(json_object_has_member(parse(parser, json), "error"));
    lw_eval_json_free(json);
    g_assert_nonnull(strstr(lw_eval_task_names(), "kv"));
    g_object_unref(parser);
}

static void add_for_each_task(const char *what, GTestDataFunc test)
{
    for (const LwEvalTask *const *task = lw_eval_tasks(); *task != NULL; task++) {
        g_autofree char *path = g_strdup_printf("/eval/%s/%s", what, (*task)->name);

        if (!(*task)->visual)
            g_test_add_data_func(path, *task, test);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/eval/random", test_random);
    g_test_add_func("/eval/words-run-out", test_words_run_out);
    g_test_add_func("/eval/slots", test_slots);
    add_for_each_task("golds", test_every_task);
    add_for_each_task("sides", test_sides);
    add_for_each_task("json", test_json);
    g_test_add_func("/eval/depths", test_depths);
    g_test_add_func("/eval/fixed-depth", test_fixed_depth);
    g_test_add_func("/eval/kv", test_kv);
    g_test_add_func("/eval/prefix-suffix", test_prefix_suffix);
    g_test_add_func("/eval/vt", test_vt);
    g_test_add_func("/eval/mdqa", test_mdqa);
    g_test_add_func("/eval/twofact", test_twofact);
    g_test_add_func("/eval/steps", test_steps);
    g_test_add_func("/eval/mf", test_mf);
    g_test_add_func("/eval/icl", test_icl);
    g_test_add_func("/eval/digest", test_digest);
    g_test_add_func("/eval/chronicle", test_chronicle);
    g_test_add_func("/eval/reorder", test_reorder);
    g_test_add_func("/eval/same-bytes", test_same_bytes);
    g_test_add_func("/eval/bad-options", test_bad_options);
    g_test_add_func("/eval/json-errors", test_json_errors);
    return g_test_run();
}
