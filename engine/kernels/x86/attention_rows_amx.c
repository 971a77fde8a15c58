/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/attention_amx.h"

#define ROWS 16

/* Registers: sums of 16 columns each, then operands. */
#define T_HI 4
#define T_LO 5
#define T_B_HI 6
#define T_B_LO 7

static const lw_amx_config config __attribute__((aligned(64))) = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

/* One thread's working memory, within LW_ATTN_SCRATCH.  Two of what one part of 16 rows leaves for the next. */
typedef struct {
    lw_amx_kv kv;
    float s[2][ROWS][TILE];                     /* scores */
    uint16_t p[2][2][ROWS][TILE];               /* weights, LW_AMX_HI and _LO */
    float sum[ROWS * TILE / LW_AMX_PAIRED][16]; /* of 32 weights each */
    float o[ROWS][LW_AMX_D_MAX];                /* outputs of a last part that has fewer rows */
    float top[ROWS], keep[ROWS];
} work;

G_STATIC_ASSERT(sizeof(work) <= LW_ATTN_SCRATCH);

/* -- queries ----------------------------------------------------------------------------------- */

/* Rows of q times the scale: [rows up to 16][LW_AMX_HI, LW_AMX_LO][d] in q_work, zeros past the last row. */
static void split_q(const lw_attn_step *a)
{
    const __m512 scale = _mm512_set1_ps(a->scale);
    uint16_t *to = a->q_work;

    for (int r = 0; r < (a->rows + ROWS - 1) / ROWS * ROWS; r++, to += 2 * a->d) {
        const float *q = a->q + (gsize)r * a->q_stride;
        for (int i = 0; i < a->d; i += LW_AMX_PAIRED) {
            __m512 x0 = _mm512_setzero_ps(), x1 = x0;
            if (r < a->rows) {
                x0 = _mm512_mul_ps(_mm512_loadu_ps(q + i), scale);
                x1 = _mm512_mul_ps(_mm512_loadu_ps(q + i + 16), scale);
            }
            __m512 h0 = lw_amx_upper(x0), h1 = lw_amx_upper(x1);
            _mm512_storeu_si512(to + i, lw_amx_narrow(h0, h1));
            _mm512_storeu_si512(to + a->d + i, lw_amx_narrow(_mm512_sub_ps(x0, h0), _mm512_sub_ps(x1, h1)));
        }
    }
}

/* -- softmax of 16 rows -------------------------------------------------------------------------- */

/* One value per row from the lanes of x[row]. */
#define REDUCE16(name, op)                                                                                \
    LW_INLINE __m512 name(const __m512 x[16])                                                             \
    {                                                                                                     \
        __m512 t[8], u[4], v[2];                                                                          \
        LW_UNROLL                                                                                         \
        for (int i = 0; i < 8; i++)                                                                       \
            t[i] = op(_mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]), _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1])); \
        LW_UNROLL                                                                                         \
        for (int i = 0; i < 4; i++) {                                                                     \
            __m512d a = _mm512_castps_pd(t[2 * i]), b = _mm512_castps_pd(t[2 * i + 1]);                   \
            u[i] = op(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b))); \
        }                                                                                                 \
        LW_UNROLL                                                                                         \
        for (int i = 0; i < 2; i++)                                                                       \
            v[i] = op(_mm512_shuffle_f32x4(u[2 * i], u[2 * i + 1], 0x88),                                 \
                      _mm512_shuffle_f32x4(u[2 * i], u[2 * i + 1], 0xdd));                                \
        return op(_mm512_shuffle_f32x4(v[0], v[1], 0x88), _mm512_shuffle_f32x4(v[0], v[1], 0xdd));        \
    }
REDUCE16(max16, _mm512_max_ps)
REDUCE16(sum16, _mm512_add_ps)

/* e^x for x <= 0 within 1.5 ulp, 0 below -86; NaN stays.  n ln 2 + f = x as in lw_exp(), but n comes from the
 * rounding of a sum, whose last bits then are n. */
LW_INLINE __m512 weight(__m512 x)
{
    const __m512 big = _mm512_set1_ps(0x1.8p23f);
    __m512 t = _mm512_fmadd_ps(x, _mm512_set1_ps(0x1.715476p+0f), big), n = _mm512_sub_ps(t, big);
    __m512 f = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.62e400p-1f), x), y = _mm512_set1_ps(0.0013926204f);
    __mmask16 some = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-86.0f), _CMP_NLT_UQ);

    f = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.7f7d1cp-20f), f);
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(0.008363195f));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(0.041666556f));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(0.16666576f));
    y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(0.5f));
    y = _mm512_add_ps(_mm512_fmadd_ps(_mm512_mul_ps(f, f), y, f), _mm512_set1_ps(1.0f));
    return _mm512_castsi512_ps(
        _mm512_maskz_add_epi32(some, _mm512_castps_si512(y), _mm512_slli_epi32(_mm512_castps_si512(t), 23)));
}

