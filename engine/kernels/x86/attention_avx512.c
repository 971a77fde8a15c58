/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two ways through one tile.  Many query rows (prefill): keys are widened and transposed once,
 * values widened once, then both products run as small matrix products, 6 query rows x 64.  Up to 8
 * rows (one token's heads of a group): nothing is copied, every key is read once for all rows, and
 * the softmax runs with one row per lane.
 */
#include "engine/kernels/x86/attention_avx512.h"

#define FEW 8
#define ROWS 6 /* 6 rows x 4 vectors of sums, 4 of operands, 1 broadcast: 29 registers */

/* Two sources for each loader: f16 and f32 rows. */
LW_INLINE __m512 load_kv(const void *p, gsize at, __mmask16 m, const gboolean f16)
{
    return f16 ? lw_maskload_f16(m, (const lw_f16 *)p + at)
               : _mm512_maskz_loadu_ps(m, (const float *)p + at);
}

/* The same, and a row of floats, when `whole` says that every vector is full: a masked load costs
 * an arithmetic slot more. */
LW_INLINE __m512 load_kv_fast(const void *p, gsize at, __mmask16 m, const gboolean f16,
                              const gboolean whole)
{
    if (!whole)
        return load_kv(p, at, m, f16);
    return f16 ? lw_load_f16((const lw_f16 *)p + at) : _mm512_loadu_ps((const float *)p + at);
}

LW_INLINE __m512 load_fast(const float *p, __mmask16 m, const gboolean whole)
{
    return whole ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(m, p);
}

/* -- many rows --------------------------------------------------------------------------------- */

/* kt: [d][64], keys past n_keys repeat the last one; vf: [n_keys][d rounded up to 16]. */
LW_INLINE void widen(const lw_attn_step *a, float *kt, float *vf, int vstride, const gboolean f16)
{
    for (int j = 0; j < a->n_keys; j += 16) {
        for (int i = 0; i < a->d; i += 16) {
            __mmask16 m = lw_mask16(a->d - i);
            __m512 t[16];
            LW_UNROLL
            for (int r = 0; r < 16; r++)
                t[r] = load_kv(a->k, (gsize)MIN(j + r, a->n_keys - 1) * a->kv_stride + i, m, f16);
            lw_transpose16(t);
            for (int c = 0; c < MIN(16, a->d - i); c++)
                _mm512_store_ps(kt + (gsize)(i + c) * TILE + j, t[c]);
        }
    }
    for (int j = 0; j < a->n_keys; j++)
        for (int i = 0; i < a->d; i += 16)
            _mm512_store_ps(vf + (gsize)j * vstride + i,
                            load_kv(a->v, (gsize)j * a->kv_stride + i, lw_mask16(a->d - i), f16));
}

/* s[r][64] = scale * q_r . k */
LW_INLINE void scores(const lw_attn_step *a, int r0, const float *kt, float *s, const int n)
{
    const float *q = a->q + (gsize)r0 * a->q_stride;
    __m512 sum[ROWS][4];

    LW_UNROLL
    for (int r = 0; r < n; r++)
        LW_UNROLL
    for (int v = 0; v < 4; v++)
        sum[r][v] = _mm512_setzero_ps();
    for (int i = 0; i < a->d; i++, kt += TILE) {
        __m512 k0 = _mm512_load_ps(kt), k1 = _mm512_load_ps(kt + 16);
        __m512 k2 = _mm512_load_ps(kt + 32), k3 = _mm512_load_ps(kt + 48);
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            __m512 x = _mm512_set1_ps(q[(gsize)r * a->q_stride + i]);
            sum[r][0] = _mm512_fmadd_ps(x, k0, sum[r][0]);
            sum[r][1] = _mm512_fmadd_ps(x, k1, sum[r][1]);
            sum[r][2] = _mm512_fmadd_ps(x, k2, sum[r][2]);
            sum[r][3] = _mm512_fmadd_ps(x, k3, sum[r][3]);
        }
    }
    __m512 scale = _mm512_set1_ps(a->scale);
    LW_UNROLL
    for (int r = 0; r < n; r++)
        LW_UNROLL
    for (int v = 0; v < 4; v++)
        _mm512_store_ps(s + r * TILE + v * 16, _mm512_mul_ps(sum[r][v], scale));
}

