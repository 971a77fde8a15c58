/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/kernels/check.h"

#include "engine/gguf/gguf.h"
#include "engine/kernels/weight.h"

static guint64 state = 1;

void check_seed(guint32 seed)
{
    state = seed * 0x9e3779b97f4a7c15u + 1;
}

guint32 check_random(void)
{
    /* Marsaglia's xorshift64, high half. */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (guint32)(state >> 32);
}

float check_uniform(float lo, float hi)
{
    return lo + (hi - lo) * (float)(check_random() >> 8) * 0x1p-24f;
}

float check_normal(void)
{
    float s = 0;

    for (int i = 0; i < 12; i++)
        s += check_uniform(0, 1);
    return s - 6;
}

void check_fill_f32(float *x, gsize n, check_fill fill)
{
    for (gsize i = 0; i < n; i++) {
        switch (fill) {
        case FILL_NORMAL:
            x[i] = check_normal();
            break;
        case FILL_ZERO:
            x[i] = 0;
            break;
        case FILL_EXTREME:
            x[i] = powf(10.0f, check_uniform(-30, 30)) * (check_random() & 1 ? 1 : -1);
            break;
        case FILL_DENORMAL:
            x[i] = check_random() & 3 ? lw_f32_from_bits(check_random() & 0x807fffff)
                                      : (check_random() & 1 ? 0.0f : -0.0f);
            break;
        default:
            x[i] = check_normal() * (check_random() % 50 == 0 ? 1000.0f : 0.01f);
        }
    }
}

#define GUARD 64
#define GUARD_BYTE 0xa5

typedef struct {
    gsize n_bytes;
    char *block;
} guard_head;

void *check_alloc(gsize n_bytes, gsize shift)
{
    char *block = g_aligned_alloc0(1, n_bytes + shift + 64 + GUARD, 64);
    char *p = block + 64 + shift;
    guard_head head = {n_bytes, block};

    memcpy(p - sizeof head, &head, sizeof head);
    memset(p + n_bytes, GUARD_BYTE, GUARD);
    return p;
}

void check_free(void *p)
{
    guard_head head;

    memcpy(&head, (char *)p - sizeof head, sizeof head);
    for (int i = 0; i < GUARD; i++)
        g_assert_cmphex(((guint8 *)p)[head.n_bytes + i], ==, GUARD_BYTE);
    g_aligned_free(head.block);
}

/* Tame scales and minima into a block whose other bytes stay. */
static void set_scales(guint type, guint8 *block)
{
    static const struct {
        int d, m; /* offsets of f16 fields */
    } at[] = {
        [LW_TYPE_Q4_1] = {0, 2},   [LW_TYPE_Q5_1] = {0, 2},  [LW_TYPE_Q2_K] = {80, 82},
        [LW_TYPE_Q3_K] = {108, 0}, [LW_TYPE_Q4_K] = {0, 2},  [LW_TYPE_Q5_K] = {0, 2},
        [LW_TYPE_Q6_K] = {208, 0}, [LW_TYPE_MXFP4] = {0, 0},
    };
    lw_f16 d = lw_f32_to_f16(check_uniform(-0.02f, 0.02f)),
           m = lw_f32_to_f16(check_uniform(-0.2f, 0.2f));

    if (type == LW_TYPE_MXFP4) {
        block[0] = check_random() % 16 == 0 ? check_random() % 3 : 115 + check_random() % 8;
        return;
    }
    if (check_random() % 16 == 0)
        d = check_random() & 0x83ff;
    memcpy(block + (type < G_N_ELEMENTS(at) ? at[type].d : 0), &d, sizeof d);
    if (type < G_N_ELEMENTS(at) && at[type].m)
        memcpy(block + at[type].m, &m, sizeof m);
}

