/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * md4c calls back in the order of the document; a flat list of blocks comes out.
 *
 * Maths is taken out before md4c sees the text, or it would find emphasis in it: each formula becomes a
 * mark of three or more characters that no text contains, and is put back where the mark comes out.
 */
#include "app/markdown/lw-markdown.h"

#include <md4c.h>
#include <string.h>

#include "app/markdown/maths.h"
#include "app/markdown/parts.h"

/* Noncharacters of Unicode around the formula's number. */
#define MARK_OPEN "\xef\xb7\x90"
#define MARK_CLOSE "\xef\xb7\x91"
#define MARK_BYTES 3

/* Longest inline formula, bytes: two dollar signs further apart are two dollar signs. */
#define MAX_INLINE_MATHS 1000

typedef struct {
    char *source; /* with its delimiters */
    char *inner;
    gboolean display;
} formula;

static void formula_free(gpointer data)
{
    formula *f = data;

    g_free(f->source);
    g_free(f->inner);
    g_free(f);
}

/* ---- Blocks ---- */

void lw_md_block_free(lw_md_block *b)
{
    if (!b)
        return;
    g_free(b->marker);
    g_free(b->text);
    g_free(b->source);
    g_free(b->language);
    g_strfreev(b->cells);
    g_free(b);
}

gboolean lw_md_block_equal(const lw_md_block *a, const lw_md_block *b)
{
    return a->kind == b->kind && a->quote == b->quote && a->indent == b->indent && a->level == b->level &&
           a->continued == b->continued && a->n_columns == b->n_columns && a->n_rows == b->n_rows &&
           a->has_head == b->has_head && memcmp(a->align, b->align, sizeof a->align) == 0 &&
           g_strcmp0(a->marker, b->marker) == 0 && g_strcmp0(a->text, b->text) == 0 &&
           g_strcmp0(a->source, b->source) == 0 && g_strcmp0(a->language, b->language) == 0 &&
           (a->cells == NULL) == (b->cells == NULL) &&
           (!a->cells || g_strv_equal((const char *const *)a->cells, (const char *const *)b->cells));
}

/* ---- Maths ---- */

typedef struct {
    GString *text;       /* with marks */
    GPtrArray *formulas; /* of formula */
} marked;

/* What is remembered while a part is searched: without it, a thousand opening brackets would each look for
 * the one that does not close them. */
typedef struct {
    const char *text;
    gsize n;
    gsize paragraph;    /* where the one that was looked at last ends */
    gsize none[3];      /* up to here there is no "$$", "\\)", "\\]" */
    gsize no_ticks[17]; /* up to here there is no run of so many backticks; 0: of more than 16 */
} search;

static gsize find(const char *text, gsize from, gsize n, const char *what)
{
    const char *found = from < n ? memmem(text + from, n - from, what, strlen(what)) : NULL;

    return found ? (gsize)(found - text) : n;
}

/* The end of the paragraph: maths does not go beyond. */
static gsize paragraph_end(search *s, gsize from)
{
    if (from >= s->paragraph)
        s->paragraph = find(s->text, from, s->n, "\n\n");
    return s->paragraph;
}

/* Where the closing delimiter is, or 0. */
static gsize find_close(search *s, gsize from, int which)
{
    static const char *const closing[] = {"$$", "\\)", "\\]"};
    gsize limit = paragraph_end(s, from), at;

    if (from < s->none[which])
        return 0;
    at = find(s->text, from, limit, closing[which]);
    if (at < limit)
        return at;
    s->none[which] = limit;
    return 0;
}

/* The closing $ for the opening one at `open`, or 0.  By Pandoc's rule, so that "$5 or $10" stays money. */
static gsize closing_dollar(const char *text, gsize open, gsize n)
{
    gsize end = MIN(n, open + MAX_INLINE_MATHS);

    if (open + 1 >= n || g_ascii_isspace(text[open + 1]))
        return 0;
    for (gsize i = open + 1; i < end; i++) {
        if (text[i] == '\\')
            i++;
        else if (text[i] == '`' || (text[i] == '\n' && i + 1 < n && text[i + 1] == '\n'))
            return 0;
        else if (text[i] == '$')
            return g_ascii_isspace(text[i - 1]) || (i + 1 < n && g_ascii_isdigit(text[i + 1])) ? 0 : i;
    }
    return 0;
}