/* o = o * keep + p v for nv vectors of columns from column c on. */
LW_INLINE void add_values(const lw_attn_step *a, int r0, const float *s, const float *keep,
                          const float *vf, int vstride, int n_seen, int c, const int n,
                          const int nv)
{
    float *o = a->o + (gsize)r0 * a->d + c;
    __m512 sum[ROWS][4];
    __mmask16 last = lw_mask16(a->d - c - (nv - 1) * 16);

    LW_UNROLL
    for (int r = 0; r < n; r++)
        LW_UNROLL
    for (int v = 0; v < nv; v++)
        sum[r][v] = _mm512_mul_ps(
            _mm512_set1_ps(keep[r]),
            _mm512_maskz_loadu_ps(v == nv - 1 ? last : 0xffff, o + (gsize)r * a->d + v * 16));
    vf += c;
    for (int j = 0; j < n_seen; j++, vf += vstride) {
        __m512 x[4];
        LW_UNROLL
        for (int v = 0; v < nv; v++)
            x[v] = _mm512_load_ps(vf + v * 16);
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            __m512 p = _mm512_set1_ps(s[r * TILE + j]);
            LW_UNROLL
            for (int v = 0; v < nv; v++)
                sum[r][v] = _mm512_fmadd_ps(p, x[v], sum[r][v]);
        }
    }
    LW_UNROLL
    for (int r = 0; r < n; r++)
        LW_UNROLL
    for (int v = 0; v < nv; v++)
        _mm512_mask_storeu_ps(o + (gsize)r * a->d + v * 16, v == nv - 1 ? last : 0xffff, sum[r][v]);
}

LW_INLINE void some_rows(const lw_attn_step *a, int r0, const float *kt, const float *vf,
                         int vstride, float *s, const int n)
{
    float keep[ROWS];
    int n_seen = 0, c = 0;

    LW_UNROLL
    for (int r = 0; r < n; r++)
        n_seen = visible_of(a, r0 + r) > first_of(a, r0 + r) ? MAX(n_seen, visible_of(a, r0 + r)) : n_seen;
    if (n_seen == 0)
        return;
    scores(a, r0, kt, s, n);
    LW_UNROLL
    for (int r = 0; r < n; r++)
        keep[r] = softmax_row(s + r * TILE, first_of(a, r0 + r), visible_of(a, r0 + r), &a->m[r0 + r],
                              &a->l[r0 + r]);
    for (; c + 48 < a->d; c += 64)
        add_values(a, r0, s, keep, vf, vstride, n_seen, c, n, 4);
    for (; c + 16 < a->d; c += 32)
        add_values(a, r0, s, keep, vf, vstride, n_seen, c, n, 2);
    if (c < a->d)
        add_values(a, r0, s, keep, vf, vstride, n_seen, c, n, 1);
}

LW_INLINE void many_rows(const lw_attn_step *a, const gboolean f16)
{
    int vstride = (a->d + 15) / 16 * 16, r = 0;
    float *s = a->scratch, *kt = s + ROWS * TILE, *vf = kt + (gsize)a->d * TILE;

    widen(a, kt, vf, vstride, f16);
    for (; r + ROWS <= a->rows; r += ROWS)
        some_rows(a, r, kt, vf, vstride, s, ROWS);
    if (a->rows - r >= 3)
        some_rows(a, r, kt, vf, vstride, s, 3), r += 3;
    for (; r < a->rows; r++)
        some_rows(a, r, kt, vf, vstride, s, 1);
}

/* -- few rows ---------------------------------------------------------------------------------- */

/* The sums of the 16 lanes of x[0..7]. */
LW_INLINE __m256 sum_each(const __m512 x[8])
{
    __m512 t[4], u[2];

    LW_UNROLL
    for (int i = 0; i < 4; i++)
        t[i] = _mm512_add_ps(_mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]),
                             _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]));
    LW_UNROLL
    for (int i = 0; i < 2; i++) {
        __m512d a = _mm512_castps_pd(t[2 * i]), b = _mm512_castps_pd(t[2 * i + 1]);
        u[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                             _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
    }
    __m512 v = _mm512_add_ps(_mm512_shuffle_f32x4(u[0], u[1], 0x88),
                             _mm512_shuffle_f32x4(u[0], u[1], 0xdd));
    v = _mm512_add_ps(_mm512_shuffle_f32x4(v, v, 0x08), _mm512_shuffle_f32x4(v, v, 0x0d));
    return _mm512_castps512_ps256(v);
}

