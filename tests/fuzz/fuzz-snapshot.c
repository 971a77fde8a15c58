/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The input is the table of a snapshot behind one byte: its lowest bit asks for checksums that fit
 * whatever the rest says, its other bits are the length of a page file, in pieces of 64 bytes.
 */
#include "engine/session/snapshot-table.h"
#include "tests/fuzz/fuzz.h"

#define PAGE_BYTES 64

static void media_free(lw_media *m)
{
    g_free(m);
}

/* What is asked for: 70 text tokens, a picture of 6, 50 text tokens; the corpus has tables that
 * begin so. */
static void build_prompt(lw_timeline *t)
{
    lw_media *m = g_new0(lw_media, 1);
    gint32 ids[70];

    g_atomic_ref_count_init(&m->refs);
    m->grid_t = 1;
    m->grid_h = 4;
    m->grid_w = 6;
    m->merge_size = 2;
    m->free = media_free;
    memset(m->hash, 7, sizeof m->hash);
    for (int i = 0; i < 70; i++)
        ids[i] = i * 31 % 1000;
    lw_timeline_init(t);
    lw_timeline_add_text(t, ids, 70);
    lw_timeline_add_media(t, m, 100, 2);
    lw_timeline_add_text(t, ids, 50);
    lw_media_unref(m);
}

static void use(const lw_snapshot_table *t, const lw_timeline *want, gsize n_pages_file)
{
    guint8 *file = g_malloc0(MAX(n_pages_file, LW_SNAPSHOT_PAGES_HEAD)), sum = 0;
    GError *error = NULL;
    gsize common = lw_snapshot_table_common(t, want);

    fuzz_require(common <= t->n_tokens && common <= lw_timeline_len(want));
    gboolean whole = lw_snapshot_table_check(t, &error);
    fuzz_require(whole == (error == NULL));
    g_clear_error(&error);
    lw_snapshot_pages_head(file, t->nonce, PAGE_BYTES);
    gboolean there = lw_snapshot_pages_check(t, file, n_pages_file, &error);
    fuzz_require(there == (error == NULL));
    g_clear_error(&error);
    /* What is accepted can be read: every page lies in the file, the tail in the table. */
    for (gsize i = 0; there && i < t->n_pages; i++) {
        guint64 at = lw_snapshot_slot_at(PAGE_BYTES, lw_snapshot_table_page(t, i).slot);
        fuzz_require(at <= n_pages_file - PAGE_BYTES);
        for (gsize b = 0; b < PAGE_BYTES; b++)
            sum ^= file[at + b];
    }
    for (gsize b = 0; t->tail && b < PAGE_BYTES; b++)
        sum ^= t->tail[b];
    *(volatile guint8 *)&sum = sum;
    g_free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    lw_snapshot_owner owner = {.page_bytes = PAGE_BYTES};
    lw_snapshot_table t;
    lw_timeline want;
    GError *error = NULL;

    if (n == 0)
        return 0;
    guint8 *bytes = g_malloc(MAX(n - 1, 1));
    memcpy(bytes, data + 1, n - 1);
    if (data[0] & 1) {
        if (n - 1 >= LW_SNAPSHOT_HEAD)
            memcpy(bytes + 16, owner.key, sizeof owner.key);
        lw_snapshot_table_seal(bytes, n - 1);
    }
    gboolean opened = lw_snapshot_table_open(&t, bytes, n - 1, &owner, &error);
    fuzz_require(opened == (error == NULL));
    g_clear_error(&error);
    if (opened) {
        build_prompt(&want);
        use(&t, &want, (gsize)(data[0] >> 1) * 64 + 4000);
        lw_timeline_clear(&want);
    }
    g_free(bytes);
    return 0;
}