/* How many bytes of maths begin at text[at]; 0: none.  *inner and *inner_n without delimiters. */
static gsize maths_at(search *s, gsize at, gsize *inner, gsize *inner_n, gboolean *display)
{
    const char *text = s->text;
    gsize n = s->n, close;

    if (text[at] == '$' && at + 1 < n && text[at + 1] == '$') {
        close = find_close(s, at + 2, 0);
        if (!close || close == at + 2)
            return 0;
        *inner = at + 2, *inner_n = close - at - 2, *display = TRUE;
        return close + 2 - at;
    }
    if (text[at] == '$') {
        close = closing_dollar(text, at, n);
        if (!close)
            return 0;
        *inner = at + 1, *inner_n = close - at - 1, *display = FALSE;
        return close + 1 - at;
    }
    if (text[at] == '\\' && at + 1 < n && (text[at + 1] == '(' || text[at + 1] == '[')) {
        *display = text[at + 1] == '[';
        close = find_close(s, at + 2, *display ? 2 : 1);
        if (!close || (!*display && close - at > MAX_INLINE_MATHS))
            return 0;
        *inner = at + 2, *inner_n = close - at - 2;
        return close + 2 - at;
    }
    return 0;
}

/* The run of backticks at text[at], and with it a code span: how far it goes, or just the run. */
static gsize code_span(search *s, gsize at)
{
    gsize run = 0, limit, *none;

    while (at + run < s->n && s->text[at + run] == '`')
        run++;
    limit = paragraph_end(s, at + run);
    none = &s->no_ticks[run < G_N_ELEMENTS(s->no_ticks) ? run : 0];
    if (at < *none)
        return run;
    for (gsize i = at + run; i < limit;) {
        const char *tick = memchr(s->text + i, '`', limit - i);
        gsize here = 0;

        if (!tick)
            break;
        i = (gsize)(tick - s->text);
        while (i + here < limit && s->text[i + here] == '`')
            here++;
        i += here;
        if (here == run)
            return i - at;
    }
    *none = limit;
    return run;
}

/* "|-|:-:|", the line below a table's head: md4c wants three characters in each cell, models do not. */
static gboolean append_delimiter_row(const char *line, gsize n, GString *out)
{
    gboolean bar = FALSE, dash = FALSE;

    for (gsize i = 0; i < n; i++) {
        if (!strchr("|:- \t\r>", line[i]) || !line[i])
            return FALSE;
        bar = bar || line[i] == '|';
        dash = dash || line[i] == '-';
    }
    if (!bar || !dash)
        return FALSE;
    for (gsize i = 0; i < n; i++) {
        g_string_append_c(out, line[i]);
        if (line[i] == '-' && (i + 1 == n || line[i + 1] != '-'))
            g_string_append(out, "--");
    }
    return TRUE;
}

