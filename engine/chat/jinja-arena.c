/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory of a template or a run.
 */
#include "engine/base/alloc.h"
#include "engine/chat/jinja-private.h"

#define CHUNK ((gsize)16 * 1024)
#define ALIGN ((gsize)16)

struct lw_jchunk {
    lw_jchunk *before;
    gsize at, n;
    _Alignas(16) char bytes[];
};

void *lw_jarena_alloc(lw_jarena *a, gsize n)
{
    lw_jchunk *c = a->last;
    void *p;

    if (n > G_MAXSSIZE / 4)
        return NULL;
    n = MAX((n + ALIGN - 1) & ~(ALIGN - 1), ALIGN);
    if (!c || n > c->n - c->at) {
        gsize size = MAX(n, CHUNK);

        if (size > a->limit || a->used > a->limit - size)
            return NULL;
        c = lw_alloc_try(sizeof *c + size, "the chat template's values", NULL);
        if (!c) {
            a->no_memory = TRUE;
            return NULL;
        }
        *c = (lw_jchunk){.before = a->last, .n = size};
        a->last = c;
        a->used += size;
    }
    p = c->bytes + c->at;
    c->at += n;
    return p;
}

static void pop(lw_jarena *a)
{
    lw_jchunk *c = a->last;

    a->last = c->before;
    a->used -= c->n;
    lw_free(c);
}

void lw_jarena_clear(lw_jarena *a)
{
    while (a->last)
        pop(a);
}

lw_jmark lw_jarena_mark(const lw_jarena *a)
{
    return (lw_jmark){a->last, a->last ? a->last->at : 0};
}

void lw_jarena_release(lw_jarena *a, lw_jmark mark)
{
    while (a->last != mark.last)
        pop(a);
    if (a->last)
        a->last->at = mark.at;
}
