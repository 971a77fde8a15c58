/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 8-bit tiles by AMX.  Many rows: keys and values become two bf16 each (attention_amx.h), which holds code times
 * scale, 18 bits, to 16.
 *
 * Up to 8 rows: the two bytes of a row's q are two rows of one operand, and 32 elements of 16 keys, as they lie
 * in the cache, are the other.  Scores are the same bits as in attention_q8_avx512.c.  Values are multiplied as
 * integers too.  A row's weights times the values' scales become 16-bit codes, in two bytes, with a step of their
 * own per row, block of 32 columns and tile: the largest of 64 keys is 65535 steps.  So what a softmax gives its
 * tail is rounded by at most 2^-17 of the largest product beside it, and tiles without a large weight have small
 * steps.
 */
#include "engine/kernels/x86/attention_amx.h"
#include "engine/kernels/x86/attention_q8_avx512.h"

#define ROWS 8
#define BLOCKS_MAX (512 / LW_QK)

/* Registers of tiles: sums (scores: of 16 keys each; values: of 16 columns each), and the operands. */
#define T_QUERY 4
#define T_KEY 5
#define T_WEIGHT 6
#define T_VALUE 7

/* For n rows of queries. */
static const lw_amx_config configs[ROWS + 1] __attribute__((aligned(64))) = {
#define CONFIG(n)                                                                                          \
    [n] = {.palette = 1,                                                                                   \
           .row_bytes = {64, 64, 64, 64, LW_QK, 64, 64, 64},                                               \
           .rows = {2 * n, 2 * n, 2 * n, 2 * n, 2 * n, LW_QK / 4, 2 * n, TILE / 4}}
    CONFIG(1), CONFIG(2), CONFIG(3), CONFIG(4), CONFIG(5), CONFIG(6), CONFIG(7), CONFIG(8),
#undef CONFIG
};

/* One thread's working memory, within LW_ATTN_SCRATCH. */
typedef struct {
    int8_t value[BLOCKS_MAX][2][TILE / 4][64]; /* per block and 16 columns: 4 keys of each, groups of keys */
    float s[ROWS][TILE];                       /* scores, then weights */
    int32_t sum[BLOCKS_MAX][2 * ROWS][TILE];   /* q k: high and low byte of each row */
    float t[ROWS][TILE];                       /* weights times the values' scales */
    uint8_t code[BLOCKS_MAX][2 * ROWS][TILE];  /* the same as integers: high and low byte of each row */
    int32_t out[BLOCKS_MAX][2][2 * ROWS][16];  /* code times values */
} work;

G_STATIC_ASSERT(sizeof(work) <= LW_ATTN_SCRATCH);

LW_INLINE void fetch_if(ahead *next)
{
    if (next != NULL)
        fetch(next);
}

/* s[r] = scale * q_r . k */
LW_INLINE void scores(const lw_attn_step *a, q_codes w, work *x, ahead *next, const int n)
{
    const gsize d = (gsize)a->d, blocks = d / LW_QK;

    LW_AMX_WRITTEN();
    for (gsize b = 0; b < blocks; b++) {
        const char *k = (const char *)a->k + b * LW_QK * TILE;
        int32_t *sum = x->sum[b][0];
        _tile_loadd(T_QUERY, w.code + b * LW_QK, d);
#define SIXTEEN(i)                                                                                         \
    fetch_if(next);                                                                                        \
    fetch_if(next);                                                                                        \
    _tile_zero(i);                                                                                         \
    _tile_loadd(T_KEY, k + 64 * i, 4 * TILE);                                                              \
    _tile_dpbsud(i, T_QUERY, T_KEY);
        SIXTEEN(0)
        SIXTEEN(1)
        SIXTEEN(2)
        SIXTEEN(3)
#undef SIXTEEN
        _tile_stored(0, sum, 4 * TILE);
        _tile_stored(1, sum + 16, 4 * TILE);
        _tile_stored(2, sum + 32, 4 * TILE);
        _tile_stored(3, sum + 48, 4 * TILE);
    }
    LW_AMX_WRITTEN();
    for (gsize b = 0; b < blocks; b++) {
        const lw_f16 *ks = scales_of(a->k, a->d, (int)b);
        __m512 scale_k[4];
        fetch_if(next);
        LW_UNROLL
        for (int v = 0; v < 4; v++)
            scale_k[v] = lw_load_f16(ks + 16 * v);
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            const gsize at = (gsize)r * blocks + b;
            __m512 scale = _mm512_set1_ps(w.scale[at]);
            __m512i start = _mm512_set1_epi32(w.start[at]);
            LW_UNROLL
            for (int v = 0; v < 4; v++) {
                __m512i hi = _mm512_load_si512(x->sum[b][2 * r] + 16 * v);
                __m512i lo = _mm512_load_si512(x->sum[b][2 * r + 1] + 16 * v);
                float *out = x->s[r] + 16 * v;
                __m512 y = b ? _mm512_load_ps(out) : _mm512_setzero_ps();
                lo = _mm512_add_epi32(lo, start);
                __m512 dot = _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_slli_epi32(hi, 7), lo));
                _mm512_store_ps(out, _mm512_fmadd_ps(_mm512_mul_ps(dot, scale_k[v]), scale, y));
            }
        }
    }
}