static void mark_maths(const char *text, gsize n, marked *m)
{
    search s = {.text = text, .n = n};
    gsize at = 0;
    gboolean line_start = TRUE;
    lw_md_state code = {0};

    while (at < n) {
        gsize inner, inner_n, len;
        gboolean display;

        if (line_start) { /* fences, at any depth */
            const char *line = text + at, *nl = memchr(line, '\n', n - at);
            gsize line_n = nl ? (gsize)(nl - line) : n - at, skip = 0;
            guint indent;
            char c;

            while (skip < line_n && strchr(" \t>", line[skip]))
                skip++;
            len = lw_md_fence(line + skip, line_n - skip, &indent, &c);
            if (code.fence ? lw_md_closes_fence(line + skip, line_n - skip, &code) : len > 0) {
                code.fence = code.fence ? 0 : c;
                code.fence_length = (guint)len;
            }
            if (code.fence || len || append_delimiter_row(line, line_n, m->text)) {
                if (code.fence || len)
                    g_string_append_len(m->text, line, (gssize)line_n);
                at += line_n;
                if (at < n)
                    g_string_append_c(m->text, text[at++]);
                continue;
            }
        }
        line_start = text[at] == '\n';
        if (text[at] == '`') {
            len = code_span(&s, at);
            g_string_append_len(m->text, text + at, (gssize)len);
            at += len;
            continue;
        }
        if (text[at] == '$' || text[at] == '\\') {
            len = maths_at(&s, at, &inner, &inner_n, &display);
            if (len) {
                formula *f = g_new0(formula, 1);

                f->source = g_strndup(text + at, len);
                f->inner = g_strstrip(g_strndup(text + inner, inner_n));
                f->display = display;
                g_string_append_printf(m->text, MARK_OPEN "%u" MARK_CLOSE, m->formulas->len);
                g_ptr_array_add(m->formulas, f);
                at += len;
                continue;
            }
            if (text[at] == '\\' && at + 1 < n && text[at + 1] != '\n') { /* an escape */
                g_string_append_len(m->text, text + at, 2);
                at += 2;
                continue;
            }
        }
        /* What looks like a mark already is none. */
        if ((guchar)text[at] == 0xef && at + 2 < n && (guchar)text[at + 1] == 0xb7 &&
            ((guchar)text[at + 2] == 0x90 || (guchar)text[at + 2] == 0x91)) {
            g_string_append(m->text, "\xef\xbf\xbd");
            at += 3;
            continue;
        }
        g_string_append_c(m->text, text[at++]);
    }
}

/* ---- Callbacks ---- */

typedef struct {
    GPtrArray *blocks;
    GPtrArray *formulas;
    GString *text;  /* of the block or cell that is open */
    int quote, lists;
    struct {
        gboolean ordered;
        guint number;
        char delimiter;
    } list[LW_MD_MAX_DEPTH + 1];
    char *marker;   /* for the next block */
    struct {
        MD_SPANTYPE type;
        const char *close;
    } span[LW_MD_MAX_SPANS];
    int spans, deeper; /* open; and those that nest too deep to be shown */
    int level;
    gboolean code_block, code_span;
    char *language;
    gboolean block_open;
    int events;

    /* Table. */
    GPtrArray *cells; /* of char * */
    int columns, column, rows;
    gboolean in_head;
    char align[LW_MD_MAX_COLUMNS];
} builder;

static lw_md_block *add_block(builder *b, lw_md_kind kind)
{
    lw_md_block *block = g_new0(lw_md_block, 1);

    block->kind = kind;
    block->quote = MIN(b->quote, LW_MD_MAX_DEPTH);
    block->indent = MIN(b->lists, LW_MD_MAX_DEPTH);
    block->marker = g_steal_pointer(&b->marker);
    g_ptr_array_add(b->blocks, block);
    return block;
}

/* Down to n open spans. */
static void close_spans(builder *b, int n)
{
    while (b->spans > n)
        g_string_append(b->text, b->span[--b->spans].close);
}

static char *take_text(builder *b)
{
    char *text;

    close_spans(b, 0);
    b->deeper = 0;
    text = g_strndup(b->text->str, b->text->len);
    g_string_truncate(b->text, 0);
    return text;
}

/* Without the line breaks at its ends. */
static char *take_trimmed(builder *b)
{
    g_autofree char *text = take_text(b);
    const char *start = text + strspn(text, "\n");
    gsize len = strlen(start);

    while (len && start[len - 1] == '\n')
        len--;
    return g_strndup(start, len);
}

/* What has been written so far becomes a block; in a list item, text comes without a paragraph. */
static void flush(builder *b)
{
    lw_md_block *block;
    char *text;

    if (!b->block_open || b->cells)
        return;
    b->block_open = FALSE;
    text = take_trimmed(b);
    if (!*text) {
        g_free(text);
        return;
    }
    block = add_block(b, b->level ? LW_MD_HEADING : LW_MD_TEXT);
    block->level = b->level;
    block->text = text;
}

