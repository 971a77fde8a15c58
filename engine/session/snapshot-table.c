/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/session/snapshot-table.h"

#include "engine/base/alloc.h"
#include "engine/base/checksum.h"

#include <string.h>

static const char table_magic[] = "LWKVSNAP", pages_magic[] = "LWKVPAGE";

enum {
    AT_VERSION = 8,
    AT_KEY = 16,
    AT_PAGE_BYTES = 48,
    AT_NONCE = 56,
    AT_TOKENS = 72,
    AT_MEDIA = 80,
    AT_SLOTS = 88,
    AT_STAMP = 96,
    AT_BODY_SUM = 104,
    AT_TAIL_SUM = 112,
    AT_HEAD_SUM = 120,

    PAGES_AT_NONCE = 16,
    PAGES_AT_BYTES = 32,
    PAGES_AT_SUM = 40,

    MEDIUM = 32,
    TOKEN = 24,
    PAGE = 16,
};

/* Checksums of different parts have different seeds, so that one part never passes for another. */
enum { SEED_HEAD = 11, SEED_BODY, SEED_TAIL, SEED_PAGES };

/* ---- Numbers ---- */

static guint64 get64(const guint8 *p)
{
    guint64 v;

    memcpy(&v, p, sizeof v);
    return GUINT64_FROM_LE(v);
}

static guint32 get32(const guint8 *p)
{
    guint32 v;

    memcpy(&v, p, sizeof v);
    return GUINT32_FROM_LE(v);
}

static void put64(guint8 *p, guint64 v)
{
    v = GUINT64_TO_LE(v);
    memcpy(p, &v, sizeof v);
}

static void put32(guint8 *p, guint32 v)
{
    v = GUINT32_TO_LE(v);
    memcpy(p, &v, sizeof v);
}

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean refuse(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, text);
    return FALSE;
}

/* ---- Reading ---- */

/* Where the parts begin, from the counts, which are in range. */
static gsize lay_out(lw_snapshot_table *t)
{
    gsize at = LW_SNAPSHOT_HEAD;

    t->n_pages = t->n_tokens / LW_KV_PAGE;
    t->media = t->bytes + at;
    at += t->n_media * MEDIUM;
    t->tokens = t->bytes + at;
    at += t->n_tokens * TOKEN;
    t->pages = t->bytes + at;
    at += t->n_pages * PAGE;
    t->tail = t->n_tokens % LW_KV_PAGE ? t->bytes + at : NULL;
    return at + (t->tail ? t->page_bytes : 0);
}

static gsize body_bytes(const lw_snapshot_table *t)
{
    return t->n_media * MEDIUM + t->n_tokens * TOKEN + t->n_pages * PAGE;
}

gboolean lw_snapshot_table_open(lw_snapshot_table *t, const void *bytes, gsize n,
                                const lw_snapshot_owner *owner, GError **error)
{
    const guint8 *b = bytes;

    memset(t, 0, sizeof *t);
    if (n < LW_SNAPSHOT_HEAD)
        return refuse(error, "it has %" G_GSIZE_FORMAT " bytes, the head alone has %d", n,
                      LW_SNAPSHOT_HEAD);
    if (memcmp(b, table_magic, 8) != 0)
        return refuse(error, "it is no snapshot (its first bytes are something else)");
    if (get32(b + AT_VERSION) != LW_SNAPSHOT_VERSION)
        return refuse(error, "it has version %u, this program writes version %d",
                      get32(b + AT_VERSION), LW_SNAPSHOT_VERSION);
    if (get64(b + AT_HEAD_SUM) != lw_checksum64(b, AT_HEAD_SUM, SEED_HEAD))
        return refuse(error, "its head is damaged (the checksum is wrong)");
    if (memcmp(b + AT_KEY, owner->key, sizeof owner->key) != 0)
        return refuse(
            error,
            "it belongs to another model, another type of cache or another version of Longwave");
    if (get64(b + AT_PAGE_BYTES) != owner->page_bytes)
        return refuse(error,
                      "its pages have %" G_GUINT64_FORMAT " bytes, ours have %" G_GSIZE_FORMAT,
                      get64(b + AT_PAGE_BYTES), owner->page_bytes);

    guint64 n_tokens = get64(b + AT_TOKENS), n_media = get64(b + AT_MEDIA),
            n_slots = get64(b + AT_SLOTS);
    if (n_tokens < 1 || n_tokens > LW_SNAPSHOT_MAX_TOKENS)
        return refuse(error, "it claims %" G_GUINT64_FORMAT " tokens", n_tokens);
    if (n_media > n_tokens)
        return refuse(error,
                      "it claims %" G_GUINT64_FORMAT " media in %" G_GUINT64_FORMAT " tokens",
                      n_media, n_tokens);
    if (n_slots > LW_SNAPSHOT_MAX_SLOTS || n_slots < n_tokens / LW_KV_PAGE)
        return refuse(error,
                      "it claims %" G_GUINT64_FORMAT " slots for %" G_GUINT64_FORMAT " tokens",
                      n_slots, n_tokens);
    t->bytes = b;
    t->n_bytes = n;
    t->page_bytes = owner->page_bytes;
    t->n_tokens = (gsize)n_tokens;
    t->n_media = (gsize)n_media;
    t->n_slots = n_slots;
    t->stamp = get64(b + AT_STAMP);
    memcpy(t->nonce, b + AT_NONCE, sizeof t->nonce);
    gsize size = lay_out(t);
    if (size != n)
        return refuse(error,
                      "it has %" G_GSIZE_FORMAT " bytes, its counts ask for %" G_GSIZE_FORMAT, n,
                      size);
    return TRUE;
}