/* Scores that a row does not see become -inf. */
static void hide(const lw_attn_step *a, int r0, int n, float (*s)[TILE])
{
    for (int r = 0; r < ROWS; r++) {
        int first = r < n ? first_of(a, r0 + r) : 0, visible = r < n ? visible_of(a, r0 + r) : 0;
        for (int j = 0; j < TILE; j += 16) {
            __mmask16 see = lw_mask16(MAX(visible - j, 0)) & ~lw_mask16(MAX(first - j, 0));
            _mm512_store_ps(s[r] + j, _mm512_mask_load_ps(_mm512_set1_ps(-INFINITY), see, s[r] + j));
        }
    }
}

/* Which of 16 rows see a key. */
static __mmask16 seeing(const lw_attn_step *a, int r0, int n)
{
    __mmask16 any = 0;

    for (int r = 0; r < n; r++)
        any |= (__mmask16)((visible_of(a, r0 + r) > first_of(a, r0 + r)) << r);
    return any;
}

/* top[] and m: the maxima; keep[]: what the old sums are multiplied with. */
LW_INLINE void maxima(const lw_attn_step *a, int r0, int n, __mmask16 any, work *w, float (*s)[TILE])
{
    __m512 x[ROWS], old = _mm512_mask_loadu_ps(_mm512_set1_ps(-INFINITY), lw_mask16(n), a->m + r0);

    LW_UNROLL
    for (int r = 0; r < ROWS; r++)
        x[r] = _mm512_max_ps(_mm512_max_ps(_mm512_load_ps(s[r]), _mm512_load_ps(s[r] + 16)),
                             _mm512_max_ps(_mm512_load_ps(s[r] + 32), _mm512_load_ps(s[r] + 48)));
    __m512 now = _mm512_max_ps(max16(x), old);
    __m512 keep = lw_exp(_mm512_sub_ps(old, now));
    /* Rows that see nothing: every weight is e^(-inf - 0) = 0. */
    _mm512_store_ps(w->top, _mm512_maskz_mov_ps(any, now));
    _mm512_store_ps(w->keep, _mm512_mask_mov_ps(_mm512_set1_ps(1.0f), any, keep));
    _mm512_mask_storeu_ps(a->m + r0, any, now);
}

/* Weights, 32 at a time: those of half a row. */
typedef struct {
    work *w;
    float (*s)[TILE];
    uint16_t (*p)[ROWS][TILE]; /* [LW_AMX_HI, LW_AMX_LO] */
    int at;                    /* the next half row */
    int credit;
} halves;

#define N_HALVES (ROWS * TILE / LW_AMX_PAIRED)

LW_INLINE void half_row(halves *h)
{
    const int r = h->at / 2, j = h->at % 2 * LW_AMX_PAIRED;
    __m512 top = _mm512_set1_ps(h->w->top[r]);
    __m512 p0 = weight(_mm512_sub_ps(_mm512_load_ps(h->s[r] + j), top));
    __m512 p1 = weight(_mm512_sub_ps(_mm512_load_ps(h->s[r] + j + 16), top));
    __m512 h0 = lw_amx_upper(p0), h1 = lw_amx_upper(p1);

    _mm512_store_si512(h->p[LW_AMX_HI][r] + j, lw_amx_narrow(h0, h1));
    _mm512_store_si512(h->p[LW_AMX_LO][r] + j, lw_amx_narrow(_mm512_sub_ps(p0, h0), _mm512_sub_ps(p1, h1)));
    _mm512_store_ps(h->w->sum[h->at++], _mm512_add_ps(p0, p1));
}

/* Between two sums of a part: there are d / 4 of them, so this spreads the half rows evenly.  A core does one
 * thing while the registers of tiles do the other, but only sees both when they lie side by side. */
LW_INLINE void meanwhile(halves *h, int d)
{
    if (h == NULL)
        return;
    for (h->credit += 4 * N_HALVES; h->credit >= d && h->at < N_HALVES; h->credit -= d)
        half_row(h);
}

LW_INLINE void add_sums(const lw_attn_step *a, int r0, int n, __mmask16 any, const work *w)
{
    __m512 x[ROWS], l = _mm512_maskz_loadu_ps(lw_mask16(n), a->l + r0);

    LW_UNROLL
    for (int r = 0; r < ROWS; r++)
        x[r] = _mm512_add_ps(_mm512_load_ps(w->sum[2 * r]), _mm512_load_ps(w->sum[2 * r + 1]));
    _mm512_mask_storeu_ps(a->l + r0, any, _mm512_fmadd_ps(l, _mm512_load_ps(w->keep), sum16(x)));
}

/* Old outputs, n rows of d floats, shrink. */
static void shrink(float *o, int n, int d, const float *keep)
{
    for (int r = 0; r < n; r++, o += d) {
        __m512 k = _mm512_set1_ps(keep[r]);
        if (keep[r] == 1.0f)
            continue;
        for (int i = 0; i < d; i += 16)
            _mm512_storeu_ps(o + i, _mm512_mul_ps(_mm512_loadu_ps(o + i), k));
    }
}

/* -- products of 16 rows ------------------------------------------------------------------------- */