/* An item that begins with another list, or has nothing in it. */
static void flush_marker(builder *b)
{
    if (b->marker)
        add_block(b, LW_MD_TEXT)->text = g_strdup("");
}

static void flush_table(builder *b, gboolean has_head)
{
    lw_md_block *block;

    if (!b->rows)
        return;
    block = add_block(b, LW_MD_TABLE);
    block->n_columns = b->columns;
    block->n_rows = b->rows;
    block->has_head = has_head;
    memcpy(block->align, b->align, sizeof block->align);
    g_ptr_array_add(b->cells, NULL);
    block->cells = (char **)g_ptr_array_free(b->cells, FALSE);
    b->cells = g_ptr_array_new_with_free_func(g_free);
    b->rows = 0;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *user)
{
    builder *b = user;

    if (++b->events > LW_MD_MAX_EVENTS)
        return 1;
    switch (type) {
    case MD_BLOCK_QUOTE:
        flush(b);
        b->quote++;
        break;
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        flush(b);
        flush_marker(b);
        b->lists++;
        int i = MIN(b->lists, LW_MD_MAX_DEPTH);
        b->list[i].ordered = type == MD_BLOCK_OL;
        if (type == MD_BLOCK_OL) {
            const MD_BLOCK_OL_DETAIL *ol = detail;
            b->list[i].number = ol->start;
            b->list[i].delimiter = ol->mark_delimiter;
        }
        break;
    case MD_BLOCK_LI: {
        const MD_BLOCK_LI_DETAIL *li = detail;
        int depth = MIN(b->lists, LW_MD_MAX_DEPTH);

        flush(b);
        if (li->is_task)
            b->marker = g_strdup(li->task_mark == ' ' ? "☐" : "☑");
        else if (b->list[depth].ordered)
            b->marker = g_strdup_printf("%u%c", b->list[depth].number++, b->list[depth].delimiter);
        else
            b->marker = g_strdup(depth % 3 == 1 ? "•" : depth % 3 == 2 ? "◦" : "▪");
        b->block_open = TRUE;
        break;
    }
    case MD_BLOCK_HR:
        flush(b);
        add_block(b, LW_MD_RULE);
        break;
    case MD_BLOCK_H:
        flush(b);
        b->level = (int)((const MD_BLOCK_H_DETAIL *)detail)->level;
        b->block_open = TRUE;
        break;
    case MD_BLOCK_CODE: {
        const MD_BLOCK_CODE_DETAIL *code = detail;

        flush(b);
        b->code_block = TRUE;
        g_clear_pointer(&b->language, g_free);
        if (code->lang.size)
            b->language = g_strndup(code->lang.text, MIN(code->lang.size, 64));
        if (b->language) {
            char *valid = g_utf8_make_valid(b->language, -1);
            g_free(b->language);
            b->language = valid;
        }
        break;
    }
    case MD_BLOCK_TABLE:
        flush(b);
        b->cells = g_ptr_array_new_with_free_func(g_free);
        b->rows = b->columns = 0;
        memset(b->align, 0, sizeof b->align);
        break;
    case MD_BLOCK_THEAD:
    case MD_BLOCK_TBODY:
        b->in_head = type == MD_BLOCK_THEAD;
        break;
    case MD_BLOCK_TR:
        b->column = 0;
        break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        if (type == MD_BLOCK_TH && b->column < LW_MD_MAX_COLUMNS) {
            MD_ALIGN align = ((const MD_BLOCK_TD_DETAIL *)detail)->align;
            b->align[b->column] = align == MD_ALIGN_CENTER ? 'c' : align == MD_ALIGN_RIGHT ? 'r' : 'l';
        }
        break;
    case MD_BLOCK_P:
        flush(b);
        b->block_open = TRUE;
        break;
    default:
        break;
    }
    return 0;
}

