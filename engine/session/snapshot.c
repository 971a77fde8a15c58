/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "longwave"

#include "engine/session/snapshot.h"

#include "engine/base/alloc.h"
#include "engine/base/checksum.h"
#include "engine/gguf/mapping.h"
#include "engine/session/snapshot-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SEED_PAGE 21
/* A page file is written anew when more of it is dead than alive, and more than this. */
#define DEAD_SLOTS 16

struct lw_snapshots {
    char *root, *folder; /* folder: the owner's own */
    guint64 budget;
    lw_snapshot_owner owner;
    GHashTable *complained; /* names of files that were logged */
};

struct lw_snapshot_link {
    char *id;
    int fd; /* of the page file, locked */
    guint8 nonce[16];
    guint64 stamp, n_slots;
    gsize n_tokens; /* in the table on disk */
    gsize n_same;   /* of these, the session still has */
    GArray *pages;  /* lw_snapshot_page: full pages of the session that are on disk */
};

struct lw_snapshot_find {
    lw_snapshots *owner;
    char *id;
    lw_mapping *table_map;
    lw_snapshot_table table;
    lw_mapping *pages_map;
    gsize n_tokens; /* usable */
};

/* ---- Lifecycle ---- */

lw_snapshots *lw_snapshots_new(const char *folder, guint64 budget, const lw_snapshot_owner *owner)
{
    lw_snapshots *s = g_new0(lw_snapshots, 1);
    GString *name = g_string_new(NULL);

    for (int i = 0; i < 16; i++)
        g_string_append_printf(name, "%02x", owner->key[i]);
    s->root = g_strdup(folder);
    s->folder = g_build_filename(folder, name->str, NULL);
    g_string_free(name, TRUE);
    s->budget = budget;
    s->owner = *owner;
    s->complained = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return s;
}

void lw_snapshots_free(lw_snapshots *s)
{
    if (!s)
        return;
    g_hash_table_unref(s->complained);
    g_free(s->root);
    g_free(s->folder);
    g_free(s);
}

static void complain(lw_snapshots *s, const char *id, const GError *error)
{
    if (g_hash_table_add(s->complained, g_strdup(id)))
        g_message("the snapshot %s/%s is ignored: %s", s->folder, id, error->message);
}

void lw_snapshot_link_cut(lw_snapshot_link *link, gsize n)
{
    if (!link)
        return;
    link->n_same = MIN(link->n_same, n);
    if (link->pages->len > n / LW_KV_PAGE)
        g_array_set_size(link->pages, (guint)(n / LW_KV_PAGE));
}

void lw_snapshot_link_free(lw_snapshot_link *link)
{
    if (!link)
        return;
    if (link->fd >= 0)
        close(link->fd); /* unlocks */
    g_array_unref(link->pages);
    g_free(link->id);
    g_free(link);
}

static lw_snapshot_link *link_new(const char *id)
{
    lw_snapshot_link *l = g_new0(lw_snapshot_link, 1);

    l->id = g_strdup(id);
    l->fd = -1;
    l->pages = g_array_new(FALSE, FALSE, sizeof(lw_snapshot_page));
    return l;
}

/* ---- Search ---- */

typedef struct {
    char *id;
    gsize common;
} candidate;

static void candidate_clear(gpointer p)
{
    g_free(((candidate *)p)->id);
}

static int most_common_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;

    if (x->common != y->common)
        return x->common > y->common ? -1 : 1;
    return strcmp(x->id, y->id);
}

static lw_mapping *open_table(lw_snapshots *s, const char *id, lw_snapshot_table *t, GError **error)
{
    g_autofree char *path = lw_snapshot_path(s->folder, id, "table");
    lw_mapping *m = lw_mapping_new(path, error);

    if (m && !lw_snapshot_table_open(t, lw_mapping_bytes(m), lw_mapping_size(m), &s->owner, error))
        g_clear_pointer(&m, lw_mapping_free);
    return m;
}

/* Tables that share more than at_least tokens with the prompt, by their unchecked lists of tokens.
 */