/* st[j][8] = q_r . k_j, unscaled; two keys at a time share the loads of q. */
LW_INLINE void few_scores(const lw_attn_step *a, float *st, const int n, const gboolean f16,
                          const gboolean whole)
{
    const gsize size = f16 ? sizeof(lw_f16) : sizeof(float), bytes = TILE * a->kv_stride * size;
    ahead next = ahead_of(a->k, a->ahead_k, bytes);

    for (int j = 0; j < a->n_keys; j += 2) {
        gsize k0 = (gsize)j * a->kv_stride, k1 = (gsize)MIN(j + 1, a->n_keys - 1) * a->kv_stride;
        for (gsize i = 0; i < bytes / LW_ATTN_AHEAD; i += 64 * TILE / 2)
            fetch(&next);
        __m512 s0[8], s1[8];
        LW_UNROLL
        for (int r = 0; r < 8; r++)
            s0[r] = s1[r] = _mm512_setzero_ps();
        for (int i = 0; i < a->d; i += 16) {
            __mmask16 m = lw_mask16(a->d - i);
            __m512 x0 = load_kv_fast(a->k, k0 + i, m, f16, whole);
            __m512 x1 = load_kv_fast(a->k, k1 + i, m, f16, whole);
            LW_UNROLL
            for (int r = 0; r < n; r++) {
                __m512 q = load_fast(a->q + (gsize)r * a->q_stride + i, m, whole);
                s0[r] = _mm512_fmadd_ps(q, x0, s0[r]);
                s1[r] = _mm512_fmadd_ps(q, x1, s1[r]);
            }
        }
        _mm256_store_ps(st + j * 8, sum_each(s0));
        _mm256_store_ps(st + j * 8 + 8, sum_each(s1));
    }
}

/* st becomes weights; keep[8] what the old sums are multiplied with.  Lanes are rows, and a vector
 * holds two keys. */
LW_INLINE void few_softmax(const lw_attn_step *a, float *st, float *keep, const int n)
{
    const __m512 none = _mm512_set1_ps(-INFINITY), scale = _mm512_set1_ps(a->scale);
    __mmask8 rows = (__mmask8)lw_mask16(n);
    int32_t first8[8] = {0}, seen8[8] = {0};

    LW_UNROLL
    for (int r = 0; r < n; r++) {
        first8[r] = first_of(a, r);
        seen8[r] = visible_of(a, r);
    }
    __m256i first = _mm256_loadu_si256((const void *)first8);
    __m256i seen = _mm256_loadu_si256((const void *)seen8);
    __m512i first2 = _mm512_inserti64x4(_mm512_castsi256_si512(first), first, 1);
    __m512i seen2 = _mm512_inserti64x4(_mm512_castsi256_si512(seen), seen, 1);
    const __m512i key = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    __m512 max = none;
    for (int j = 0; j < a->n_keys; j += 2) {
        __m512i at = _mm512_add_epi32(key, _mm512_set1_epi32(j));
        __mmask16 see = _mm512_mask_cmpge_epi32_mask(_mm512_cmplt_epi32_mask(at, seen2), at, first2);
        __m512 x = _mm512_mask_mul_ps(none, see, _mm512_load_ps(st + j * 8), scale);
        _mm512_store_ps(st + j * 8, x);
        max = _mm512_max_ps(max, x);
    }
    __m256 old = _mm256_maskz_loadu_ps(rows, a->m);
    __m256 now = _mm256_max_ps(_mm512_castps512_ps256(max), _mm512_extractf32x8_ps(max, 1));
    now = _mm256_max_ps(now, old);
    __m512 top = _mm512_insertf32x8(_mm512_castps256_ps512(now), now, 1);
    __m512 sum = _mm512_setzero_ps();
    /* Hidden keys became e^-inf = 0 by themselves, but in rows that see nothing. */
    __mmask8 any = _mm256_mask_cmpgt_epi32_mask(rows, seen, first);
    __mmask16 any2 = (__mmask16)(any | any << 8);
    for (int j = 0; j < a->n_keys; j += 2) {
        __m512 p = lw_exp(_mm512_sub_ps(_mm512_load_ps(st + j * 8), top));
        p = _mm512_maskz_mov_ps(any2, p);
        _mm512_store_ps(st + j * 8, p);
        sum = _mm512_add_ps(sum, p);
    }
    __m256 k = _mm512_castps512_ps256(lw_exp(_mm512_castps256_ps512(_mm256_sub_ps(old, now))));
    k = _mm256_mask_mov_ps(_mm256_set1_ps(1.0f), any, k);
    __m256 l = _mm256_mul_ps(_mm256_maskz_loadu_ps(rows, a->l), k);
    l = _mm256_add_ps(l,
                      _mm256_add_ps(_mm512_castps512_ps256(sum), _mm512_extractf32x8_ps(sum, 1)));
    _mm256_mask_storeu_ps(a->l, any, l);
    _mm256_mask_storeu_ps(a->m, any, now);
    _mm256_store_ps(keep, k);
}

