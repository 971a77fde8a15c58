/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the attention kernels of every KV type share: which keys a row sees, and its softmax.  Only files
 * compiled with AVX-512 may include this.
 */
#pragma once

#include "engine/kernels/x86/avx512.h"

#include <math.h>

#define TILE LW_ATTN_TILE

LW_INLINE int visible_of(const lw_attn_step *a, int r)
{
    return a->visible ? CLAMP(a->visible[r], 0, a->n_keys) : a->n_keys;
}

LW_INLINE int first_of(const lw_attn_step *a, int r)
{
    return a->first ? CLAMP(a->first[r], 0, a->n_keys) : 0;
}

/* Places in the tiles ahead that are fetched side by side, line by line: the farthest tile's first quarter,
 * the nearest one's last. */
typedef struct {
    const char *at[LW_ATTN_AHEAD];
} ahead;

/* bytes: of a tile.  Without tiles ahead what is here is fetched, which costs little. */
LW_INLINE ahead ahead_of(const void *here, const void *const tiles[LW_ATTN_AHEAD], gsize bytes)
{
    gsize part = (bytes / LW_ATTN_AHEAD + 63) / 64 * 64;
    ahead f;

    for (gsize i = 0; i < LW_ATTN_AHEAD; i++)
        f.at[i] = tiles[0] != NULL ? (const char *)tiles[LW_ATTN_AHEAD - 1 - i] + i * part : here;
    return f;
}

/* The next line of each. */
LW_INLINE void fetch(ahead *f)
{
    LW_UNROLL
    for (int i = 0; i < LW_ATTN_AHEAD; i++) {
        _mm_prefetch(f->at[i], _MM_HINT_T0);
        f->at[i] += 64;
    }
}

/* CALL(n) for rows = n of 1 to 7, or to 8, with n a constant. */
#define LW_CALL_TO_7(rows, CALL)                                                                           \
    switch (rows) {                                                                                        \
    case 1: CALL(1); break;                                                                                \
    case 2: CALL(2); break;                                                                                \
    case 3: CALL(3); break;                                                                                \
    case 4: CALL(4); break;                                                                                \
    case 5: CALL(5); break;                                                                                \
    case 6: CALL(6); break;                                                                                \
    case 7: CALL(7); break;                                                                                \
    }
#define LW_CALL_TO_8(rows, CALL)                                                                           \
    if ((rows) == 8)                                                                                       \
        CALL(8);                                                                                           \
    else                                                                                                   \
        LW_CALL_TO_7(rows, CALL)

/* Scores of one row become weights; returns what the old sums are multiplied with. */
LW_INLINE float softmax_row(float *s, int first, int visible, float *m, float *l)
{
    const __m512 none = _mm512_set1_ps(-INFINITY);
    __m512 x[4], max = none, sum = _mm512_setzero_ps();
    __mmask16 see[4];

    LW_UNROLL
    for (int v = 0; v < 4; v++) {
        see[v] = lw_mask16(MAX(visible - 16 * v, 0)) & ~lw_mask16(MAX(first - 16 * v, 0));
        x[v] = _mm512_mask_load_ps(none, see[v], s + 16 * v);
        max = _mm512_max_ps(max, x[v]);
    }
    float now = visible > first ? MAX(_mm512_reduce_max_ps(max), *m) : *m;
    __m512 top = _mm512_set1_ps(now);
    LW_UNROLL
    for (int v = 0; v < 4; v++) {
        __m512 p = _mm512_maskz_mov_ps(see[v], lw_exp(_mm512_sub_ps(x[v], top)));
        _mm512_store_ps(s + 16 * v, p);
        sum = _mm512_add_ps(sum, p);
    }
    if (visible <= first)
        return 1.0f;
    float keep = _mm512_cvtss_f32(lw_exp(_mm512_set1_ps(*m - now)));
    *l = *l * keep + _mm512_reduce_add_ps(sum);
    *m = now;
    return keep;
}
