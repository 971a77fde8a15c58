/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * IEEE half and bfloat16 <-> float, portable and exact (round half to even, NaN kept quiet).
 */
#pragma once

#include <stdint.h>
#include <string.h>

typedef uint16_t lw_f16;
typedef uint16_t lw_bf16;

static inline float lw_f32_from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline uint32_t lw_f32_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float lw_f16_to_f32(lw_f16 h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exp = (h >> 10) & 0x1f;
    uint32_t man = h & 0x3ff;

    if (exp == 0x1f)
        return lw_f32_from_bits(sign | 0x7f800000 | man << 13);
    if (exp != 0)
        return lw_f32_from_bits(sign | (exp + 112) << 23 | man << 13);
    /* Zero or subnormal: man * 2^-24, exact in float. */
    float v = (float)man * 0x1p-24f;
    return lw_f32_from_bits(lw_f32_bits(v) | sign);
}

static inline lw_f16 lw_f32_to_f16(float f)
{
    uint32_t u = lw_f32_bits(f);
    uint32_t sign = u >> 16 & 0x8000;
    uint32_t a = u & 0x7fffffff;

    if (a > 0x7f800000)
        return (lw_f16)(sign | 0x7e00 | (a >> 13 & 0x1ff));
    if (a >= 0x47800000) /* 65536 and up, infinity */
        return (lw_f16)(sign | 0x7c00);
    if (a < 0x38800000) { /* below 2^-14: subnormal; let the FPU round at the right place */
        float v = lw_f32_from_bits(a) + 0.5f;
        return (lw_f16)(sign | (lw_f32_bits(v) - 0x3f000000));
    }
    uint32_t r = a - 0x38000000;
    r += 0xfff + (r >> 13 & 1);
    return (lw_f16)(sign | r >> 13); /* a carry into infinity is the right answer */
}

static inline float lw_bf16_to_f32(lw_bf16 b)
{
    return lw_f32_from_bits((uint32_t)b << 16);
}

static inline lw_bf16 lw_f32_to_bf16(float f)
{
    uint32_t u = lw_f32_bits(f);
    if ((u & 0x7fffffff) > 0x7f800000)
        return (lw_bf16)(u >> 16 | 0x40);
    return (lw_bf16)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
