/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * stb_image, with only the formats we want and an allocator that knows a budget.
 */
#include "vision/vision-private.h"

#include "engine/base/alloc.h"

#include <string.h>

/* stb_image has no context argument for its allocator; a decode stays on one thread. */
static _Thread_local gint64 budget_left;
static _Thread_local gboolean budget_hit;

/* stb_image reads tables that a damaged file never set; they shall be zeros.  Pixel buffers are
 * written first. */
#define CLEARED (64 << 10)

/* Every block carries its size in front, so that frees give budget back. */
static void *stb_malloc(gsize n)
{
    if (budget_left < LW_ALIGN || n > (gsize)budget_left - LW_ALIGN) {
        budget_hit = TRUE;
        return NULL;
    }
    guint8 *p = lw_alloc_try(n + LW_ALIGN, "picture decoder", NULL);
    if (!p) {
        budget_hit = TRUE;
        return NULL;
    }
    gint64 total = (gint64)n + LW_ALIGN;
    memcpy(p, &total, sizeof total);
    if (n <= CLEARED)
        memset(p + LW_ALIGN, 0, n);
    budget_left -= total;
    return p + LW_ALIGN;
}

static void stb_free(void *p)
{
    if (!p)
        return;
    gint64 total;
    memcpy(&total, (guint8 *)p - LW_ALIGN, sizeof total);
    budget_left += total;
    lw_free((guint8 *)p - LW_ALIGN);
}

static void *stb_realloc(void *p, gsize old, gsize n)
{
    void *q = stb_malloc(n);
    if (q && p) {
        memcpy(q, p, MIN(old, n));
        stb_free(p);
    }
    return q;
}

#define STBI_MALLOC(n) stb_malloc(n)
#define STBI_REALLOC_SIZED(p, old, n) stb_realloc(p, old, n)
#define STBI_FREE(p) stb_free(p)
#define STBI_ASSERT(x) ((void)0)
#define STBI_MAX_DIMENSIONS LW_VIS_MAX_SIDE
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

gboolean lw_stb_load(const guint8 *bytes, gsize n, gint64 budget, lw_stb_image *out,
                     const char **reason, gboolean *out_of_budget)
{
    *out = (lw_stb_image){0};
    budget_left = budget;
    budget_hit = FALSE;
    if (n <= G_MAXINT)
        out->pixels =
            stbi_load_from_memory(bytes, (int)n, &out->width, &out->height, &out->channels, 0);
    *out_of_budget = budget_hit;
    if (!out->pixels)
        *reason = stbi_failure_reason();
    return out->pixels != NULL;
}

void lw_stb_free(lw_stb_image *img)
{
    stb_free(img->pixels);
    *img = (lw_stb_image){0};
}
