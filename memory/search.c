/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Full-text search.  The index knows runs of three letters; words shorter than that are looked for in what
 * the longer ones leave, or in everything.
 */
#include "memory/store-private.h"

#include <string.h>

/* Words of a query that count. */
#define MAX_WORDS 12
/* Characters of a snippet before and after the word. */
#define BEFORE_CHARS 32
#define AFTER_CHARS 90

void lw_mem_hit_free(lw_mem_hit *h)
{
    if (!h)
        return;
    g_free(h->conversation);
    g_free(h->message);
    g_free(h->title);
    g_free(h->snippet);
    g_free(h);
}

/* ---- Snippets ---- */

static gboolean begins_with(const char *text, const char *word, const char **end)
{
    while (*word) {
        if (!*text || g_unichar_tolower(g_utf8_get_char(text)) != g_unichar_tolower(g_utf8_get_char(word)))
            return FALSE;
        text = g_utf8_next_char(text);
        word = g_utf8_next_char(word);
    }
    *end = text;
    return TRUE;
}

static const char *find_word(const char *text, const char *word, const char **end)
{
    for (const char *p = text; *p; p = g_utf8_next_char(p))
        if (begins_with(p, word, end))
            return p;
    return NULL;
}

/* The surroundings of the first word in one line. */
static void make_snippet(lw_mem_hit *h, const char *text, char **words)
{
    const char *end = text, *at = NULL, *from, *to;
    g_autoptr(GString) s = g_string_new(NULL);

    for (int i = 0; words[i] && !at; i++)
        at = find_word(text, words[i], &end);
    if (!at)
        at = end = text;
    from = at;
    for (int i = 0; i < BEFORE_CHARS && from > text; i++)
        from = g_utf8_prev_char(from);
    to = end;
    for (int i = 0; i < AFTER_CHARS && *to; i++)
        to = g_utf8_next_char(to);
    if (from > text)
        g_string_append(s, "…");
    g_string_append_len(s, from, at - from);
    h->match_start = s->len;
    g_string_append_len(s, at, end - at);
    h->match_end = s->len;
    g_string_append_len(s, end, to - end);
    if (*to)
        g_string_append(s, "…");
    g_strdelimit(s->str, "\n\r\t", ' ');
    h->snippet = g_strdup(s->str);
}

/* ---- Queries ---- */