/* A tile's values as operands.  4 keys lie together, in the order in which codes() leaves them; the columns
 * of one operand are 0..3, 16..19, 4..7, 20..23 of a block, those of the other one follow 8 later. */
LW_INLINE void interleave(const lw_attn_step *a, work *x, ahead *next)
{
    const gsize d = (gsize)a->d;

    fetch_if(next);
    for (gsize g = 0; g < TILE / 4; g += 2) {
        const int to = (int)(g % 4 * 4 + g / 4); /* g + 1 goes four further */
        for (gsize b = 0; b < d / LW_QK; b++) {
            const int8_t *v = (const int8_t *)a->v + 4 * g * d + b * LW_QK;
            __m512i k[4];
            LW_UNROLL
            for (int i = 0; i < 4; i++) {
                __m256i one = _mm256_loadu_si256((const void *)(v + (gsize)i * d));
                __m256i two = _mm256_loadu_si256((const void *)(v + (gsize)(i + 4) * d));
                k[i] = _mm512_inserti64x4(_mm512_castsi256_si512(one), two, 1);
            }
            fetch_if(next);
            __m512i t0 = _mm512_unpacklo_epi8(k[0], k[1]), t1 = _mm512_unpackhi_epi8(k[0], k[1]);
            __m512i t2 = _mm512_unpacklo_epi8(k[2], k[3]), t3 = _mm512_unpackhi_epi8(k[2], k[3]);
            __m512i u[4] = {_mm512_unpacklo_epi16(t0, t2), _mm512_unpackhi_epi16(t0, t2),
                            _mm512_unpacklo_epi16(t1, t3), _mm512_unpackhi_epi16(t1, t3)};
            LW_UNROLL
            for (int i = 0; i < 4; i++) {
                int8_t *at = x->value[b][i / 2][to] + i % 2 * 32;
                _mm256_store_si256((void *)at, _mm512_castsi512_si256(u[i]));
                _mm256_store_si256((void *)(at + 4 * 64), _mm512_extracti64x4_epi64(u[i], 1));
            }
        }
    }
}

/* The largest lane of each of x[0..7]. */
LW_INLINE __m256 max_each(const __m512 x[8])
{
    __m512 t[4], u[2];

    LW_UNROLL
    for (int i = 0; i < 4; i++)
        t[i] = _mm512_max_ps(_mm512_unpacklo_ps(x[2 * i], x[2 * i + 1]),
                             _mm512_unpackhi_ps(x[2 * i], x[2 * i + 1]));
    LW_UNROLL
    for (int i = 0; i < 2; i++) {
        __m512d a = _mm512_castps_pd(t[2 * i]), b = _mm512_castps_pd(t[2 * i + 1]);
        u[i] = _mm512_max_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                             _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
    }
    __m512 v = _mm512_max_ps(_mm512_shuffle_f32x4(u[0], u[1], 0x88),
                             _mm512_shuffle_f32x4(u[0], u[1], 0xdd));
    v = _mm512_max_ps(_mm512_shuffle_f32x4(v, v, 0x08), _mm512_shuffle_f32x4(v, v, 0x0d));
    return _mm512_castps512_ps256(v);
}

