/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/kernels/check.h"

#include "engine/gguf/gguf.h"

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
            lw_f16 d = lw_f32_to_f16(check_uniform(-0.02f, 0.02f));
            if (check_random() % 16 == 0)
                d = check_random() & 0x83ff;
            memcpy(w + i, &d, sizeof d);
            if (check_random() % 8 == 0)
                memset(w + i + 2, check_random() & 1 ? 0x80 : 0x7f, block - 2);
        }
    }
    return w;
}

void check_row_f32(guint type, const void *row, int k, float *out)
{
    lw_kernels ref;

    lw_kernels_init(&ref, 0);
    switch (type) {
    case LW_TYPE_F32:
        memcpy(out, row, (gsize)k * sizeof(float));
        break;
    case LW_TYPE_F16:
        ref.f16_to_f32(row, out, k);
        break;
    case LW_TYPE_BF16:
        ref.bf16_to_f32(row, out, k);
        break;
    case LW_TYPE_Q8_0:
        ref.dequant_q8_0(row, out, k);
        break;
    default:
        ref.dequant_q4_0(row, out, k);
    }
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