lw_snapshot_page lw_snapshot_table_page(const lw_snapshot_table *t, gsize i)
{
    const guint8 *p = t->pages + i * PAGE;

    return (lw_snapshot_page){get64(p), get64(p + 8)};
}

gboolean lw_snapshot_table_check(const lw_snapshot_table *t, GError **error)
{
    if (get64(t->bytes + AT_BODY_SUM) !=
        lw_checksum64(t->bytes + LW_SNAPSHOT_HEAD, body_bytes(t), SEED_BODY))
        return refuse(error, "its list of tokens is damaged (the checksum is wrong)");
    if (get64(t->bytes + AT_TAIL_SUM) !=
        (t->tail ? lw_checksum64(t->tail, t->page_bytes, SEED_TAIL) : 0))
        return refuse(error, "its last page is damaged (the checksum is wrong)");
    for (gsize i = 0; i < t->n_pages; i++) {
        guint64 slot = lw_snapshot_table_page(t, i).slot;
        if (slot >= t->n_slots)
            return refuse(error,
                          "page %" G_GSIZE_FORMAT " lies in slot %" G_GUINT64_FORMAT
                          " of %" G_GUINT64_FORMAT,
                          i, slot, t->n_slots);
    }
    return TRUE;
}

gsize lw_snapshot_table_common(const lw_snapshot_table *t, const lw_timeline *want)
{
    gsize n = MIN(t->n_tokens, lw_timeline_len(want)), i;
    const gint32 *pos = (const gint32 *)want->pos->data;
    gint32 same_ours = -1, same_theirs = -1; /* the pair of media last found equal */

    for (i = 0; i < n; i++) {
        const guint8 *p = t->tokens + i * TOKEN;
        lw_token_source src = lw_timeline_source(want, i);
        gint32 medium = (gint32)get32(p + 16);

        if ((gint32)get32(p) != lw_timeline_id(want, i) || (gint32)get32(p + 4) != pos[3 * i] ||
            (gint32)get32(p + 8) != pos[3 * i + 1] || (gint32)get32(p + 12) != pos[3 * i + 2] ||
            (medium < 0) != (src.media < 0))
            break;
        if (medium < 0)
            continue;
        if (get32(p + 20) != src.row || (gsize)medium >= t->n_media)
            break;
        if (src.media != same_ours || medium != same_theirs) {
            const lw_media *m = want->media->pdata[src.media];
            if (memcmp(t->media + (gsize)medium * MEDIUM, m->hash, MEDIUM) != 0)
                break;
            same_ours = src.media;
            same_theirs = medium;
        }
    }
    return i;
}

/* ---- Writing ---- */

static void seal_head(guint8 *bytes)
{
    put64(bytes + AT_HEAD_SUM, lw_checksum64(bytes, AT_HEAD_SUM, SEED_HEAD));
}

static void seal(guint8 *bytes, const lw_snapshot_table *t)
{
    put64(bytes + AT_BODY_SUM, lw_checksum64(bytes + LW_SNAPSHOT_HEAD, body_bytes(t), SEED_BODY));
    put64(bytes + AT_TAIL_SUM, t->tail ? lw_checksum64(t->tail, t->page_bytes, SEED_TAIL) : 0);
    seal_head(bytes);
}

void lw_snapshot_table_seal(guint8 *bytes, gsize n)
{
    lw_snapshot_owner owner;
    lw_snapshot_table t;

    if (n < LW_SNAPSHOT_HEAD)
        return;
    memcpy(bytes, table_magic, 8);
    put32(bytes + AT_VERSION, LW_SNAPSHOT_VERSION);
    memcpy(owner.key, bytes + AT_KEY, sizeof owner.key);
    owner.page_bytes = (gsize)get64(bytes + AT_PAGE_BYTES);
    seal_head(bytes);
    if (owner.page_bytes <= n && lw_snapshot_table_open(&t, bytes, n, &owner, NULL))
        seal(bytes, &t);
}