static GArray *candidates(lw_snapshots *s, const lw_timeline *want, gsize at_least)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(candidate));
    GDir *dir = g_dir_open(s->folder, 0, NULL);
    const char *name;

    g_array_set_clear_func(list, candidate_clear);
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *id = NULL;
        g_autoptr(GError) error = NULL;
        lw_snapshot_table t;

        if (!lw_snapshot_is_table(name, &id) || g_hash_table_contains(s->complained, id))
            continue;
        lw_mapping *m = open_table(s, id, &t, &error);
        if (!m) {
            complain(s, id, error);
            continue;
        }
        gsize common = lw_snapshot_table_common(&t, want);
        lw_mapping_free(m);
        if (common > at_least) {
            candidate c = {g_steal_pointer(&id), common};
            g_array_append_val(list, c);
        }
    }
    if (dir)
        g_dir_close(dir);
    g_array_sort(list, most_common_first);
    return list;
}

/* Pages of the first n tokens that are as they were written, at most `common` tokens. */
static gsize check_pages(const lw_snapshot_find *f, gsize common, GError **error)
{
    const guint8 *bytes = lw_mapping_bytes(f->pages_map);

    for (gsize i = 0; i < f->table.n_pages && i * LW_KV_PAGE < common; i++) {
        lw_snapshot_page p = lw_snapshot_table_page(&f->table, i);
        const guint8 *page = bytes + lw_snapshot_slot_at(f->table.page_bytes, p.slot);
        if (lw_checksum64(page, f->table.page_bytes, SEED_PAGE) != p.checksum) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                        "page %" G_GSIZE_FORMAT " is damaged (the checksum is wrong); "
                        "what lies before it is used",
                        i);
            return i * LW_KV_PAGE;
        }
    }
    return common;
}

/* Open, check everything that will be used.  n_tokens is 0 when nothing is usable. */
static gboolean check_candidate(lw_snapshot_find *f, GError **error)
{
    lw_snapshots *s = f->owner;
    g_autofree char *pages = lw_snapshot_path(s->folder, f->id, "pages");
    gsize common = f->n_tokens;

    f->n_tokens = 0;
    f->table_map = open_table(s, f->id, &f->table, error);
    if (!f->table_map || !lw_snapshot_table_check(&f->table, error))
        return FALSE;
    common = MIN(common, f->table.n_tokens);
    f->pages_map = lw_mapping_new(pages, error);
    if (!f->pages_map || !lw_snapshot_pages_check(&f->table, lw_mapping_bytes(f->pages_map),
                                                  lw_mapping_size(f->pages_map), error))
        return FALSE;
    f->n_tokens = check_pages(f, common, error);
    if (!lw_mapping_is_intact(f->table_map) || !lw_mapping_is_intact(f->pages_map)) {
        g_clear_error(error);
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "it became shorter while it was read");
        f->n_tokens = 0;
        return FALSE;
    }
    return f->n_tokens == common;
}

lw_snapshot_find *lw_snapshots_search(lw_snapshots *s, const lw_timeline *want, gsize at_least)
{
    g_autoptr(GArray) list = candidates(s, want, at_least);

    for (guint i = 0; i < list->len; i++) {
        const candidate *c = &g_array_index(list, candidate, i);
        g_autoptr(GError) error = NULL;
        lw_snapshot_find *f = g_new0(lw_snapshot_find, 1);

        f->owner = s;
        f->id = g_strdup(c->id);
        f->n_tokens = c->common;
        if (!check_candidate(f, &error))
            complain(s, f->id, error);
        /* The list was read before it was checked: what counts is what is there now. */
        if (f->n_tokens)
            f->n_tokens = MIN(f->n_tokens, lw_snapshot_table_common(&f->table, want));
        if (f->n_tokens > at_least)
            return f;
        lw_snapshot_find_free(f);
    }
    return NULL;
}

gsize lw_snapshot_find_n_tokens(const lw_snapshot_find *f)
{
    return f->n_tokens;
}

void lw_snapshot_find_free(lw_snapshot_find *f)
{
    if (!f)
        return;
    lw_mapping_free(f->table_map);
    lw_mapping_free(f->pages_map);
    g_free(f->id);
    g_free(f);
}

/* ---- Use ---- */

/* Become the one who appends to this snapshot; NULL when somebody else is, or has been since it was
 * read. */