static void end_cell(builder *b)
{
    char *text = take_trimmed(b);

    if (b->column >= LW_MD_MAX_COLUMNS) { /* joined to the last */
        char **last = (char **)&b->cells->pdata[b->cells->len - 1];
        char *joined = *text ? g_strconcat(*last, " | ", text, NULL) : g_strdup(*last);

        g_free(*last);
        *last = joined;
        g_free(text);
    } else {
        g_ptr_array_add(b->cells, text);
    }
    b->column++;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *user)
{
    builder *b = user;

    if (++b->events > LW_MD_MAX_EVENTS)
        return 1;
    switch (type) {
    case MD_BLOCK_QUOTE:
        flush(b);
        b->quote--;
        b->block_open = b->lists > 0;
        break;
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        flush(b);
        b->lists--;
        b->block_open = b->lists > 0;
        break;
    case MD_BLOCK_LI:
        flush(b);
        flush_marker(b);
        break;
    case MD_BLOCK_H:
        flush(b);
        b->level = 0;
        break;
    case MD_BLOCK_P:
        flush(b);
        /* A second block of the same list item. */
        b->block_open = b->lists > 0;
        break;
    case MD_BLOCK_CODE: {
        lw_md_block *block = add_block(b, LW_MD_CODE);

        block->text = take_text(b);
        if (g_str_has_suffix(block->text, "\n"))
            block->text[strlen(block->text) - 1] = 0;
        block->language = g_steal_pointer(&b->language);
        b->code_block = FALSE;
        b->block_open = b->lists > 0;
        break;
    }
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        end_cell(b);
        break;
    case MD_BLOCK_TR:
        b->columns = MAX(b->columns, MIN(b->column, LW_MD_MAX_COLUMNS));
        while (b->column++ < b->columns)
            g_ptr_array_add(b->cells, g_strdup(""));
        b->rows++;
        if ((b->rows + 1) * b->columns > LW_MD_MAX_CELLS) {
            flush_table(b, b->in_head || b->level == -1);
            b->level = 0;
        } else if (b->in_head) {
            b->level = -1; /* the next rows belong to a table with a head */
        }
        break;
    case MD_BLOCK_TABLE:
        flush_table(b, b->level == -1);
        b->level = 0;
        g_clear_pointer(&b->cells, g_ptr_array_unref);
        b->block_open = b->lists > 0;
        break;
    default:
        break;
    }
    return 0;
}

static void append_escaped(GString *out, const char *text, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        switch (text[i]) {
        case '&':
            g_string_append(out, "&amp;");
            break;
        case '<':
            g_string_append(out, "&lt;");
            break;
        case '>':
            g_string_append(out, "&gt;");
            break;
        case '\'':
            g_string_append(out, "&apos;");
            break;
        case '"':
            g_string_append(out, "&quot;");
            break;
        case '\t':
        case '\n':
            g_string_append_c(out, text[i]);
            break;
        default: /* markup must not contain the other control characters */
            if ((guchar)text[i] >= 0x20 && text[i] != 0x7f)
                g_string_append_c(out, text[i]);
        }
    }
}

/* How md4c's attribute reads (its parts may be entities, which stay as they are written). */
static char *attribute(builder *b, const MD_ATTRIBUTE *a)
{
    GString *out = g_string_new(NULL);

    for (gsize at = 0; at < a->size;) {
        const char *open = memmem(a->text + at, a->size - at, MARK_OPEN, MARK_BYTES);
        gsize n = open ? (gsize)(open - a->text) - at : a->size - at;

        g_string_append_len(out, a->text + at, (gssize)n);
        at += n;
        if (open) { /* a formula in an address is none */
            guint64 number = g_ascii_strtoull(open + MARK_BYTES, NULL, 10);
            const char *close = memmem(open, a->size - at, MARK_CLOSE, MARK_BYTES);

            if (number < b->formulas->len)
                g_string_append(out, ((formula *)b->formulas->pdata[number])->source);
            at = close ? (gsize)(close - a->text) + MARK_BYTES : a->size;
        }
    }
    return g_string_free(out, FALSE);
}