guint8 *lw_snapshot_table_write(const lw_snapshot_table *t, const lw_snapshot_owner *owner,
                                const lw_timeline *timeline, const lw_snapshot_page *pages,
                                const void *tail, gsize *n_bytes, GError **error)
{
    lw_snapshot_table w = *t;
    const gint32 *pos = (const gint32 *)timeline->pos->data;

    w.bytes = NULL;
    w.page_bytes = owner->page_bytes;
    w.n_tokens = lw_timeline_len(timeline);
    w.n_media = timeline->media->len;
    if (w.n_tokens < 1 || w.n_tokens > LW_SNAPSHOT_MAX_TOKENS) {
        refuse(error,
               "a snapshot of %" G_GSIZE_FORMAT " tokens; 1 to %" G_GUINT64_FORMAT " are possible",
               w.n_tokens, LW_SNAPSHOT_MAX_TOKENS);
        return NULL;
    }
    *n_bytes = LW_SNAPSHOT_HEAD + w.n_media * MEDIUM + w.n_tokens * TOKEN +
               w.n_tokens / LW_KV_PAGE * PAGE + (w.n_tokens % LW_KV_PAGE ? w.page_bytes : 0);
    guint8 *b = lw_alloc_try(*n_bytes, "the table of a snapshot", error);
    if (!b)
        return NULL;
    memset(b, 0, LW_SNAPSHOT_HEAD);
    w.bytes = b;
    lay_out(&w);
    memcpy(b, table_magic, 8);
    put32(b + AT_VERSION, LW_SNAPSHOT_VERSION);
    memcpy(b + AT_KEY, owner->key, sizeof owner->key);
    put64(b + AT_PAGE_BYTES, owner->page_bytes);
    memcpy(b + AT_NONCE, w.nonce, sizeof w.nonce);
    put64(b + AT_TOKENS, w.n_tokens);
    put64(b + AT_MEDIA, w.n_media);
    put64(b + AT_SLOTS, w.n_slots);
    put64(b + AT_STAMP, w.stamp);
    for (gsize i = 0; i < w.n_media; i++)
        memcpy((guint8 *)w.media + i * MEDIUM, ((lw_media *)timeline->media->pdata[i])->hash,
               MEDIUM);
    for (gsize i = 0; i < w.n_tokens; i++) {
        guint8 *p = (guint8 *)w.tokens + i * TOKEN;
        lw_token_source src = lw_timeline_source(timeline, i);
        put32(p, (guint32)lw_timeline_id(timeline, i));
        for (int k = 0; k < 3; k++)
            put32(p + 4 + 4 * k, (guint32)pos[3 * i + (gsize)k]);
        put32(p + 16, (guint32)src.media);
        put32(p + 20, src.media < 0 ? 0 : src.row);
    }
    for (gsize i = 0; i < w.n_pages; i++) {
        put64((guint8 *)w.pages + i * PAGE, pages[i].slot);
        put64((guint8 *)w.pages + i * PAGE + 8, pages[i].checksum);
    }
    if (w.tail)
        memcpy((guint8 *)w.tail, tail, w.page_bytes);
    seal(b, &w);
    return b;
}

/* ---- The page file ---- */

gsize lw_snapshot_slot_bytes(gsize page_bytes)
{
    return (page_bytes + 4095) & ~(gsize)4095;
}

guint64 lw_snapshot_slot_at(gsize page_bytes, guint64 slot)
{
    return LW_SNAPSHOT_PAGES_HEAD + slot * lw_snapshot_slot_bytes(page_bytes);
}

void lw_snapshot_pages_head(guint8 *head, const guint8 nonce[16], gsize page_bytes)
{
    memset(head, 0, LW_SNAPSHOT_PAGES_HEAD);
    memcpy(head, pages_magic, 8);
    put32(head + AT_VERSION, LW_SNAPSHOT_VERSION);
    memcpy(head + PAGES_AT_NONCE, nonce, 16);
    put64(head + PAGES_AT_BYTES, page_bytes);
    put64(head + PAGES_AT_SUM, lw_checksum64(head, PAGES_AT_SUM, SEED_PAGES));
}

gboolean lw_snapshot_pages_check(const lw_snapshot_table *t, const void *bytes, gsize n,
                                 GError **error)
{
    g_autofree guint8 *head = g_malloc(LW_SNAPSHOT_PAGES_HEAD);

    if (n < LW_SNAPSHOT_PAGES_HEAD)
        return refuse(error, "its page file has %" G_GSIZE_FORMAT " bytes", n);
    lw_snapshot_pages_head(head, t->nonce, t->page_bytes);
    if (memcmp(bytes, head, LW_SNAPSHOT_PAGES_HEAD) != 0)
        return refuse(error, "the page file beside it belongs to another snapshot or is damaged");
    /* The padding behind the last page may be missing. */
    guint64 there =
        t->n_pages
            ? (n - LW_SNAPSHOT_PAGES_HEAD + lw_snapshot_slot_bytes(t->page_bytes) - t->page_bytes) /
                  lw_snapshot_slot_bytes(t->page_bytes)
            : 0;
    for (gsize i = 0; i < t->n_pages; i++) {
        guint64 slot = lw_snapshot_table_page(t, i).slot;
        if (slot >= there)
            return refuse(error,
                          "page %" G_GSIZE_FORMAT
                          " lies behind the end of the page file (%" G_GSIZE_FORMAT " bytes)",
                          i, n);
    }
    return TRUE;
}