static lw_snapshot_link *take_over(const lw_snapshot_find *f)
{
    g_autofree char *pages = lw_snapshot_path(f->owner->folder, f->id, "pages");
    lw_snapshot_link *l = link_new(f->id);
    lw_snapshot_table now;
    lw_mapping *m = NULL;

    l->fd = open(pages, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (l->fd < 0 || !lw_snapshot_lock(l->fd) || !(m = open_table(f->owner, f->id, &now, NULL)) ||
        now.stamp != f->table.stamp) {
        lw_mapping_free(m);
        lw_snapshot_link_free(l);
        return NULL;
    }
    lw_mapping_free(m);
    memcpy(l->nonce, f->table.nonce, sizeof l->nonce);
    l->stamp = f->table.stamp;
    l->n_slots = f->table.n_slots;
    l->n_tokens = f->table.n_tokens;
    l->n_same = f->n_tokens;
    for (gsize i = 0; i < f->n_tokens / LW_KV_PAGE; i++) {
        lw_snapshot_page p = lw_snapshot_table_page(&f->table, i);
        g_array_append_val(l->pages, p);
    }
    return l;
}

/* Least recently used is by the time of the table. */
static void touch(const lw_snapshot_find *f)
{
    g_autofree char *table = lw_snapshot_path(f->owner->folder, f->id, "table");

    utimensat(AT_FDCWD, table, NULL, AT_SYMLINK_NOFOLLOW);
}

static gboolean mapping_is_intact(void *mapping)
{
    return lw_mapping_is_intact(mapping);
}

static void mapping_free(void *mapping)
{
    lw_mapping_free(mapping);
}

gboolean lw_snapshot_find_use(lw_snapshot_find *f, lw_kv_seq *kv, lw_snapshot_link **link,
                              GError **error)
{
    const lw_snapshot_table *t = &f->table;
    gsize in_pages = MIN(f->n_tokens, t->n_pages * LW_KV_PAGE),
          n = (in_pages + LW_KV_PAGE - 1) / LW_KV_PAGE;
    const guint8 *bytes = lw_mapping_bytes(f->pages_map);
    g_autofree const void **pages = g_new(const void *, MAX(n, 1));
    lw_kv_lender *lender = lw_kv_lender_new(mapping_is_intact, mapping_free, f->pages_map);

    f->pages_map = NULL; /* the lender's now */
    for (gsize i = 0; i < n; i++)
        pages[i] = bytes + lw_snapshot_slot_at(t->page_bytes, lw_snapshot_table_page(t, i).slot);
    gboolean ok = lw_kv_seq_append_lent(kv, pages, in_pages, lender, error) &&
                  (f->n_tokens == in_pages ||
                   lw_kv_seq_append_copy(kv, t->tail, f->n_tokens - in_pages, error));
    lw_kv_lender_unref(lender);
    if (!ok) {
        lw_kv_seq_truncate(kv, 0);
        return FALSE;
    }
    touch(f);
    *link = take_over(f);
    return TRUE;
}

/* ---- Save ---- */

static gboolean fail(GError **error, const char *path, const char *what, int code)
{
    g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s: cannot %s: %s", path, what,
                g_strerror(code));
    return FALSE;
}

static gboolean write_at(int fd, const void *bytes, gsize n, guint64 at)
{
    const char *p = bytes;

    while (n > 0) {
        gssize wrote = pwrite(fd, p, n, (off_t)at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            if (wrote == 0)
                errno = ENOSPC;
            return FALSE;
        }
        p += wrote;
        n -= (gsize)wrote;
        at += (guint64)wrote;
    }
    return TRUE;
}

static void fill_random(void *p, gsize n)
{
    for (gsize i = 0; i < n; i += 4) {
        guint32 r = g_random_int();
        memcpy((char *)p + i, &r, 4);
    }
}

/* A new, empty page file. */
static lw_snapshot_link *create(lw_snapshots *s, GError **error)
{
    g_autofree guint8 *head = g_malloc(LW_SNAPSHOT_PAGES_HEAD);
    guint64 id;

    if (g_mkdir_with_parents(s->folder, 0700) != 0) {
        fail(error, s->folder, "make the folder", errno);
        return NULL;
    }
    fill_random(&id, sizeof id);
    g_autofree char *name = g_strdup_printf("%016" G_GINT64_MODIFIER "x", id);
    g_autofree char *path = lw_snapshot_path(s->folder, name, "pages");
    lw_snapshot_link *l = link_new(name);
    fill_random(l->nonce, sizeof l->nonce);
    lw_snapshot_pages_head(head, l->nonce, s->owner.page_bytes);
    l->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->fd < 0) {
        fail(error, path, "create it", errno);
    } else if (!lw_snapshot_lock(l->fd) || !write_at(l->fd, head, LW_SNAPSHOT_PAGES_HEAD, 0)) {
        fail(error, path, "write", errno);
        unlink(path);
    } else {
        return l;
    }
    lw_snapshot_link_free(l);
    return NULL;
}

