/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Eight rows at a time: their 32 columns are one 8 x 8 transpose of 32-bit groups.
 */
#include "engine/kernels/x86/avx2.h"

/* -- integer panels ---------------------------------------------------------------------------- */

/* v: 32 columns of 8 rows; out: 8 groups of 8 rows x 4 columns, 64 bytes apart. */
LW_INLINE void store_half(uint8_t *panel, __m256i v[8], __m256i flip)
{
    __m256 t[8];

    LW_UNROLL
    for (int r = 0; r < 8; r++)
        t[r] = _mm256_castsi256_ps(_mm256_xor_si256(v[r], flip));
    lw_transpose8(t);
    LW_UNROLL
    for (int g = 0; g < 8; g++)
        _mm256_store_si256((void *)(panel + g * 64), _mm256_castps_si256(t[g]));
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

/* Codes with minima stay as they are, signed ones become code + 128. */
#define FLIP(minima) _mm256_set1_epi8((minima) ? 0 : (char)128)

#define PACK_32(name, group, minima)                                                               \
    static void pack_##name(const void *w, gsize row_bytes, int n_rows, int k, uint8_t *panel,     \
                            float *scale, float *min)                                              \
    {                                                                                              \
        FIND_ROWS                                                                                  \
        for (gsize b = 0; b < (gsize)k / 32; b++, panel += 512) {                                  \
            for (int h = 0; h < 16; h += 8) {                                                      \
                uint16_t d[8], m[8];                                                               \
                __m256i v[8];                                                                      \
                for (int r = 0; r < 8; r++) {                                                      \
                    d[r] = raw_scale_##name(BLOCK(name, h + r, b));                                \
                    m[r] = raw_min_##name(BLOCK(name, h + r, b));                                  \
                    v[r] = codes_##name(BLOCK(name, h + r, b), 0);                                 \
                }                                                                                  \
                store_half(panel + h * 4, v, FLIP(minima));                                        \
                _mm256_store_ps(scale + b * 16 + h,                                                \
                                from_raw_##name(_mm_loadu_si128((const void *)d)));                \
                if (minima)                                                                        \
                    _mm256_store_ps(min + b * 16 + h, lw_load_f16(m));                             \
            }                                                                                      \
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
                for (int r = 0; r < 8; r++)                                                        \
                    scales_##name(BLOCK(name, h + r, b), s[r], m[r]);                              \
                store_scales(scale + b * (256 / (group)) * 16, s, h, 256 / (group));               \
                if (minima)                                                                        \
                    store_scales(min + b * (256 / (group)) * 16, m, h, 256 / (group));             \
                for (int j = 0; j < 8; j++) {                                                      \
                    __m256i v[8];                                                                  \
                    for (int r = 0; r < 8; r++)                                                    \
                        v[r] = codes_##name(BLOCK(name, h + r, b), j);                             \
                    store_half(panel + j * 512 + h * 4, v, FLIP(minima));                          \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

#define PACK(X, name, NAME, elems, group, minima) PACK_##elems(name, group, minima)

LW_BLOCK_TYPES(PACK, )

/* -- float panels ------------------------------------------------------------------------------ */

/* 8 columns from i on of 8 rows; n of them exist. */
#define PACK_8(type, load)                                                                         \
    {                                                                                              \
        __m256 t[8];                                                                               \
        LW_UNROLL                                                                                  \
        for (int r = 0; r < 8; r++)                                                                \
            t[r] = load((const type *)(const void *)row[r] + i);                                   \
        lw_transpose8(t);                                                                          \
        LW_UNROLL                                                                                  \
        for (int c = 0; c < 8; c++)                                                                \
            if (c < n)                                                                             \
                _mm256_store_ps(panel + (gsize)(i + c) * LW_PANEL_F32_ROWS + h, t[c]);             \
    }

#define PACK_FLOAT(name, type, load8, load_n)                                                      \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, float *panel)              \
    {                                                                                              \
        for (int h = 0; h < LW_PANEL_F32_ROWS; h += 8) {                                           \
            const char *row[8];                                                                    \
            int i = 0, n = 8;                                                                      \
            for (int r = 0; r < 8; r++)                                                            \
                row[r] = (const char *)w + (gsize)MIN(h + r, n_rows - 1) * row_bytes;              \
            for (; i + 8 <= k; i += 8)                                                             \
                PACK_8(type, load8)                                                                \
            n = k - i;                                                                             \
            if (n > 0)                                                                             \
                PACK_8(type, load_n)                                                               \
        }                                                                                          \
    }

#define REST_F32(p) lw_load_n_f32(p, n)
#define REST_F16(p) lw_load_n_f16(p, n)
#define REST_BF16(p) lw_load_n_bf16(p, n)

PACK_FLOAT(pack_f32, float, _mm256_loadu_ps, REST_F32)
PACK_FLOAT(pack_f16, lw_f16, lw_load_f16, REST_F16)
PACK_FLOAT(pack_bf16, lw_bf16, lw_load_bf16, REST_BF16)

void lw_pack_init_avx2(lw_kernels *k)
{
    k->pack_f32 = pack_f32;
    k->pack_f16 = pack_f16;
    k->pack_bf16 = pack_bf16;
#define SET(X, name, ...) k->pack_##name = pack_##name;
    LW_BLOCK_TYPES(SET, )
#undef SET
}