/* Weights of block b as 16-bit codes; step[8]: what one is worth. */
LW_INLINE void codes(const lw_attn_step *a, work *x, int b, float *step, const int n)
{
    const __m512i byte = _mm512_set1_epi16(255);
    const lw_f16 *vs = scales_of(a->v, a->d, b);
    __m512 scale[4], most[ROWS];
    __mmask16 broken = 0;
    float inv[ROWS];

    LW_UNROLL
    for (int v = 0; v < 4; v++) {
        scale[v] = lw_maskload_f16(lw_mask16(MAX(a->n_keys - 16 * v, 0)), vs + 16 * v);
        broken |= _mm512_cmp_ps_mask(scale[v], scale[v], _CMP_UNORD_Q);
    }
    LW_UNROLL
    for (int r = 0; r < ROWS; r++) {
        most[r] = _mm512_setzero_ps();
        LW_UNROLL
        for (int v = 0; v < 4 && r < n; v++) {
            __m512 t = _mm512_mul_ps(_mm512_load_ps(x->s[r] + 16 * v), scale[v]);
            most[r] = _mm512_max_ps(most[r], t);
            _mm512_store_ps(x->t[r] + 16 * v, t);
        }
    }
    __m256 max = max_each(most), unit = _mm256_mul_ps(max, _mm256_set1_ps(1.0f / 65535));
    __mmask8 some = _mm256_cmp_ps_mask(max, _mm256_set1_ps(LW_QUANT_TINY), _CMP_GE_OQ);
    __mmask8 whole = _mm256_cmp_ps_mask(max, _mm256_set1_ps(INFINITY), _CMP_LT_OQ);
    _mm256_storeu_ps(inv, _mm256_maskz_div_ps(some & whole, _mm256_set1_ps(65535), max));
    unit = _mm256_mask_mov_ps(_mm256_set1_ps(NAN), broken ? 0 : whole, unit);
    _mm256_storeu_ps(step, unit);
    LW_UNROLL
    for (int r = 0; r < n; r++) {
        __m512 f = _mm512_set1_ps(inv[r]);
        __m512i c[4];
        LW_UNROLL
        for (int v = 0; v < 4; v++)
            c[v] = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_load_ps(x->t[r] + 16 * v), f));
        __m512i c01 = _mm512_packus_epi32(c[0], c[1]), c23 = _mm512_packus_epi32(c[2], c[3]);
        _mm512_store_si512(x->code[b][2 * r],
                           _mm512_packus_epi16(_mm512_srli_epi16(c01, 8), _mm512_srli_epi16(c23, 8)));
        _mm512_store_si512(x->code[b][2 * r + 1],
                           _mm512_packus_epi16(_mm512_and_si512(c01, byte), _mm512_and_si512(c23, byte)));
    }
}

/* o = o * keep + weights * values */
LW_INLINE void add_values(const lw_attn_step *a, work *x, const float *keep, const int n)
{
    const int blocks = a->d / LW_QK;
    float step[BLOCKS_MAX][ROWS];

    for (int b = 0; b < blocks; b++)
        codes(a, x, b, step[b], n);
    LW_AMX_WRITTEN();
    for (int b = 0; b < blocks; b++) {
        _tile_loadd(T_WEIGHT, x->code[b], TILE);
        _tile_zero(0);
        _tile_loadd(T_VALUE, x->value[b][0], 64);
        _tile_dpbusd(0, T_WEIGHT, T_VALUE);
        _tile_zero(1);
        _tile_loadd(T_VALUE, x->value[b][1], 64);
        _tile_dpbusd(1, T_WEIGHT, T_VALUE);
        _tile_stored(0, x->out[b][0], 64);
        _tile_stored(1, x->out[b][1], 64);
    }
    LW_AMX_WRITTEN();
    for (int b = 0; b < blocks; b++) {
        LW_UNROLL
        for (int r = 0; r < n; r++) {
            float *o = a->o + (gsize)r * a->d + b * LW_QK;
            __m512 old = _mm512_set1_ps(keep[r]), f = _mm512_set1_ps(step[b][r]), sum[2];
            LW_UNROLL
            for (int h = 0; h < 2; h++) {
                __m512i hi = _mm512_load_si512(x->out[b][h][2 * r]);
                __m512i lo = _mm512_load_si512(x->out[b][h][2 * r + 1]);
                sum[h] = _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_slli_epi32(hi, 8), lo));
            }
            __m512 y0 = _mm512_mul_ps(old, _mm512_loadu_ps(o));
            __m512 y1 = _mm512_mul_ps(old, _mm512_loadu_ps(o + 16));
            _mm512_storeu_ps(o, _mm512_fmadd_ps(_mm512_shuffle_f32x4(sum[0], sum[1], 0x88), f, y0));
            _mm512_storeu_ps(o + 16, _mm512_fmadd_ps(_mm512_shuffle_f32x4(sum[0], sum[1], 0xdd), f, y1));
        }
    }
}