/* Does the conversation go on in the snapshot it came from? */
static gboolean goes_on(const lw_snapshot_link *l)
{
    guint64 dead = l->n_slots - l->pages->len;
    struct stat st;

    if (fstat(l->fd, &st) != 0 || st.st_nlink == 0) /* somebody emptied the folder */
        return FALSE;
    if (2 * l->n_same < l->n_tokens)
        return FALSE;
    return dead <= DEAD_SLOTS || dead <= l->pages->len;
}

/* Append the full pages that are not on disk yet. */
static gboolean append_pages(lw_snapshots *s, lw_snapshot_link *l, const lw_kv_seq *kv,
                             guint64 *n_bytes, GError **error)
{
    gsize page_bytes = s->owner.page_bytes, n = lw_kv_seq_len(kv) / LW_KV_PAGE;
    g_autofree void *buf = g_try_malloc(page_bytes);

    errno = ENOMEM;
    for (gsize i = l->pages->len; buf && i < n; i++) {
        const void *page = lw_kv_seq_page(kv, i, buf);
        lw_snapshot_page p = {l->n_slots, lw_checksum64(page, page_bytes, SEED_PAGE)};
        if (!write_at(l->fd, page, page_bytes, lw_snapshot_slot_at(page_bytes, p.slot)))
            break;
        l->n_slots++;
        g_array_append_val(l->pages, p);
        *n_bytes += page_bytes;
    }
    if (l->pages->len == n && (*n_bytes == 0 || fdatasync(l->fd) == 0))
        return TRUE;
    int code = errno;
    g_autofree char *path = lw_snapshot_path(s->folder, l->id, "pages");
    return fail(error, path, "write", code);
}

/* The table was not written: it names nothing from these slots on, so give the room back. */
static void take_back(const lw_snapshots *s, lw_snapshot_link *l, guint64 n_slots, guint n_pages)
{
    l->n_slots = n_slots;
    g_array_set_size(l->pages, n_pages);
    if (ftruncate(l->fd, (off_t)lw_snapshot_slot_at(s->owner.page_bytes, n_slots)) != 0)
        g_debug("%s/%s: cannot shorten: %s", s->folder, l->id, g_strerror(errno));
}

static gboolean write_table(lw_snapshots *s, lw_snapshot_link *l, const lw_timeline *timeline,
                            const lw_kv_seq *kv, guint64 *n_bytes, GError **error)
{
    lw_snapshot_table t = {.n_slots = l->n_slots, .page_bytes = s->owner.page_bytes};
    gsize n_tokens = lw_timeline_len(timeline), n;
    g_autofree void *buf = g_try_malloc(s->owner.page_bytes);
    g_autofree char *path = lw_snapshot_path(s->folder, l->id, "table");
    g_autofree char *suffix = g_strdup_printf("%d.tmp", (int)getpid());
    g_autofree char *temporary = lw_snapshot_path(s->folder, l->id, suffix);

    if (!buf)
        return fail(error, path, "write", ENOMEM);
    const void *tail = n_tokens % LW_KV_PAGE ? lw_kv_seq_page(kv, n_tokens / LW_KV_PAGE, buf) : NULL;
    fill_random(&t.stamp, sizeof t.stamp);
    memcpy(t.nonce, l->nonce, sizeof t.nonce);
    guint8 *bytes = lw_snapshot_table_write(
        &t, &s->owner, timeline, (const lw_snapshot_page *)l->pages->data, tail, &n, error);
    if (!bytes)
        return FALSE;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    gboolean ok = fd >= 0 && write_at(fd, bytes, n, 0) && fsync(fd) == 0;
    int code = errno;
    if (fd >= 0 && close(fd) != 0 && ok) {
        code = errno;
        ok = FALSE;
    }
    lw_free(bytes);
    if (ok && rename(temporary, path) != 0) {
        code = errno;
        ok = FALSE;
    }
    if (!ok) {
        unlink(temporary);
        return fail(error, path, "write", code);
    }
    l->stamp = t.stamp;
    l->n_tokens = l->n_same = n_tokens;
    *n_bytes = n;
    return TRUE;
}

