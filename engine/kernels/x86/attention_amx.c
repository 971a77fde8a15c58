/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/attention_amx.h"

static void transpose_keys(const lw_attn_step *a, lw_amx_kv *to)
{
    for (int j = 0; j < a->n_keys; j += 16) {
        for (int i = 0; i < a->d; i += LW_AMX_PAIRED) {
            __m512 hi[16], lo[16];
            LW_UNROLL
            for (int r = 0; r < 16; r++) {
                const lw_f16 *k = (const lw_f16 *)a->k + (gsize)MIN(j + r, a->n_keys - 1) * a->kv_stride + i;
                __m512 x0 = lw_load_f16(k), x1 = lw_load_f16(k + 16);
                __m512 h0 = lw_amx_upper(x0), h1 = lw_amx_upper(x1);
                hi[r] = _mm512_castsi512_ps(lw_amx_narrow(h0, h1));
                lo[r] = _mm512_castsi512_ps(lw_amx_narrow(_mm512_sub_ps(x0, h0), _mm512_sub_ps(x1, h1)));
            }
            lw_transpose16(hi);
            lw_transpose16(lo);
            lw_amx_operand *key = to->key[i / LW_AMX_PAIRED][j / 16];
            LW_UNROLL
            for (int r = 0; r < 16; r++) {
                _mm512_store_ps(key[LW_AMX_HI][r], hi[r]);
                _mm512_store_ps(key[LW_AMX_LO][r], lo[r]);
            }
        }
    }
}

static void pair_values(const lw_attn_step *a, lw_amx_kv *to)
{
    for (int j = 0; j < lw_amx_n_values(a); j += 2) {
        __mmask16 one = j < a->n_keys ? 0xffff : 0, two = j + 1 < a->n_keys ? 0xffff : 0;
        const lw_f16 *v = (const lw_f16 *)a->v + (gsize)j * a->kv_stride;
        for (int i = 0; i < a->d; i += 16)
            lw_amx_put_pairs(to->value[j / LW_AMX_PAIRED][i / 16], j % LW_AMX_PAIRED / 2,
                             lw_maskload_f16(one, v + i), lw_maskload_f16(two, v + a->kv_stride + i));
    }
}

static void (*step_few)(const lw_attn_step *a);

static void attn_step_f16(const lw_attn_step *a)
{
    if (!lw_amx_suits(a)) {
        step_few(a);
        return;
    }
    transpose_keys(a, a->scratch);
    pair_values(a, a->scratch);
    lw_attn_rows_amx(a);
}

void lw_attention_init_amx(lw_kernels *k)
{
    step_few = k->attn_step_f16;
    k->attn_step_f16 = attn_step_f16;
}