gboolean lw_md_is_safe_link(const char *url)
{
    return g_ascii_strncasecmp(url, "https://", 8) == 0 || g_ascii_strncasecmp(url, "http://", 7) == 0 ||
           g_ascii_strncasecmp(url, "mailto:", 7) == 0;
}

static void push_span(builder *b, MD_SPANTYPE type, const char *open, const char *close)
{
    if (b->spans == LW_MD_MAX_SPANS) {
        b->deeper++;
        return;
    }
    g_string_append(b->text, open);
    b->span[b->spans].type = type;
    b->span[b->spans++].close = close;
}

static int enter_span(MD_SPANTYPE type, void *detail, void *user)
{
    builder *b = user;

    if (++b->events > LW_MD_MAX_EVENTS)
        return 1;
    switch (type) {
    case MD_SPAN_EM:
        push_span(b, type, "<i>", "</i>");
        break;
    case MD_SPAN_STRONG:
        push_span(b, type, "<b>", "</b>");
        break;
    case MD_SPAN_DEL:
        push_span(b, type, "<s>", "</s>");
        break;
    case MD_SPAN_CODE:
        b->code_span = TRUE;
        push_span(b, type, "<span face=\"monospace\" background=\"#808080\" background_alpha=\"20%\">",
                  "</span>");
        break;
    case MD_SPAN_A:
    case MD_SPAN_IMG: {
        g_autofree char *url = attribute(b, type == MD_SPAN_A ? &((MD_SPAN_A_DETAIL *)detail)->href
                                                              : &((MD_SPAN_IMG_DETAIL *)detail)->src);
        g_autoptr(GString) open = g_string_new("<a href=\"");
        gboolean inside = FALSE;

        for (int i = 0; i < b->spans; i++)
            inside = inside || g_str_equal(b->span[i].close, "</a>");
        append_escaped(open, url, strlen(url));
        g_string_append(open, "\">");
        /* Links to files and such are shown but do not open; links in links are not markup. */
        if (lw_md_is_safe_link(url) && !inside)
            push_span(b, type, open->str, "</a>");
        else
            push_span(b, type, "<u>", "</u>");
        if (type == MD_SPAN_IMG)
            g_string_append(b->text, "🖼 ");
        break;
    }
    default:
        push_span(b, type, "<span>", "</span>");
    }
    return 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *user)
{
    builder *b = user;

    if (++b->events > LW_MD_MAX_EVENTS)
        return 1;
    if (type == MD_SPAN_CODE)
        b->code_span = FALSE;
    if (b->deeper) {
        b->deeper--;
        return 0;
    }
    /* An address in the middle of emphasis may overlap it: markup must not. */
    for (int i = b->spans; i-- > 0;)
        if (b->span[i].type == type) {
            close_spans(b, i);
            break;
        }
    return 0;
}

/* In a paragraph of its own, a formula becomes a block. */
static void append_formula(builder *b, const formula *f)
{
    g_autofree char *text = NULL;

    if (b->code_block) {
        g_string_append(b->text, f->source);
        return;
    }
    if (b->code_span) {
        append_escaped(b->text, f->source, strlen(f->source));
        return;
    }
    text = lw_maths_to_text(f->inner, strlen(f->inner));
    if (f->display && b->block_open && !b->level && !b->cells && !b->spans) {
        flush(b);
        lw_md_block *block = add_block(b, LW_MD_MATHS);
        block->text = g_steal_pointer(&text);
        block->source = g_strdup(f->inner);
        b->block_open = TRUE;
        return;
    }
    g_string_append(b->text, "<i>");
    append_escaped(b->text, text, strlen(text));
    g_string_append(b->text, "</i>");
}

