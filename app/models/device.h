/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this computer has that could run a model, for people: the processor, and graphics cards with the
 * reason why one is not used.  Looks at /sys and /proc only: no driver is loaded, and no card is woken up.  For
 * tests LW_SYSTEM_ROOT is a folder with a sys and a proc to look at.
 *
 * Any thread, but cards are not looked for in that of a main loop: a driver may take its time to answer in /proc.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "AVX-512 VNNI, 8 processors".  Free with g_free(). */
char *lw_device_describe_cpu(void);

typedef struct {
    char *cards;         /* as lw_device_find_cards() */
    const char *backend; /* one other than the processor that works here (static), or NULL */
    char *text;          /* a sentence about the cards; without a backend it says why none is used */
} lw_graphics;

/* Free with lw_graphics_free(). */
lw_graphics *lw_device_find_graphics(void);
void lw_graphics_free(lw_graphics *g);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lw_graphics, lw_graphics_free)

/* The graphics cards of the system under root, "/": "2 × NVIDIA H100 80GB HBM3 (driver 580.95.05), AMD (8.6 GB),
 * Intel", as much as their drivers tell; "" when there is none.  Free with g_free(). */
char *lw_device_find_cards(const char *root);

G_END_DECLS
