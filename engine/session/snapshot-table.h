/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table of a snapshot: which tokens its pages hold, where the pages lie and what their
 * checksums are. Pure functions over bytes; nothing here opens a file.  The bytes come from
 * outside: every count is checked against the bytes that are there before anything is read, and a
 * table that does not fit exactly is refused.
 *
 * All numbers are little-endian.
 *
 *   0  "LWKVSNAP"            8   version, u32           12  zero, u32
 *  16  key, 32 bytes         48  page bytes, u64        56  nonce of the page file, 16 bytes
 *  72  tokens, u64           80  media, u64             88  slots of the page file that are in use,
 * u64 96  stamp, u64           104  body checksum, u64    112  tail checksum, u64 (0: no tail) 120
 * header checksum, u64, of bytes 0..119 128  media: 32-byte content hashes tokens: id, t, h, w,
 * medium (-1: text), row; six i32 each pages: slot, checksum; two u64 for every full page of 64
 * tokens tail: when the last page is not full, that page, as many bytes as any page
 *
 * The tail lies here because it is replaced by every turn, while the pages of the page file are
 * written once:
 *
 *   0  "LWKVPAGE"   8  version, u32   12  zero, u32   16  nonce, 16 bytes   32  page bytes, u64
 *  40  checksum of bytes 0..39, u64    48..4095  zeros
 * 4096 slots, each a page, padded to a multiple of 4096
 *
 * Version 1.
 */
#pragma once

#include "engine/kv/pages.h"
#include "engine/session/timeline.h"

G_BEGIN_DECLS

#define LW_SNAPSHOT_VERSION 1
#define LW_SNAPSHOT_HEAD 128
#define LW_SNAPSHOT_PAGES_HEAD 4096
#define LW_SNAPSHOT_MAX_TOKENS ((guint64)1 << 28)
#define LW_SNAPSHOT_MAX_SLOTS ((guint64)1 << 32)

/* Who may use a snapshot: everything that decides what a page means. */
typedef struct {
    guint8 key[32];
    gsize page_bytes;
} lw_snapshot_owner;

/* Where a full page lies. */
typedef struct {
    guint64 slot, checksum;
} lw_snapshot_page;

/* An opened table; borrows the bytes. */
typedef struct {
    const guint8 *bytes;
    gsize n_bytes, page_bytes;
    gsize n_tokens, n_media, n_pages; /* n_pages: full ones */
    guint64 n_slots, stamp;
    guint8 nonce[16];
    const guint8 *media, *tokens, *pages;
    const guint8 *tail; /* NULL: there is none */
} lw_snapshot_table;

/* Checks the head and that the sizes agree; the rest only by lw_snapshot_table_check().
 * Errors: LW_ENGINE_ERROR_INVALID, saying what is wrong. */
gboolean lw_snapshot_table_open(lw_snapshot_table *t, const void *bytes, gsize n,
                                const lw_snapshot_owner *owner, GError **error);
/* The checksums of body and tail, and that slots are in range.  Errors: INVALID. */
gboolean lw_snapshot_table_check(const lw_snapshot_table *t, GError **error);
/* Tokens at the start that are the same in both, as lw_timeline_common() has it. */
gsize lw_snapshot_table_common(const lw_snapshot_table *t, const lw_timeline *want);
lw_snapshot_page lw_snapshot_table_page(const lw_snapshot_table *t, gsize i);

/* Write a table: what is given in t (n_slots, stamp, nonce, page_bytes) and the timeline; pages has
 * an entry for every full page, tail the bytes of the last one if it is not full.  Free with
 * lw_free(). Errors: NO_MEMORY, INVALID (over LW_SNAPSHOT_MAX_TOKENS). */
guint8 *lw_snapshot_table_write(const lw_snapshot_table *t, const lw_snapshot_owner *owner,
                                const lw_timeline *timeline, const lw_snapshot_page *pages,
                                const void *tail, gsize *n_bytes, GError **error);

/* Set both checksums that depend on the bytes of a table: for tests that damage one on purpose. */
void lw_snapshot_table_seal(guint8 *bytes, gsize n);

/* The head of a page file, LW_SNAPSHOT_PAGES_HEAD bytes. */
void lw_snapshot_pages_head(guint8 *head, const guint8 nonce[16], gsize page_bytes);
/* Does this page file belong to the table, and does it reach as far as the table says?
 * Errors: INVALID. */
gboolean lw_snapshot_pages_check(const lw_snapshot_table *t, const void *bytes, gsize n,
                                 GError **error);
/* Bytes from one slot to the next, and where a slot begins. */
gsize lw_snapshot_slot_bytes(gsize page_bytes);
guint64 lw_snapshot_slot_at(gsize page_bytes, guint64 slot);

G_END_DECLS
