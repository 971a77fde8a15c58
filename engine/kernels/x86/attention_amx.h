/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Many query rows against a tile of keys (prefill) by AMX, which multiplies bf16.  Every number becomes two of
 * those, x = hi + lo: an f16 (11 bits) exactly, a float to 16 bits.  A product is hi hi + lo hi + hi lo, summed in
 * f32, so the error is near 2^-16 of each term, where rounding a key or value to f16 has cost 2^-12.
 * LW_CPU=avx512 multiplies floats instead.
 *
 * A kernel prepares the keys and values of its type, then lw_attn_rows_amx() does the step.  Only files compiled
 * with AMX's flags may include this.
 */
#pragma once

#include "engine/kernels/x86/amx.h"
#include "engine/kernels/x86/attention_avx512.h"

#define LW_AMX_PAIRED 32 /* numbers in a row of a register: what one product sums over */
#define LW_AMX_D_MAX 512

/* An operand on the right: 32 things to sum over, in pairs, of 16 columns. */
typedef uint16_t lw_amx_operand[LW_AMX_PAIRED / 2][16][2];

typedef enum { LW_AMX_HI, LW_AMX_LO } lw_amx_half;

/* A tile of keys and values at the start of a step's scratch.  Keys past the last one may be anything,
 * values are zeros up to the next 32. */
typedef struct {
    lw_amx_operand key[LW_AMX_D_MAX / LW_AMX_PAIRED][TILE / 16][2];   /* 32 dimensions of 16 keys */
    lw_amx_operand value[TILE / LW_AMX_PAIRED][LW_AMX_D_MAX / 16][2]; /* 32 keys of 16 dimensions */
} lw_amx_kv;

/* x's upper 8 bits, rounded; finite or not, x - hi is what is left. */
LW_INLINE __m512 lw_amx_upper(__m512 x)
{
    __m512i i = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));

    return _mm512_castsi512_ps(_mm512_and_si512(i, _mm512_set1_epi32((int)0xffff0000)));
}

/* Two vectors as 32 numbers in order. */
LW_INLINE __m512i lw_amx_narrow(__m512 x0, __m512 x1)
{
    return (__m512i)_mm512_cvtne2ps_pbh(x1, x0);
}

/* Row r of an operand: 16 columns of the things 2r and 2r + 1. */
LW_INLINE void lw_amx_put_pairs(lw_amx_operand to[2], int r, __m512 x0, __m512 x1)
{
    __m512 h0 = lw_amx_upper(x0), h1 = lw_amx_upper(x1);
    __m512 l0 = lw_amx_upper(_mm512_sub_ps(x0, h0)), l1 = lw_amx_upper(_mm512_sub_ps(x1, h1));

    _mm512_store_si512(to[LW_AMX_HI][r], _mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(h0), 16),
                                                         _mm512_castps_si512(h1)));
    _mm512_store_si512(to[LW_AMX_LO][r], _mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(l0), 16),
                                                         _mm512_castps_si512(l1)));
}

/* How many values there must be: up to the next 32. */
LW_INLINE int lw_amx_n_values(const lw_attn_step *a)
{
    return (a->n_keys + LW_AMX_PAIRED - 1) / LW_AMX_PAIRED * LW_AMX_PAIRED;
}

/* TRUE: lw_attn_rows_amx() is for this step (fewer rows are faster otherwise). */
LW_INLINE gboolean lw_amx_suits(const lw_attn_step *a)
{
    return a->rows > 8 && a->d % LW_AMX_PAIRED == 0;
}

/* The step, once the tile is at the start of its scratch. */
void lw_attn_rows_amx(const lw_attn_step *a);