/* sum += (T_HI + T_LO) * (LW_AMX_HI + LW_AMX_LO), without the two small ones' product. */
#define ADD(sum, b)                                                                                       \
    _tile_loadd(T_B_HI, (b)[LW_AMX_HI], 64);                                                              \
    _tile_dpbf16ps(sum, T_HI, T_B_HI);                                                                    \
    _tile_dpbf16ps(sum, T_LO, T_B_HI);                                                                    \
    _tile_loadd(T_B_LO, (b)[LW_AMX_LO], 64);                                                              \
    _tile_dpbf16ps(sum, T_HI, T_B_LO);                                                                    \
    meanwhile(h, a->d);

LW_INLINE void scores(const lw_attn_step *a, int r0, const work *w, float (*s)[TILE], halves *h)
{
    const uint16_t *q = (const uint16_t *)a->q_work + (gsize)r0 * 2 * a->d;
    const gsize stride = (gsize)a->d * 2 * sizeof *q;

    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int i = 0; i < a->d; i += LW_AMX_PAIRED) {
        const lw_amx_operand(*k)[2] = (const lw_amx_operand(*)[2])w->kv.key[i / LW_AMX_PAIRED];
        _tile_loadd(T_HI, q + i, stride);
        _tile_loadd(T_LO, q + a->d + i, stride);
        ADD(0, k[0])
        ADD(1, k[1])
        ADD(2, k[2])
        ADD(3, k[3])
    }
    _tile_stored(0, s[0], sizeof s[0]);
    _tile_stored(1, s[0] + 16, sizeof s[0]);
    _tile_stored(2, s[0] + 32, sizeof s[0]);
    _tile_stored(3, s[0] + 48, sizeof s[0]);
}

/* o += weights * values; o: 16 rows of d floats. */
LW_INLINE void add_values(const lw_attn_step *a, const work *w, const uint16_t (*p)[ROWS][TILE], float *o, halves *h)
{
    const gsize stride = (gsize)a->d * sizeof *o;

    for (int i = 0; i < a->d; i += 64, o += 64) {
        const gboolean four = i + 64 <= a->d; /* or two: d is a multiple of 32 */
        _tile_loadd(0, o, stride);
        _tile_loadd(1, o + 16, stride);
        if (four) {
            _tile_loadd(2, o + 32, stride);
            _tile_loadd(3, o + 48, stride);
        }
        for (int j = 0; j < a->n_keys; j += LW_AMX_PAIRED) {
            const lw_amx_operand(*v)[2] = (const lw_amx_operand(*)[2])(w->kv.value[j / LW_AMX_PAIRED] + i / 16);
            _tile_loadd(T_HI, p[LW_AMX_HI][0] + j, sizeof p[LW_AMX_HI][0]);
            _tile_loadd(T_LO, p[LW_AMX_LO][0] + j, sizeof p[LW_AMX_LO][0]);
            ADD(0, v[0])
            ADD(1, v[1])
            if (four) {
                ADD(2, v[2])
                ADD(3, v[3])
            }
        }
        _tile_stored(0, o, stride);
        _tile_stored(1, o + 16, stride);
        if (four) {
            _tile_stored(2, o + 32, stride);
            _tile_stored(3, o + 48, stride);
        }
    }
}

/* Three parts of 16 rows are under way: this one's weights are computed between the outputs of the one before
 * and the scores of the next. */
void lw_attn_rows_amx(const lw_attn_step *a)
{
    work *w = a->scratch;
    const gboolean hidden = a->visible != NULL || a->first != NULL || a->n_keys < TILE;
    float *before = NULL;
    int side = 0;

    if (!a->same_q)
        split_q(a);
    lw_amx_use(&config);
    LW_AMX_WRITTEN();
    scores(a, 0, w, w->s[0], NULL);
    for (int r = 0; r < a->rows; r += ROWS, side = !side) {
        const int n = MIN(ROWS, a->rows - r);
        const __mmask16 any = hidden ? seeing(a, r, n) : lw_mask16(n);
        float *o = a->o + (gsize)r * a->d;
        halves h = {.w = w, .s = w->s[side], .p = w->p[side]};

        LW_AMX_WRITTEN();
        if (hidden)
            hide(a, r, n, h.s);
        maxima(a, r, n, any, w, h.s);
        if (before != NULL)
            add_values(a, w, (const uint16_t(*)[ROWS][TILE])w->p[!side], before, &h);
        if (r + ROWS < a->rows)
            scores(a, r + ROWS, w, w->s[!side], &h);
        while (h.at < N_HALVES)
            half_row(&h);
        add_sums(a, r, n, any, w);
        if (n < ROWS) {
            memset(w->o, 0, (gsize)ROWS * a->d * sizeof *o);
            o = memcpy(w->o, o, (gsize)n * a->d * sizeof *o);
        }
        shrink(o, n, a->d, w->keep);
        before = o;
    }
    LW_AMX_WRITTEN();
    add_values(a, w, (const uint16_t(*)[ROWS][TILE])w->p[!side], before, NULL);
    LW_AMX_WRITTEN();
    if (a->rows % ROWS)
        memcpy(a->o + (gsize)(a->rows / ROWS * ROWS) * a->d, w->o, (gsize)(a->rows % ROWS) * a->d * sizeof(float));
    if (a->last)
        lw_amx_release();
}
