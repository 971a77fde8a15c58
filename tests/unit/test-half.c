/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <glib.h>

#include "engine/base/half.h"

/* The value of a half by its definition, in double. */
static double half_value(guint16 h)
{
    int exp = h >> 10 & 31, man = h & 1023;
    double v = exp == 0 ? ldexp(man, -24) : exp == 31 ? INFINITY : ldexp(1024 + man, exp - 25);

    return h & 0x8000 ? -v : v;
}

static void test_widen(void)
{
    for (guint i = 0; i < 65536; i++) {
        float f = lw_f16_to_f32((lw_f16)i), b = lw_bf16_to_f32((lw_bf16)i);
        if ((i & 0x7c00) == 0x7c00 && (i & 0x3ff) != 0)
            g_assert_true(isnan(f));
        else
            g_assert_true((double)f == half_value((guint16)i) && !signbit(f) == !(i >> 15));
        g_assert_cmpuint(lw_f32_bits(b), ==, i << 16);
    }
    g_assert_cmphex(lw_f32_bits(lw_f16_to_f32(0x8000)), ==, 0x80000000);
}

/* Nearest of the two neighbours, ties to the even one, by exhaustive search between them. */
static void test_narrow_f16(void)
{
    for (guint i = 0; i < 0x7bff; i++) {
        double lo = half_value((guint16)i), hi = half_value((guint16)(i + 1)), mid = (lo + hi) / 2;
        guint16 even = i & 1 ? (guint16)(i + 1) : (guint16)i;
        g_assert_cmphex(lw_f32_to_f16((float)lo), ==, i);
        g_assert_cmphex(lw_f32_to_f16((float)mid), ==, even);
        g_assert_cmphex(lw_f32_to_f16(nextafterf((float)mid, 0)), ==, i);
        g_assert_cmphex(lw_f32_to_f16(nextafterf((float)mid, 1e9f)), ==, i + 1);
        g_assert_cmphex(lw_f32_to_f16((float)-mid), ==, even | 0x8000);
    }
    g_assert_cmphex(lw_f32_to_f16(65504.0f), ==, 0x7bff);
    g_assert_cmphex(lw_f32_to_f16(65519.99f), ==, 0x7bff);
    g_assert_cmphex(lw_f32_to_f16(65520.0f), ==, 0x7c00);
    g_assert_cmphex(lw_f32_to_f16(1e30f), ==, 0x7c00);
    g_assert_cmphex(lw_f32_to_f16(-INFINITY), ==, 0xfc00);
    g_assert_cmphex(lw_f32_to_f16(0x1p-25f), ==, 0);
    g_assert_cmphex(lw_f32_to_f16(0x1.8p-25f), ==, 1);
    g_assert_cmphex(lw_f32_to_f16(0x1p-149f), ==, 0);
    g_assert_cmphex(lw_f32_to_f16(-0.0f), ==, 0x8000);
    guint16 nan = lw_f32_to_f16(lw_f32_from_bits(0x7f800001)); /* signalling, payload in low bits */
    g_assert_true(isnan(lw_f16_to_f32(nan)));
    g_assert_cmphex(nan & 0x200, ==, 0x200);
}

static void test_narrow_bf16(void)
{
    g_assert_cmphex(lw_f32_to_bf16(1.0f), ==, 0x3f80);
    g_assert_cmphex(lw_f32_to_bf16(lw_f32_from_bits(0x3f808000)), ==, 0x3f80); /* tie to even */
    g_assert_cmphex(lw_f32_to_bf16(lw_f32_from_bits(0x3f818000)), ==, 0x3f82);
    g_assert_cmphex(lw_f32_to_bf16(lw_f32_from_bits(0x3f808001)), ==, 0x3f81);
    g_assert_cmphex(lw_f32_to_bf16(lw_f32_from_bits(0x3f807fff)), ==, 0x3f80);
    g_assert_cmphex(lw_f32_to_bf16(lw_f32_from_bits(0x7f7fffff)), ==,
                    0x7f80); /* rounds to infinity */
    g_assert_cmphex(lw_f32_to_bf16(-INFINITY), ==, 0xff80);
    guint16 nan = lw_f32_to_bf16(lw_f32_from_bits(0x7f800001));
    g_assert_true(isnan(lw_bf16_to_f32(nan)));
    for (guint i = 0; i < 65536; i++)
        if ((i & 0x7f80) != 0x7f80 || (i & 0x7f) == 0)
            g_assert_cmphex(lw_f32_to_bf16(lw_bf16_to_f32((lw_bf16)i)), ==, i);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/half/widen", test_widen);
    g_test_add_func("/half/narrow-f16", test_narrow_f16);
    g_test_add_func("/half/narrow-bf16", test_narrow_bf16);
    return g_test_run();
}
