/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sixteen rows at a time.
 */
#include "engine/kernels/x86/avx512.h"

/* -- integer panels ---------------------------------------------------------------------------- */

/* v[i]: columns 4j..4j+3, j = 0..7, of rows i (low 256 bits) and i + 8 (high) -> panel order. */
LW_INLINE void store_block(uint8_t *panel, __m512i v[8], __m512i flip)
{
    const __m512i even =
        _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
    const __m512i odd =
        _mm512_setr_epi32(4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    __m512i u[8];

    for (int i = 0; i < 8; i += 4) { /* 4x4 of 32 bits within each 128-bit lane */
        __m512i a = _mm512_unpacklo_epi32(v[i], v[i + 1]),
                b = _mm512_unpackhi_epi32(v[i], v[i + 1]);
        __m512i c = _mm512_unpacklo_epi32(v[i + 2], v[i + 3]);
        __m512i d = _mm512_unpackhi_epi32(v[i + 2], v[i + 3]);
        u[i + 0] = _mm512_unpacklo_epi64(a, c);
        u[i + 1] = _mm512_unpackhi_epi64(a, c);
        u[i + 2] = _mm512_unpacklo_epi64(b, d);
        u[i + 3] = _mm512_unpackhi_epi64(b, d);
    }
    LW_UNROLL
    for (int g = 0; g < 4; g++) {
        __m512i lo = _mm512_permutex2var_epi32(u[g], even, u[g + 4]);
        __m512i hi = _mm512_permutex2var_epi32(u[g], odd, u[g + 4]);
        _mm512_store_si512(panel + g * 64, _mm512_xor_si512(lo, flip));
        _mm512_store_si512(panel + (g + 4) * 64, _mm512_xor_si512(hi, flip));
    }
}

/* The scales (or minima) of 8 rows from h on of a block of 256 go out as [groups][16]. */
LW_INLINE void store_scales(float *out, __m256 s[8][2], int h, const int n_groups)
{
    LW_UNROLL
    for (int part = 0; part < n_groups / 8; part++) {
        __m256 t[8];
        LW_UNROLL
        for (int r = 0; r < 8; r++)
            t[r] = s[r][part];
        lw_transpose8(t);
        LW_UNROLL
        for (int g = 0; g < 8; g++)
            _mm256_store_ps(out + (part * 8 + g) * LW_PANEL_I8_ROWS + h, t[g]);
    }
}

/* Rows that do not exist repeat the last one. */
#define BLOCK(name, r, b) ((const lw_block_##name *)(const void *)row[r] + (b))
#define FIND_ROWS                                                                                  \
    const char *row[16];                                                                           \
    for (int r = 0; r < 16; r++)                                                                   \
        row[r] = (const char *)w + (gsize)MIN(r, n_rows - 1) * row_bytes;

/* Group j of block b of all rows, two in a register. */
#define STORE_CODES(name, b, j, panel, minima)                                                     \
    {                                                                                              \
        __m512i v[8];                                                                              \
        LW_UNROLL                                                                                  \
        for (int r = 0; r < 8; r++)                                                                \
            v[r] = _mm512_inserti64x4(_mm512_castsi256_si512(codes_##name(BLOCK(name, r, b), j)),  \
                                      codes_##name(BLOCK(name, r + 8, b), j), 1);                  \
        /* Codes with minima stay as they are, signed ones become code + 128. */                   \
        store_block(panel, v, _mm512_set1_epi8((minima) ? 0 : (char)128));                         \
    }

#define PACK_32(name, group, minima)                                                               \
    static void pack_##name(const void *w, gsize row_bytes, int n_rows, int k, uint8_t *panel,     \
                            float *scale, float *min)                                              \
    {                                                                                              \
        FIND_ROWS                                                                                  \
        for (gsize b = 0; b < (gsize)k / 32; b++, panel += 512) {                                  \
            uint16_t d[16], m[16];                                                                 \
            for (int r = 0; r < 16; r++) {                                                         \
                d[r] = raw_scale_##name(BLOCK(name, r, b));                                        \
                m[r] = raw_min_##name(BLOCK(name, r, b));                                          \
            }                                                                                      \
            STORE_CODES(name, b, 0, panel, minima)                                                 \
            for (int h = 0; h < 16; h += 8)                                                        \
                _mm256_store_ps(scale + b * 16 + h,                                                \
                                from_raw_##name(_mm_loadu_si128((const void *)(d + h))));          \
            if (minima)                                                                            \
                _mm512_store_ps(min + b * 16, lw_load_f16(m));                                     \
        }                                                                                          \
    }

#define PACK_256(name, group, minima)                                                              \
    static void pack_##name(const void *w, gsize row_bytes, int n_rows, int k, uint8_t *panel,     \
                            float *scale, float *min)                                              \
    {                                                                                              \
        FIND_ROWS                                                                                  \
        for (gsize b = 0; b < (gsize)k / 256; b++, panel += 8 * 512) {                             \
            for (int h = 0; h < 16; h += 8) {                                                      \
                __m256 s[8][2], m[8][2];                                                           \
                LW_UNROLL                                                                          \
                for (int r = 0; r < 8; r++)                                                        \
                    scales_##name(BLOCK(name, h + r, b), s[r], m[r]);                              \
                store_scales(scale + b * (256 / (group)) * 16, s, h, 256 / (group));               \
                if (minima)                                                                        \
                    store_scales(min + b * (256 / (group)) * 16, m, h, 256 / (group));             \
            }                                                                                      \
            LW_UNROLL                                                                              \
            for (int j = 0; j < 8; j++)                                                            \
                STORE_CODES(name, b, j, panel + j * 512, minima)                                   \
        }                                                                                          \
    }

#define PACK(X, name, NAME, elems, group, minima) PACK_##elems(name, group, minima)

LW_BLOCK_TYPES(PACK, )

/* -- float panels ------------------------------------------------------------------------------ */

#define PACK_FLOAT(name, type, maskload)                                                           \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, float *panel)              \
    {                                                                                              \
        for (int h = 0; h < LW_PANEL_F32_ROWS; h += 16) {                                          \
            for (int i = 0; i < k; i += 16) {                                                      \
                __m512 t[16];                                                                      \
                for (int r = 0; r < 16; r++) {                                                     \
                    gsize at = (gsize)MIN(h + r, n_rows - 1) * row_bytes;                          \
                    t[r] = maskload(lw_mask16(k - i),                                              \
                                    (const type *)(const void *)((const char *)w + at) + i);       \
                }                                                                                  \
                lw_transpose16(t);                                                                 \
                for (int c = 0; c < MIN(16, k - i); c++)                                           \
                    _mm512_store_ps(panel + (gsize)(i + c) * LW_PANEL_F32_ROWS + h, t[c]);         \
            }                                                                                      \
        }                                                                                          \
    }

PACK_FLOAT(pack_f32, float, _mm512_maskz_loadu_ps)
PACK_FLOAT(pack_f16, lw_f16, lw_maskload_f16)
PACK_FLOAT(pack_bf16, lw_bf16, lw_maskload_bf16)

void lw_pack_init_avx512(lw_kernels *k)
{
    k->pack_f32 = pack_f32;
    k->pack_f16 = pack_f16;
    k->pack_bf16 = pack_bf16;
#define SET(X, name, ...) k->pack_##name = pack_##name;
    LW_BLOCK_TYPES(SET, )
#undef SET
}
