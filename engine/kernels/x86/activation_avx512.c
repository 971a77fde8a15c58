/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx512.h"

static void add(float *y, const float *x, gsize n)
{
    for (gsize i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        __m512 s = _mm512_add_ps(_mm512_maskz_loadu_ps(m, y + i), _mm512_maskz_loadu_ps(m, x + i));
        _mm512_mask_storeu_ps(y + i, m, s);
    }
}

static void add_scaled(float *y, const float *x, float s, gsize n)
{
    for (gsize i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        __m512 v = _mm512_maskz_loadu_ps(m, x + i);
        _mm512_mask_storeu_ps(
            y + i, m, _mm512_fmadd_ps(v, _mm512_set1_ps(s), _mm512_maskz_loadu_ps(m, y + i)));
    }
}

static void swiglu(const float *gate, const float *up, float *y, gsize n)
{
    const __m512 one = _mm512_set1_ps(1.0f);

    for (gsize i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        __m512 g = _mm512_maskz_loadu_ps(m, gate + i);
        __m512 e = lw_exp(_mm512_sub_ps(_mm512_setzero_ps(), g));
        __m512 s = _mm512_div_ps(g, _mm512_add_ps(one, e));
        _mm512_mask_storeu_ps(y + i, m, _mm512_mul_ps(s, _mm512_maskz_loadu_ps(m, up + i)));
    }
}

/* erf(x) for |x| < 1 is x P(x^2); beyond, 1 - t Q(t) e^(-x^2) with t = 1 / (1 + x / 2).
 * Both polynomials interpolate at Chebyshev nodes. */
LW_INLINE __m512 erf16(__m512 x)
{
    static const float p[] = {7.875875e-05f, -0.00080168643f, 0.005189087f, -0.026854211f,
                              0.112835944f,  -0.37612626f,    1.1283791f};
    static const float q[] = {0.093865186f, -0.22747317f, 0.08408099f, 0.059842244f,
                              0.17925999f,  0.24684995f,  0.28205395f, 0.28209767f};
    const __m512 one = _mm512_set1_ps(1.0f);
    __m512 a = _mm512_abs_ps(x), x2 = _mm512_mul_ps(x, x);
    __m512 t = _mm512_div_ps(one, _mm512_fmadd_ps(a, _mm512_set1_ps(0.5f), one));
    __m512 s = _mm512_set1_ps(p[0]), b = _mm512_set1_ps(q[0]);

    for (int i = 1; i < 7; i++)
        s = _mm512_fmadd_ps(s, x2, _mm512_set1_ps(p[i]));
    for (int i = 1; i < 8; i++)
        b = _mm512_fmadd_ps(b, t, _mm512_set1_ps(q[i]));
    b = _mm512_mul_ps(_mm512_mul_ps(b, t), lw_exp(_mm512_sub_ps(_mm512_setzero_ps(), x2)));
    b = _mm512_sub_ps(one, b);
    b = _mm512_or_ps(b, _mm512_and_ps(x, _mm512_set1_ps(-0.0f)));
    return _mm512_mask_mul_ps(b, _mm512_cmp_ps_mask(a, one, _CMP_LT_OQ), s, x);
}

static void gelu_erf(const float *x, float *y, gsize n)
{
    for (gsize i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        __m512 v = _mm512_maskz_loadu_ps(m, x + i);
        __m512 e = erf16(_mm512_mul_ps(v, _mm512_set1_ps(0.70710678f)));
        __m512 h = _mm512_mul_ps(_mm512_set1_ps(0.5f), v);
        _mm512_mask_storeu_ps(y + i, m, _mm512_mul_ps(h, _mm512_add_ps(_mm512_set1_ps(1.0f), e)));
    }
}

/* x / (1 + e^-a) */
LW_INLINE __m512 gated16(__m512 x, __m512 minus_a)
{
    return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1.0f), lw_exp(minus_a)));
}

LW_INLINE __m512 gelu_tanh16(__m512 v)
{
    __m512 u = _mm512_mul_ps(v, _mm512_set1_ps(-2 * 0.79788456f));

    u = _mm512_mul_ps(u, _mm512_fmadd_ps(_mm512_mul_ps(v, v), _mm512_set1_ps(0.044715f), _mm512_set1_ps(1.0f)));
    return gated16(v, u);
}

static void gelu_tanh(const float *x, float *y, gsize n)
{
    for (gsize i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        _mm512_mask_storeu_ps(y + i, m, gelu_tanh16(_mm512_maskz_loadu_ps(m, x + i)));
    }
}

static void geglu(const float *gate, const float *up, float *y, gsize n)
{
    for (gsize i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        __m512 g = gelu_tanh16(_mm512_maskz_loadu_ps(m, gate + i));
        _mm512_mask_storeu_ps(y + i, m, _mm512_mul_ps(g, _mm512_maskz_loadu_ps(m, up + i)));
    }
}

static void gelu_quick(const float *x, float *y, gsize n)
{
    for (gsize i = 0; i < n; i += 16) {
        __mmask16 m = lw_mask16(n - i);
        __m512 v = _mm512_maskz_loadu_ps(m, x + i);
        _mm512_mask_storeu_ps(y + i, m, gated16(v, _mm512_mul_ps(v, _mm512_set1_ps(-1.702f))));
    }
}

void lw_activation_init_avx512(lw_kernels *k)
{
    k->add = add;
    k->add_scaled = add_scaled;
    k->swiglu = swiglu;
    k->gelu_erf = gelu_erf;
    k->gelu_tanh = gelu_tanh;
    k->gelu_quick = gelu_quick;
    k->geglu = geglu;
}