/* Text in which formulas are marked; code blocks hold it plain, everything else as markup. */
static void append_text(builder *b, const char *text, gsize n)
{
    for (gsize at = 0; at < n;) {
        const char *open = memmem(text + at, n - at, MARK_OPEN, MARK_BYTES), *close;
        gsize len = open ? (gsize)(open - text) - at : n - at;
        guint64 number;

        if (b->code_block)
            g_string_append_len(b->text, text + at, (gssize)len);
        else
            append_escaped(b->text, text + at, len);
        at += len;
        if (!open)
            break;
        close = memmem(open, n - at, MARK_CLOSE, MARK_BYTES);
        number = g_ascii_strtoull(open + MARK_BYTES, NULL, 10);
        if (!close || number >= b->formulas->len)
            break;
        append_formula(b, b->formulas->pdata[number]);
        at = (gsize)(close - text) + MARK_BYTES;
    }
}

static void append_entity(builder *b, const char *text, gsize n)
{
    static const struct {
        const char *name, *text;
    } named[] = {
        {"&nbsp;", "\u00a0"}, {"&copy;", "©"}, {"&reg;", "®"}, {"&trade;", "™"}, {"&euro;", "€"},
        {"&deg;", "°"}, {"&times;", "×"}, {"&divide;", "÷"}, {"&plusmn;", "±"}, {"&middot;", "·"},
        {"&hellip;", "…"}, {"&ndash;", "–"}, {"&mdash;", "—"}, {"&lsquo;", "‘"}, {"&rsquo;", "’"},
        {"&ldquo;", "“"}, {"&rdquo;", "”"}, {"&laquo;", "«"}, {"&raquo;", "»"}, {"&larr;", "←"},
        {"&rarr;", "→"}, {"&uarr;", "↑"}, {"&darr;", "↓"}, {"&bull;", "•"}, {"&para;", "¶"},
        {"&sect;", "§"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}, {"&apos;", "'"},
    };
    gunichar c = 0;
    char utf8[8];

    for (gsize i = 0; i < G_N_ELEMENTS(named); i++)
        if (strlen(named[i].name) == n && memcmp(named[i].name, text, n) == 0) {
            append_escaped(b->text, named[i].text, strlen(named[i].text));
            return;
        }
    if (n > 3 && n < 12 && text[1] == '#')
        c = (gunichar)g_ascii_strtoull(text + (g_ascii_tolower(text[2]) == 'x' ? 3 : 2), NULL,
                                       g_ascii_tolower(text[2]) == 'x' ? 16 : 10);
    if (c && g_unichar_validate(c) && !g_unichar_iscntrl(c))
        append_escaped(b->text, utf8, (gsize)g_unichar_to_utf8(c, utf8));
    else
        append_escaped(b->text, text, n);
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE n, void *user)
{
    builder *b = user;

    if (++b->events > LW_MD_MAX_EVENTS)
        return 1;
    switch (type) {
    case MD_TEXT_NULLCHAR:
        g_string_append(b->text, "\xef\xbf\xbd");
        break;
    case MD_TEXT_BR:
    case MD_TEXT_SOFTBR:
        g_string_append_c(b->text, '\n');
        break;
    case MD_TEXT_ENTITY:
        append_entity(b, text, n);
        break;
    default:
        append_text(b, text, n);
    }
    return 0;
}

/* ---- Parsing ---- */

static GPtrArray *plain_block(const char *text, gsize n)
{
    GPtrArray *blocks = g_ptr_array_new_with_free_func((GDestroyNotify)lw_md_block_free);
    lw_md_block *b = g_new0(lw_md_block, 1);
    g_autoptr(GString) out = g_string_new(NULL);

    append_escaped(out, text, n);
    b->kind = LW_MD_TEXT;
    b->text = g_strdup(out->str);
    g_ptr_array_add(blocks, b);
    return blocks;
}