void *check_weights(guint type, int n_rows, int k, gsize *row_bytes)
{
    gsize n = (gsize)n_rows * k;
    guint block = lw_type_get_info(type)->block_bytes;

    *row_bytes = lw_type_row_bytes(type, k);
    guint8 *w = check_alloc(*row_bytes * n_rows, 0);
    switch (type) {
    case LW_TYPE_F32:
        check_fill_f32((float *)(void *)w, n, FILL_NORMAL);
        break;
    case LW_TYPE_F16:
        for (gsize i = 0; i < n; i++)
            ((lw_f16 *)(void *)w)[i] = lw_f32_to_f16(check_normal());
        break;
    case LW_TYPE_BF16:
        for (gsize i = 0; i < n; i++)
            ((lw_bf16 *)(void *)w)[i] = lw_f32_to_bf16(check_normal());
        break;
    default:
        /* Every byte value occurs, -128 too; scales of both signs, some zero, some denormal. */
        for (gsize i = 0; i < *row_bytes * n_rows; i++)
            w[i] = (guint8)check_random();
        for (gsize i = 0; i < *row_bytes * n_rows; i += block) {
            if (check_random() % 8 == 0)
                memset(w + i, check_random() & 1 ? 0x80 : 0x7f, block);
            set_scales(type, w + i);
        }
    }
    return w;
}

void check_row_f32(guint type, const void *row, int k, float *out)
{
    lw_kernels ref;

    lw_kernels_init(&ref, 0);
    lw_weight_type_get(type)->dequant(&ref, row, out, k);
}

void check_row_size(guint type, const void *row, int k, float *out)
{
    lw_codes c;

    switch (type) {
#define CASE(X, name, NAME, elems, group, minima)                                                  \
    case LW_TYPE_##NAME:                                                                           \
        for (int i = 0; i < k; i++) {                                                              \
            int j = i % (elems), g = j / (group);                                                  \
            if (j == 0)                                                                            \
                lw_codes_##name((const lw_block_##name *)row + i / (elems), &c);                   \
            out[i] = fabsf(c.scale[g] * c.code[j]) + ((minima) ? fabsf(c.min[g]) : 0);             \
        }                                                                                          \
        break;
        LW_BLOCK_TYPES(CASE, )
    default:
        check_row_f32(type, row, k, out);
        for (int i = 0; i < k; i++)
            out[i] = fabsf(out[i]);
    }
}

check_quant check_quantise(const float *x, int n)
{
    check_quant a = {n, check_alloc(n, 1), check_alloc(n / 32 * 4, 4), check_alloc(n / 32 * 4, 4),
                     check_alloc(n / 16 * 4, 4)};
    lw_kernels ref;

    lw_kernels_init(&ref, 0);
    ref.quant_q8(x, a.q, a.scale, n);
    for (int g = 0; g < n / 16; g++) {
        int sum = 0;
        for (int i = 0; i < 16; i++)
            sum += a.q[g * 16 + i];
        a.sum16[g] = a.scale[g / 2] * (float)sum;
        if (g % 2) {
            for (int i = 0; i < 16; i++)
                sum += a.q[g * 16 - 16 + i];
            a.sum32[g / 2] = a.scale[g / 2] * (float)sum;
        }
    }
    return a;
}

void check_quant_free(check_quant *a)
{
    check_free(a->q);
    check_free(a->scale);
    check_free(a->sum32);
    check_free(a->sum16);
}

void check_quant_values(const check_quant *a, float *x)
{
    for (int i = 0; i < a->n; i++)
        x[i] = a->q[i] * a->scale[i / 32];
}

void check_equal_f32(const char *what, const float *got, const float *want, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (isnan(got[i]) && isnan(want[i]))
            continue;
        if (lw_f32_bits(got[i]) != lw_f32_bits(want[i]))
            g_error("%s: element %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " is %.9g, not %.9g",
                    what, i, n, got[i], want[i]);
    }
}

void check_close_f32(const char *what, const float *got, const float *want, gsize n, float rel,
                     float abs)
{
    for (gsize i = 0; i < n; i++) {
        if ((isnan(got[i]) && isnan(want[i])) || got[i] == want[i])
            continue;
        float bound = rel * fabsf(want[i]) + abs;
        if (!(fabsf(got[i] - want[i]) <= bound) || isinf(want[i]))
            g_error("%s: element %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                    " is %.9g, not %.9g +- %.2g",
                    what, i, n, got[i], want[i], bound);
    }
}
