/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory whose size comes from a file, a picture or the user: aligned, and failing with an error
 * instead of an abort.  Small bookkeeping uses g_new as usual.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Alignment of every block returned here, in bytes: one AVX-512 register, one cache line. */
#define LW_ALIGN 64

/* n_bytes of uninitialised memory aligned to LW_ALIGN (a 0 asks for 1), or NULL with
 * LW_ENGINE_ERROR_NO_MEMORY naming `what` and the size.  Any thread.  Free with lw_free(). */
void *lw_alloc_try(gsize n_bytes, const char *what, GError **error);

/* Like lw_alloc_try() for n * size bytes, cleared to zero; the product is checked. */
void *lw_alloc0_array_try(gsize n, gsize size, const char *what, GError **error);

/* NULL is allowed. */
void lw_free(void *p);

/* For tests: the k-th lw_alloc*_try() from now (k = 0: the next) fails, once.  -1 turns it off. */
void lw_alloc_fail_at(int k);
/* For tests: has the planned failure not happened yet? */
gboolean lw_alloc_fail_pending(void);

G_END_DECLS
