/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/checksum.h"

#include <string.h>

#define LANES 8
#define STRIPE (LANES * 8)

/* Odd, with about as many ones as zeros: digits of the golden ratio and of pi. */
#define P1 G_GUINT64_CONSTANT(0x9e3779b97f4a7c15)
#define P3 G_GUINT64_CONSTANT(0x243f6a8885a308d3)

static guint64 rotate(guint64 x, int n)
{
    return x << n | x >> (64 - n);
}

static guint64 word(const guint8 *p)
{
    guint64 w;

    memcpy(&w, p, sizeof w);
    return GUINT64_FROM_LE(w);
}

/* A bijection of w for a given lane, and of the lane for a given w. */
static guint64 take(guint64 lane, guint64 w)
{
    return rotate(lane ^ w, 29) * P1;
}

/* Every bit of the input reaches every bit of the result. */
static guint64 mix(guint64 x)
{
    x ^= x >> 32;
    x *= P3;
    x ^= x >> 29;
    x *= P1;
    return x ^ x >> 32;
}

guint64 lw_checksum64(const void *bytes, gsize n, guint64 seed)
{
    const guint8 *p = bytes;
    gsize left = n;
    guint64 lane[LANES], h = mix(seed + P3);

    for (int i = 0; i < LANES; i++)
        lane[i] = h + (guint64)i * P1;
    for (; left >= STRIPE; left -= STRIPE, p += STRIPE) {
        /* Written out: vectors without a 64-bit multiply are what a compiler makes of a loop here.
         */
        lane[0] = take(lane[0], word(p));
        lane[1] = take(lane[1], word(p + 8));
        lane[2] = take(lane[2], word(p + 16));
        lane[3] = take(lane[3], word(p + 24));
        lane[4] = take(lane[4], word(p + 32));
        lane[5] = take(lane[5], word(p + 40));
        lane[6] = take(lane[6], word(p + 48));
        lane[7] = take(lane[7], word(p + 56));
    }
    h = (guint64)n * P3;
    for (int i = 0; i < LANES; i++)
        h = take(h, mix(lane[i]));
    for (; left >= 8; left -= 8, p += 8)
        h = take(h, word(p));
    if (left) {
        guint8 last[8] = {0};
        memcpy(last, p, left);
        h = take(h, word(last));
    }
    return mix(h);
}
