/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/lw-error.h"

#define HUGE_PAGE ((gsize)2 << 20)

/* Allocations left until the injected failure; negative: none is planned. */
static gint fail_countdown = -1;

void lw_alloc_fail_at(int k)
{
    g_atomic_int_set(&fail_countdown, k < 0 ? -1 : k);
}

gboolean lw_alloc_fail_pending(void)
{
    return g_atomic_int_get(&fail_countdown) >= 0;
}

static gboolean injected_failure(void)
{
    for (;;) {
        gint left = g_atomic_int_get(&fail_countdown);

        if (left < 0)
            return FALSE;
        if (g_atomic_int_compare_and_exchange(&fail_countdown, left, left - 1))
            return left == 0;
    }
}

void *lw_alloc_try(gsize n_bytes, const char *what, GError **error)
{
    void *p = NULL;
    gsize n = MAX(n_bytes, 1);

    /* No object may exceed PTRDIFF_MAX, and rounding up below must not wrap. */
    if (n <= (gsize)G_MAXSSIZE - LW_ALIGN && !injected_failure()) {
        /* Whole lines, so that a vector tail may read up to the end of the last one. */
        n = (n + LW_ALIGN - 1) & ~(gsize)(LW_ALIGN - 1);
        gsize align = n >= 2 * HUGE_PAGE ? HUGE_PAGE : LW_ALIGN;
        if (posix_memalign(&p, align, n) != 0)
            p = NULL;
#ifdef MADV_HUGEPAGE
        else if (align == HUGE_PAGE) /* a wish: what is streamed often saves its address lookups */
            madvise(p, n & ~(gsize)(HUGE_PAGE - 1), MADV_HUGEPAGE);
#endif
    }
    if (p == NULL) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                    "not enough memory for %s (%" G_GSIZE_FORMAT " bytes)", what, n_bytes);
        lw_error_set_facts(error, &(lw_error_facts){.kind = LW_FACTS_ALLOCATION, .number = {n_bytes}});
    }
    return p;
}

void *lw_alloc0_array_try(gsize n, gsize size, const char *what, GError **error)
{
    gsize n_bytes;
    void *p;

    if (__builtin_mul_overflow(n, size, &n_bytes)) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_NO_MEMORY,
                    "not enough memory for %s (%" G_GSIZE_FORMAT " times %" G_GSIZE_FORMAT " bytes)",
                    what, n, size);
        return NULL;
    }
    p = lw_alloc_try(n_bytes, what, error);
    if (p != NULL)
        memset(p, 0, n_bytes);
    return p;
}

void lw_free(void *p)
{
    free(p);
}