/* Bytes that a snapshot takes on disk. */
static guint64 size_of(const lw_snapshots *s, guint64 n_slots, gsize n_tokens)
{
    return lw_snapshot_slot_at(s->owner.page_bytes, n_slots) + LW_SNAPSHOT_HEAD +
           (guint64)n_tokens * 24 + n_tokens / LW_KV_PAGE * 16 +
           (n_tokens % LW_KV_PAGE ? s->owner.page_bytes : 0);
}

/* Is there room for it in the budget, and `more` bytes of it on the disk? */
static gboolean has_room(const lw_snapshots *s, guint64 size, guint64 more, guint64 *budget,
                         GError **error)
{
    struct statvfs fs;
    g_autofree char *need = g_format_size_full(size, G_FORMAT_SIZE_IEC_UNITS);

    *budget = lw_snapshot_budget(s->root, s->budget, s->budget ? 0 : lw_snapshot_used(s->root));
    if (size > *budget) {
        g_autofree char *have = g_format_size_full(*budget, G_FORMAT_SIZE_IEC_UNITS);
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "the conversation needs %s on disk, snapshots may take %s", need, have);
        return FALSE;
    }
    if (statvfs(s->folder, &fs) != 0)
        return TRUE; /* the folder is not there yet */
    guint64 left = (guint64)fs.f_bavail * fs.f_frsize;
    if (more + LW_SNAPSHOT_LEAVE_FREE > left) {
        g_autofree char *have = g_format_size_full(left, G_FORMAT_SIZE_IEC_UNITS);
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "the conversation needs %s on disk, where only %s are free", need, have);
        return FALSE;
    }
    return TRUE;
}

gboolean lw_snapshots_save(lw_snapshots *s, const lw_timeline *timeline, const lw_kv_seq *kv,
                           lw_snapshot_link **link, lw_snapshot_written *written, GError **error)
{
    gsize n = lw_timeline_len(timeline);
    lw_snapshot_link *l = *link, *old = NULL;
    lw_snapshot_written w = {0};
    guint64 budget;

    if (written)
        *written = w;
    g_return_val_if_fail(lw_kv_seq_len(kv) == n, FALSE);
    if (n < LW_SNAPSHOT_MIN_TOKENS || (l && l->n_same == n && l->n_tokens == n))
        return TRUE;

    if (l && !goes_on(l)) {
        /* Dead slots: this file is replaced.  A branch leaves the other one as it is. */
        if (2 * l->n_same >= l->n_tokens)
            old = l;
        else
            lw_snapshot_link_free(l);
        l = *link = NULL;
    }
    guint64 n_new = n / LW_KV_PAGE - (l ? l->pages->len : 0);
    guint64 size = size_of(s, (l ? l->n_slots : 0) + n_new, n);
    gboolean ok = has_room(s, size, n_new * s->owner.page_bytes + size_of(s, 0, n), &budget, error);
    if (ok && !l) {
        l = *link = create(s, error);
        ok = l != NULL;
        w.new_file = ok;
    }
    guint64 slots_before = l ? l->n_slots : 0;
    guint pages_before = l ? l->pages->len : 0;
    ok = ok && append_pages(s, l, kv, &w.page_bytes, error);
    if (ok && !lw_kv_seq_is_intact(kv)) {
        g_set_error_literal(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                            "the snapshot it was restored from became shorter");
        ok = FALSE;
    }
    ok = ok && write_table(s, l, timeline, kv, &w.table_bytes, error);
    if (!ok && w.new_file) {
        lw_snapshot_remove(s->folder, l->id);
        g_clear_pointer(link, lw_snapshot_link_free);
    } else if (!ok && l) {
        take_back(s, l, slots_before, pages_before);
    }
    if (old) {
        if (ok)
            lw_snapshot_remove(s->folder, old->id);
        lw_snapshot_link_free(old);
    }
    if (ok) {
        lw_snapshot_evict(s->root, budget, l->id);
        if (written)
            *written = w;
    }
    return ok;
}