LW_INLINE void few_values(const lw_attn_step *a, const float *st, const float *keep, int n_seen,
                          const int n, const gboolean f16, const gboolean whole)
{
    const gsize size = f16 ? sizeof(lw_f16) : sizeof(float);
    ahead next = ahead_of(a->v, a->ahead_v, TILE * a->kv_stride * size);

    for (int c = 0; c < a->d; c += 32) {
        __mmask16 m0 = lw_mask16(a->d - c), m1 = lw_mask16(MAX(a->d - c - 16, 0));
        __m512 s0[8], s1[8];
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            const float *o = a->o + (gsize)r * a->d + c;
            s0[r] = _mm512_mul_ps(_mm512_set1_ps(keep[r]), _mm512_maskz_loadu_ps(m0, o));
            s1[r] = _mm512_mul_ps(_mm512_set1_ps(keep[r]), _mm512_maskz_loadu_ps(m1, o + 16));
        }
        for (int j = 0; j < n_seen; j++) {
            if (j % (f16 ? 4 : 2) == 0)
                fetch(&next);
            __m512 x0 = load_kv_fast(a->v, (gsize)j * a->kv_stride + c, m0, f16, whole);
            __m512 x1 = load_kv_fast(a->v, (gsize)j * a->kv_stride + c + 16, m1, f16, whole);
            LW_UNROLL
            for (int r = 0; r < n; r++) {
                __m512 p = _mm512_set1_ps(st[j * 8 + r]);
                s0[r] = _mm512_fmadd_ps(p, x0, s0[r]);
                s1[r] = _mm512_fmadd_ps(p, x1, s1[r]);
            }
        }
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            float *o = a->o + (gsize)r * a->d + c;
            _mm512_mask_storeu_ps(o, m0, s0[r]);
            _mm512_mask_storeu_ps(o + 16, m1, s1[r]);
        }
    }
}

LW_INLINE void few_rows(const lw_attn_step *a, const int n, const gboolean f16,
                        const gboolean whole)
{
    float *st = a->scratch, *keep = st + TILE * 8;
    int n_seen = 0;

    LW_UNROLL
    for (int r = 0; r < n; r++)
        n_seen = visible_of(a, r) > first_of(a, r) ? MAX(n_seen, visible_of(a, r)) : n_seen;
    if (n_seen == 0)
        return;
    few_scores(a, st, n, f16, whole);
    few_softmax(a, st, keep, n);
    few_values(a, st, keep, n_seen, n, f16, whole);
}

LW_INLINE void attn_step(const lw_attn_step *a, const gboolean f16)
{
    const gboolean whole = a->d % 32 == 0;

    if (a->rows > FEW) {
        many_rows(a, f16);
        return;
    }
#define CALL(n) whole ? few_rows(a, n, f16, TRUE) : few_rows(a, n, f16, FALSE)
    LW_CALL_TO_8(a->rows, CALL)
#undef CALL
}

static void attn_step_f16(const lw_attn_step *a)
{
    attn_step(a, TRUE);
}

static void attn_step_f32(const lw_attn_step *a)
{
    attn_step(a, FALSE);
}

void lw_attention_init_avx512(lw_kernels *k)
{
    k->attn_step_f16 = attn_step_f16;
    k->attn_step_f32 = attn_step_f32;
}
