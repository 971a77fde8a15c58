/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Weight rows unpacked into panels (layouts: kernels.h).
 */
#include "engine/kernels/kernels-private.h"

#define PACK(name, type, load)                                                                     \
    static void name(const void *w, gsize row_bytes, int n_rows, int k, float *panel)              \
    {                                                                                              \
        for (int r = 0; r < LW_PANEL_F32_ROWS; r++) {                                              \
            const type *row = (const type *)((const char *)w + MIN(r, n_rows - 1) * row_bytes);    \
            for (int i = 0; i < k; i++)                                                            \
                panel[(gsize)i * LW_PANEL_F32_ROWS + r] = load(row[i]);                            \
        }                                                                                          \
    }

PACK(pack_f32, float, )
PACK(pack_f16, lw_f16, lw_f16_to_f32)
PACK(pack_bf16, lw_bf16, lw_bf16_to_f32)

/* One block's codes and scales into row r of the panel, which the block starts in. */
static void place(const lw_codes *c, int r, int elems, int group, gboolean minima, uint8_t *panel,
                  float *scale, float *min)
{
    for (int i = 0; i < elems; i++)
        panel[(gsize)(i / 4) * (LW_PANEL_I8_ROWS * 4) + (gsize)r * 4 + i % 4] =
            (uint8_t)(minima ? c->code[i] : c->code[i] + 128);
    for (int g = 0; g < elems / group; g++) {
        scale[g * LW_PANEL_I8_ROWS + r] = c->scale[g];
        if (minima)
            min[g * LW_PANEL_I8_ROWS + r] = c->min[g];
    }
}

#define PACK_BLOCKS(X, name, NAME, elems, group, minima)                                           \
    static void pack_##name(const void *w, gsize row_bytes, int n_rows, int k, uint8_t *panel,     \
                            float *scale, float *min)                                              \
    {                                                                                              \
        for (int r = 0; r < LW_PANEL_I8_ROWS; r++) {                                               \
            gsize at = (gsize)MIN(r, n_rows - 1) * row_bytes;                                      \
            const lw_block_##name *row = (const void *)((const char *)w + at);                     \
            for (gsize i = 0; i < (gsize)k; i += (elems)) {                                        \
                gsize g = i / (group)*LW_PANEL_I8_ROWS;                                            \
                lw_codes c;                                                                        \
                lw_codes_##name(row + i / (elems), &c);                                            \
                place(&c, r, elems, group, minima, panel + i * LW_PANEL_I8_ROWS, scale + g,        \
                      (minima) ? min + g : NULL);                                                  \
            }                                                                                      \
        }                                                                                          \
    }

LW_BLOCK_TYPES(PACK_BLOCKS, )

void lw_pack_init_c(lw_kernels *k)
{
    k->pack_f32 = pack_f32;
    k->pack_f16 = pack_f16;
    k->pack_bf16 = pack_bf16;
#define SET(X, name, ...) k->pack_##name = pack_##name;
    LW_BLOCK_TYPES(SET, )
#undef SET
}
