/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A model from the web into a folder of its own in the library: all parts of a split one, and its vision
 * file.  What was asked for is remembered in that folder until everything has arrived, so that another
 * run, or the other of the two programs, goes on with it.
 *
 * Any thread; a plan belongs to one at a time.  Errors: LW_DOWNLOAD_ERROR; G_IO_ERROR_INVALID_ARGUMENT for
 * what was typed, in the language of the user.
 */
#pragma once

#include "engine/library/lw-download.h"

G_BEGIN_DECLS

/* What is remembered, in the model's folder; hidden from the library by its dot. */
#define LW_FETCH_FILE ".download.ini"

typedef struct {
    char *url, *name;
    lw_download_result result; /* .path NULL until it has arrived */
} lw_fetch_item;

typedef struct {
    char *folder;              /* where it all goes */
    char *title;               /* the model's file name without its ending */
    char *url, *mmproj, *sha256; /* as asked for; mmproj and sha256 may be NULL */
    GPtrArray *items;          /* of lw_fetch_item, the model's first part first */
    guint64 done, total;       /* bytes that lay there when an unfinished one was found; 0: not known */
} lw_fetch;

/* mmproj_url: its vision file, NULL or "": none.  sha256: of a model in one file, NULL or "": what the
 * server announces.  Touches nothing.  Free with lw_fetch_free(). */
lw_fetch *lw_fetch_plan(const char *url, const char *mmproj_url, const char *sha256, GError **error);
void lw_fetch_free(lw_fetch *f);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lw_fetch, lw_fetch_free)

typedef struct {
    guint retries; /* as in lw_download_params */
    guint retry_ms;
    lw_download_progress_fn progress;
    /* Before and after each item (finished FALSE, TRUE); index from 0.  May be NULL. */
    void (*item)(void *user, const lw_fetch *f, guint index, gboolean finished);
    void *user;
} lw_fetch_params;

/* Fetch what is missing, one file after the other.  Blocks; see lw_download(). */
gboolean lw_fetch_run(lw_fetch *f, const lw_fetch_params *params, GCancellable *cancellable,
                      GError **error);

/* Those in the library that have not arrived whole, by folder name.  Of lw_fetch; g_ptr_array_unref(). */
GPtrArray *lw_fetch_unfinished(void);

/* Throw away what an unfinished one has brought: the person asked for it.  Complete files stay. */
gboolean lw_fetch_discard(const lw_fetch *f, GError **error);

G_END_DECLS
