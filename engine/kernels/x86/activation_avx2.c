/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/kernels/x86/avx2.h"

static void add(float *y, const float *x, gsize n)
{
    for (gsize i = 0; i < n; i += 8) {
        __m256 s = _mm256_add_ps(lw_load_n_f32(y + i, n - i), lw_load_n_f32(x + i, n - i));
        _mm256_maskstore_ps(y + i, lw_mask8(n - i), s);
    }
}

static void add_scaled(float *y, const float *x, float s, gsize n)
{
    for (gsize i = 0; i < n; i += 8) {
        __m256 v = _mm256_fmadd_ps(lw_load_n_f32(x + i, n - i), _mm256_set1_ps(s),
                                   lw_load_n_f32(y + i, n - i));
        _mm256_maskstore_ps(y + i, lw_mask8(n - i), v);
    }
}

static void swiglu(const float *gate, const float *up, float *y, gsize n)
{
    const __m256 one = _mm256_set1_ps(1.0f);

    for (gsize i = 0; i < n; i += 8) {
        __m256 g = lw_load_n_f32(gate + i, n - i);
        __m256 e = lw_exp(_mm256_xor_ps(g, _mm256_set1_ps(-0.0f)));
        __m256 s = _mm256_div_ps(g, _mm256_add_ps(one, e));
        _mm256_maskstore_ps(y + i, lw_mask8(n - i), _mm256_mul_ps(s, lw_load_n_f32(up + i, n - i)));
    }
}

/* As in activation_avx512.c. */
LW_INLINE __m256 erf8(__m256 x)
{
    static const float p[] = {7.875875e-05f, -0.00080168643f, 0.005189087f, -0.026854211f,
                              0.112835944f,  -0.37612626f,    1.1283791f};
    static const float q[] = {0.093865186f, -0.22747317f, 0.08408099f, 0.059842244f,
                              0.17925999f,  0.24684995f,  0.28205395f, 0.28209767f};
    const __m256 one = _mm256_set1_ps(1.0f), sign = _mm256_set1_ps(-0.0f);
    __m256 a = _mm256_andnot_ps(sign, x), x2 = _mm256_mul_ps(x, x);
    __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(a, _mm256_set1_ps(0.5f), one));
    __m256 s = _mm256_set1_ps(p[0]), b = _mm256_set1_ps(q[0]);

    for (int i = 1; i < 7; i++)
        s = _mm256_fmadd_ps(s, x2, _mm256_set1_ps(p[i]));
    for (int i = 1; i < 8; i++)
        b = _mm256_fmadd_ps(b, t, _mm256_set1_ps(q[i]));
    b = _mm256_mul_ps(_mm256_mul_ps(b, t), lw_exp(_mm256_xor_ps(x2, sign)));
    b = _mm256_or_ps(_mm256_sub_ps(one, b), _mm256_and_ps(x, sign));
    return _mm256_blendv_ps(b, _mm256_mul_ps(s, x), _mm256_cmp_ps(a, one, _CMP_LT_OQ));
}

static void gelu_erf(const float *x, float *y, gsize n)
{
    for (gsize i = 0; i < n; i += 8) {
        __m256 v = lw_load_n_f32(x + i, n - i);
        __m256 e = erf8(_mm256_mul_ps(v, _mm256_set1_ps(0.70710678f)));
        __m256 h = _mm256_mul_ps(_mm256_set1_ps(0.5f), v);
        _mm256_maskstore_ps(y + i, lw_mask8(n - i),
                            _mm256_mul_ps(h, _mm256_add_ps(_mm256_set1_ps(1.0f), e)));
    }
}

/* x / (1 + e^-a) */
LW_INLINE __m256 gated8(__m256 x, __m256 minus_a)
{
    return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0f), lw_exp(minus_a)));
}

LW_INLINE __m256 gelu_tanh8(__m256 v)
{
    __m256 u = _mm256_mul_ps(v, _mm256_set1_ps(-2 * 0.79788456f));

    u = _mm256_mul_ps(u, _mm256_fmadd_ps(_mm256_mul_ps(v, v), _mm256_set1_ps(0.044715f), _mm256_set1_ps(1.0f)));
    return gated8(v, u);
}

static void gelu_tanh(const float *x, float *y, gsize n)
{
    for (gsize i = 0; i < n; i += 8) {
        _mm256_maskstore_ps(y + i, lw_mask8(n - i), gelu_tanh8(lw_load_n_f32(x + i, n - i)));
    }
}

static void geglu(const float *gate, const float *up, float *y, gsize n)
{
    for (gsize i = 0; i < n; i += 8) {
        __m256 g = gelu_tanh8(lw_load_n_f32(gate + i, n - i));
        _mm256_maskstore_ps(y + i, lw_mask8(n - i), _mm256_mul_ps(g, lw_load_n_f32(up + i, n - i)));
    }
}

static void gelu_quick(const float *x, float *y, gsize n)
{
    for (gsize i = 0; i < n; i += 8) {
        __m256 v = lw_load_n_f32(x + i, n - i);
        _mm256_maskstore_ps(y + i, lw_mask8(n - i),
                            gated8(v, _mm256_mul_ps(v, _mm256_set1_ps(-1.702f))));
    }
}

void lw_activation_init_avx2(lw_kernels *k)
{
    k->add = add;
    k->add_scaled = add_scaled;
    k->swiglu = swiglu;
    k->gelu_erf = gelu_erf;
    k->gelu_tanh = gelu_tanh;
    k->gelu_quick = gelu_quick;
    k->geglu = geglu;
}
