/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/weight.h"

#include <string.h>

#include "engine/gguf/gguf.h"
#include "engine/kernels/blocks.h"

static float *panel_scales(const void *panel, int n_in)
{
    return (float *)(void *)((char *)panel + LW_PANEL_I8_BYTES(n_in));
}

static float *panel_minima(const void *panel, int n_in, guint group)
{
    return panel_scales(panel, n_in) + LW_PANEL_I8_SCALES(n_in, group);
}

gsize lw_panel_bytes(const lw_weight_type *t, int n_in)
{
    if (!t->is_int)
        return LW_PANEL_F32_FLOATS(n_in) * sizeof(float);
    return LW_PANEL_I8_BYTES(n_in) +
           LW_PANEL_I8_SCALES(n_in, t->group) * sizeof(float) * (t->minima ? 2 : 1);
}

/* -- float types ------------------------------------------------------------------------------- */

static void dequant_f32(const lw_kernels *k, const void *row, float *dst, gsize n)
{
    memcpy(dst, row, n * sizeof(float));
}

static void dequant_f16(const lw_kernels *k, const void *row, float *dst, gsize n)
{
    k->f16_to_f32(row, dst, n);
}

static void dequant_bf16(const lw_kernels *k, const void *row, float *dst, gsize n)
{
    k->bf16_to_f32(row, dst, n);
}

static void multiply_f32(const lw_kernels *k, lw_panel_mul *a)
{
    k->panel_f32(a);
}

#define FLOAT_TYPE(name)                                                                           \
    static void matvec_##name(const lw_kernels *k, const void *w, gsize row_bytes, int n_rows,     \
                              int n_in, const lw_activation *x, float *y)                          \
    {                                                                                              \
        k->matvec_##name(w, row_bytes, n_rows, n_in, x->x, y);                                     \
    }                                                                                              \
    static void pack_##name(const lw_kernels *k, const void *w, gsize row_bytes, int n_rows,       \
                            int n_in, void *panel)                                                 \
    {                                                                                              \
        k->pack_##name(w, row_bytes, n_rows, n_in, panel);                                         \
    }

FLOAT_TYPE(f32)
FLOAT_TYPE(f16)
FLOAT_TYPE(bf16)

/* -- quantised types --------------------------------------------------------------------------- */

static void multiply_int(const lw_kernels *k, lw_panel_mul *a, guint group, gboolean minima)
{
    a->panel_scale = panel_scales(a->panel, a->k);
    if (minima) {
        a->panel_min = panel_minima(a->panel, a->k, group);
        (group == 16 ? k->panel_i8_16_min : k->panel_i8_32_min)(a);
    } else {
        (group == 16 ? k->panel_i8_16 : k->panel_i8_32)(a);
    }
}

#define BLOCK_TYPE(X, name, NAME, elems, group, minima)                                            \
    static void dequant_##name(const lw_kernels *k, const void *row, float *dst, gsize n)          \
    {                                                                                              \
        k->dequant_##name(row, dst, n);                                                            \
    }                                                                                              \
    static void matvec_##name(const lw_kernels *k, const void *w, gsize row_bytes, int n_rows,     \
                              int n_in, const lw_activation *x, float *y)                          \
    {                                                                                              \
        k->matvec_##name(w, row_bytes, n_rows, n_in, &x->q, y);                                    \
    }                                                                                              \
    static void pack_##name(const lw_kernels *k, const void *w, gsize row_bytes, int n_rows,       \
                            int n_in, void *panel)                                                 \
    {                                                                                              \
        k->pack_##name(w, row_bytes, n_rows, n_in, panel, panel_scales(panel, n_in),               \
                       (minima) ? panel_minima(panel, n_in, group) : NULL);                        \
    }                                                                                              \
    static void multiply_##name(const lw_kernels *k, lw_panel_mul *a)                              \
    {                                                                                              \
        multiply_int(k, a, group, minima);                                                         \
    }

LW_BLOCK_TYPES(BLOCK_TYPE, )

/* -- the table --------------------------------------------------------------------------------- */

#define FLOAT_ROW(name, NAME, bytes)                                                               \
    [LW_TYPE_##NAME] = {1,                                                                         \
                        bytes,                                                                     \
                        FALSE,                                                                     \
                        0,                                                                         \
                        FALSE,                                                                     \
                        LW_PANEL_F32_ROWS,                                                         \
                        dequant_##name,                                                            \
                        matvec_##name,                                                             \
                        pack_##name,                                                               \
                        multiply_f32},
#define BLOCK_ROW(X, name, NAME, elems, group, minima)                                             \
    [LW_TYPE_##NAME] = {elems,       sizeof(lw_block_##name), TRUE,           group,               \
                        minima,      LW_PANEL_I8_ROWS,        dequant_##name, matvec_##name,       \
                        pack_##name, multiply_##name},

static const lw_weight_type types[] = {FLOAT_ROW(f32, F32, 4) FLOAT_ROW(f16, F16, 2)
                                           FLOAT_ROW(bf16, BF16, 2) LW_BLOCK_TYPES(BLOCK_ROW, )};

const lw_weight_type *lw_weight_type_get(guint type)
{
    return type < G_N_ELEMENTS(types) && types[type].dequant ? &types[type] : NULL;
}