LW_INLINE void each_row(const lw_attn_step *a, q_codes w, work *x, const int n)
{
    ahead next = ahead_of(a->k, a->ahead_k, LW_TILE_Q8_BYTES(a->d));
    gboolean any = FALSE;
    float keep[ROWS];

    LW_UNROLL
    for (int r = 0; r < n; r++)
        any |= visible_of(a, r) > first_of(a, r);
    if (!any)
        return;
    scores(a, w, x, a->ahead_k[0] != NULL ? &next : NULL, n);
    LW_UNROLL
    for (int r = 0; r < n; r++)
        keep[r] = softmax_row(x->s[r], first_of(a, r), visible_of(a, r), &a->m[r], &a->l[r]);
    add_values(a, x, keep, n);
}

static void few_rows(const lw_attn_step *a)
{
    q_codes w = q_codes_of(a);
    ahead next = ahead_of(a->v, a->ahead_v, LW_TILE_Q8_BYTES(a->d));
    work *x = a->scratch;

    lw_amx_use(&configs[a->rows]);
    if (!a->same_q)
        quantise_q(a, w);
    interleave(a, x, a->ahead_v[0] != NULL ? &next : NULL);
#define CALL(n) each_row(a, w, x, n)
    LW_CALL_TO_8(a->rows, CALL)
#undef CALL
    if (a->last)
        lw_amx_release();
}

/* -- many rows --------------------------------------------------------------------------------- */

/* Four elements of 16 keys lie together, so nothing is transposed. */
static void widen_keys(const lw_attn_step *a, lw_amx_kv *to)
{
    const __m512i byte = _mm512_set1_epi32(255), zero = _mm512_set1_epi32(128);

    for (int i = 0; i < a->d; i += 4)
        for (int j = 0; j < TILE; j += 16) {
            __m512 scale = lw_load_f16(scales_of(a->k, a->d, i / LW_QK) + j), x[4];
            __m512i codes = _mm512_loadu_si512((const uint8_t *)a->k + (gsize)i * TILE + 4 * j);
            LW_UNROLL
            for (int e = 0; e < 4; e++) {
                __m512i c = _mm512_sub_epi32(_mm512_and_si512(_mm512_srli_epi32(codes, (unsigned)e * 8), byte), zero);
                x[e] = _mm512_mul_ps(_mm512_cvtepi32_ps(c), scale);
            }
            lw_amx_operand *key = to->key[i / LW_AMX_PAIRED][j / 16];
            lw_amx_put_pairs(key, i % LW_AMX_PAIRED / 2, x[0], x[1]);
            lw_amx_put_pairs(key, i % LW_AMX_PAIRED / 2 + 1, x[2], x[3]);
        }
}

LW_INLINE __m512 wide_value(const lw_attn_step *a, int j, int i)
{
    const int8_t *v = (const int8_t *)a->v + (gsize)j * a->d + i;
    __m512i code = _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)v));

    if (j >= a->n_keys)
        return _mm512_setzero_ps();
    return _mm512_mul_ps(_mm512_cvtepi32_ps(code),
                         _mm512_set1_ps(_cvtsh_ss(scales_of(a->v, a->d, i / LW_QK)[j])));
}

static void widen_values(const lw_attn_step *a, lw_amx_kv *to)
{
    for (int j = 0; j < lw_amx_n_values(a); j += 2)
        for (int i = 0; i < a->d; i += 16)
            lw_amx_put_pairs(to->value[j / LW_AMX_PAIRED][i / 16], j % LW_AMX_PAIRED / 2, wide_value(a, j, i),
                             wide_value(a, j + 1, i));
}

static void attn_step_q8_0(const lw_attn_step *a)
{
    if (lw_amx_suits(a)) {
        widen_keys(a, a->scratch);
        widen_values(a, a->scratch);
        lw_attn_rows_amx(a);
        return;
    }
    few_rows(a);
}

void lw_attention_q8_init_amx(lw_kernels *k)
{
    k->attn_step_q8_0 = attn_step_q8_0;
}