/* At white space of any script, the wide space that Chinese is typed with included. */
static char **split(const char *query)
{
    GPtrArray *words = g_ptr_array_new();

    for (const char *p = query; *p && words->len < MAX_WORDS;) {
        const char *end = p;
        while (*end && !g_unichar_isspace(g_utf8_get_char(end)))
            end = g_utf8_next_char(end);
        if (end > p)
            g_ptr_array_add(words, g_strndup(p, (gsize)(end - p)));
        p = *end ? g_utf8_next_char(end) : end;
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

/* Too short for the index. */
static gboolean is_short(const char *word)
{
    return g_utf8_strlen(word, -1) < 3;
}

/* "a" AND "b": what a person types is never a query of the index's own language. */
static char *index_query(char **words)
{
    GString *s = g_string_new(NULL);

    for (int i = 0; words[i]; i++) {
        g_auto(GStrv) parts = NULL;
        g_autofree char *doubled = NULL;

        if (is_short(words[i]))
            continue;
        parts = g_strsplit(words[i], "\"", -1);
        doubled = g_strjoinv("\"\"", parts);
        g_string_append_printf(s, "%s\"%s\"", s->len ? " AND " : "", doubled);
    }
    if (s->len)
        return g_string_free(s, FALSE);
    g_string_free(s, TRUE);
    return NULL;
}

static char *like_pattern(const char *word)
{
    GString *s = g_string_new("%");

    for (const char *p = word; *p; p++) {
        if (strchr("%_\\", *p))
            g_string_append_c(s, '\\');
        g_string_append_c(s, *p);
    }
    g_string_append_c(s, '%');
    return g_string_free(s, FALSE);
}

/* A word that the index does not know, as the ways it may be written: LIKE knows the case of ASCII only. */
enum { N_CASES = 4 };
static char *in_case(const char *word, int which)
{
    gunichar first = g_utf8_get_char(word);
    g_autofree char *rest = g_utf8_strdown(g_utf8_next_char(word), -1);
    g_autoptr(GString) s = g_string_new(NULL);

    switch (which) {
    case 0:
        return g_strdup(word);
    case 1:
        return g_utf8_strdown(word, -1);
    case 2:
        return g_utf8_strup(word, -1);
    default:
        g_string_append_unichar(s, g_unichar_totitle(first));
        g_string_append(s, rest);
        return g_strdup(s->str);
    }
}

static sqlite3_stmt *prepare_search(lw_mem *m, char **words, guint limit, const char *what, GError **error)
{
    g_autofree char *index = index_query(words);
    g_autoptr(GString) sql = g_string_new("SELECT g.conversation, g.id, c.title, g.role, g.created, g.text"
                                          " FROM messages g JOIN conversations c ON c.id = g.conversation"
                                          " WHERE NOT g.binned AND NOT c.binned");
    sqlite3_stmt *st;
    int n = 0;

    if (index)
        g_string_append(sql, " AND g.rowid IN (SELECT rowid FROM found WHERE found MATCH ?)");
    for (int i = 0; words[i]; i++)
        if (is_short(words[i])) {
            g_string_append(sql, " AND (");
            for (int k = 0; k < N_CASES; k++)
                g_string_append_printf(sql, "%sg.text LIKE ? ESCAPE '\\'", k ? " OR " : "");
            g_string_append_c(sql, ')');
        }
    g_string_append(sql, " ORDER BY g.created DESC, g.rowid DESC LIMIT ?");
    st = lw_mem_prepare(m, sql->str, what, error);
    if (!st)
        return NULL;
    if (index)
        lw_mem_bind_text(st, ++n, index);
    for (int i = 0; words[i]; i++) {
        for (int k = 0; k < N_CASES && is_short(words[i]); k++) {
            g_autofree char *cased = in_case(words[i], k), *pattern = like_pattern(cased);
            lw_mem_bind_text(st, ++n, pattern);
        }
    }
    sqlite3_bind_int64(st, ++n, limit);
    return st;
}

/* ---- Titles ---- */

static gboolean contains_all(const char *text, char **words)
{
    const char *end;

    for (int i = 0; words[i]; i++)
        if (!find_word(text, words[i], &end))
            return FALSE;
    return TRUE;
}

/* Chats whose title is found, in front of the hits; those that are among them already are not repeated. */
static gboolean search_titles(lw_mem *m, char **words, guint limit, GPtrArray *hits, GError **error)
{
    static const char what[] = "searching titles";
    g_autoptr(GHashTable) found = g_hash_table_new(g_str_hash, g_str_equal);
    sqlite3_stmt *st = lw_mem_prepare(m,
                                      "SELECT id, title, updated, (SELECT text FROM messages WHERE conversation = c.id"
                                      " AND NOT binned ORDER BY rowid LIMIT 1) FROM conversations c WHERE NOT binned"
                                      " ORDER BY updated DESC, rowid DESC",
                                      what, error);
    guint n = 0;
    int rc;

    if (!st)
        return FALSE;
    for (guint i = 0; i < hits->len; i++)
        g_hash_table_add(found, ((lw_mem_hit *)hits->pdata[i])->conversation);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW && n < limit) {
        g_autofree char *id = lw_mem_column_text(st, 0), *title = lw_mem_column_text(st, 1);
        g_autofree char *text = NULL;
        char *nothing[] = {NULL};

        if (!id || !title || g_hash_table_contains(found, id) || !contains_all(title, words))
            continue;
        lw_mem_hit *h = g_new0(lw_mem_hit, 1);
        text = lw_mem_column_text(st, 3);
        h->conversation = g_steal_pointer(&id);
        h->title = g_steal_pointer(&title);
        h->role = LW_MEM_ROLE_USER;
        h->created = sqlite3_column_int64(st, 2);
        make_snippet(h, text ? text : "", nothing);
        g_ptr_array_insert(hits, (gint)n++, h);
    }
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE || rc == SQLITE_ROW;
}

GPtrArray *lw_mem_search(lw_mem *m, const char *query, guint limit, GError **error)
{
    g_return_val_if_fail(m && query, NULL);

    static const char what[] = "searching";
    g_autofree char *valid = g_utf8_make_valid(query, -1);
    g_auto(GStrv) words = split(valid);
    g_autoptr(GPtrArray) hits = g_ptr_array_new_with_free_func((GDestroyNotify)lw_mem_hit_free);
    sqlite3_stmt *st;
    int rc;

    if (!words[0])
        return g_steal_pointer(&hits);
    st = prepare_search(m, words, limit, what, error);
    if (!st)
        return NULL;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        g_autofree char *text = lw_mem_column_text(st, 5);
        lw_mem_hit *h = g_new0(lw_mem_hit, 1);

        h->conversation = lw_mem_column_text(st, 0);
        h->message = lw_mem_column_text(st, 1);
        h->title = lw_mem_column_text(st, 2);
        h->role = sqlite3_column_int(st, 3) == LW_MEM_ROLE_USER ? LW_MEM_ROLE_USER : LW_MEM_ROLE_ASSISTANT;
        h->created = sqlite3_column_int64(st, 4);
        make_snippet(h, text ? text : "", words);
        g_ptr_array_add(hits, h);
    }
    if (rc != SQLITE_DONE)
        lw_mem_set_error(m, rc, what, error);
    sqlite3_finalize(st);
    if (rc != SQLITE_DONE || !search_titles(m, words, limit, hits, error))
        return NULL;
    g_ptr_array_set_size(hits, (gint)MIN(hits->len, limit));
    return g_steal_pointer(&hits);
}