/* The lines of a code block that began in an earlier part. */
static GPtrArray *code_block(const char *text, gsize n, const lw_md_state *state)
{
    GPtrArray *blocks = g_ptr_array_new_with_free_func((GDestroyNotify)lw_md_block_free);
    lw_md_block *b = g_new0(lw_md_block, 1);
    g_autoptr(GString) out = g_string_new(NULL);
    gsize at = 0;

    while (at < n) {
        const char *line = text + at, *nl = memchr(line, '\n', n - at);
        gsize len = nl ? (gsize)(nl - line) : n - at, skip = 0;

        at += len + (nl != NULL);
        if (lw_md_closes_fence(line, len, state))
            break;
        while (skip < len && skip < state->fence_indent && line[skip] == ' ')
            skip++;
        g_string_append_len(out, line + skip, (gssize)(len - skip));
        if (nl)
            g_string_append_c(out, '\n');
    }
    if (out->len && out->str[out->len - 1] == '\n')
        g_string_truncate(out, out->len - 1);
    b->kind = LW_MD_CODE;
    b->continued = TRUE;
    b->text = g_strdup(out->str);
    b->language = *state->language ? g_strdup(state->language) : NULL;
    g_ptr_array_add(blocks, b);
    if (at < n) {
        const lw_md_state outside = {0};
        g_autoptr(GPtrArray) rest = lw_md_parse(text + at, n - at, &outside);

        g_ptr_array_extend_and_steal(blocks, g_steal_pointer(&rest));
    }
    return blocks;
}

/* Code scrolls sideways. */
static void break_clusters(GPtrArray *blocks)
{
    for (guint i = 0; i < blocks->len; i++) {
        lw_md_block *b = blocks->pdata[i];
        if (b->text && b->kind != LW_MD_CODE)
            b->text = lw_md_break_clusters(b->text);
        for (int k = 0; b->cells && b->cells[k]; k++)
            b->cells[k] = lw_md_break_clusters(b->cells[k]);
    }
}

GPtrArray *lw_md_parse(const char *text, gsize n, const lw_md_state *state)
{
    static const MD_PARSER parser = {
        .flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_NOHTML |
                 MD_FLAG_PERMISSIVEURLAUTOLINKS,
        .enter_block = enter_block,
        .leave_block = leave_block,
        .enter_span = enter_span,
        .leave_span = leave_span,
        .text = on_text,
    };
    g_autofree char *valid = NULL;
    marked m;
    builder b = {0};
    int rc;

    if (!g_utf8_validate_len(text, n, NULL)) {
        valid = g_utf8_make_valid(text, (gssize)n);
        text = valid;
        n = strlen(valid);
    }
    if (state->fence)
        return code_block(text, n, state);
    m.text = g_string_sized_new(n + 16);
    m.formulas = g_ptr_array_new_with_free_func(formula_free);
    mark_maths(text, n, &m);

    b.blocks = g_ptr_array_new_with_free_func((GDestroyNotify)lw_md_block_free);
    b.formulas = m.formulas;
    b.text = g_string_new(NULL);
    rc = md_parse(m.text->str, (MD_SIZE)m.text->len, &parser, &b);
    if (rc != 0) {
        g_ptr_array_unref(b.blocks);
        b.blocks = plain_block(text, n);
    }
    g_free(b.marker);
    g_free(b.language);
    g_clear_pointer(&b.cells, g_ptr_array_unref);
    g_string_free(b.text, TRUE);
    g_string_free(m.text, TRUE);
    g_ptr_array_unref(m.formulas);
    break_clusters(b.blocks);
    return b.blocks;
}

GPtrArray *lw_md_parse_all(const char *text)
{
    GPtrArray *blocks = g_ptr_array_new_with_free_func((GDestroyNotify)lw_md_block_free);
    lw_md_state state = {0};
    gsize at = 0, n = strlen(text);

    while (at < n) {
        lw_md_state before = state;
        gsize len = lw_md_part(text + at, n - at, &state);
        g_autoptr(GPtrArray) part = lw_md_parse(text + at, len ? len : n - at, &before);

        g_ptr_array_extend_and_steal(blocks, g_steal_pointer(&part));
        if (!len)
            break;
        at += len;
    }
    return blocks;
}
