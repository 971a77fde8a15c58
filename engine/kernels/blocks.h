/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The quantised tensor types as they lie in a file, and what their bits mean.
 *
 * Every type is, in groups of 16 or 32 elements,
 *     value = scale * code + min
 * with a small integer code, so one struct of codes, scales and minima describes a block of any of
 * them; the rest of the kernels is written once.  Types without minima have signed codes
 * (-128..127), types with them unsigned ones (0..31).  Every scale * code is exact in f32, so a
 * value is rounded at most once, by the addition, and is the same on every machine.
 *
 * Layouts: ggml src/ggml-common.h; the formulas were checked against the values of the gguf Python
 * package (tests/kernels/make-dequant.py).  f16 fields, little-endian, no padding.
 */
#pragma once

#include <string.h>

#include "engine/kernels/kernels.h"

G_BEGIN_DECLS

typedef struct {
    lw_f16 d;
    int8_t q[32];
} lw_block_q8_0;

/* Four bits: byte j holds element j low, j + 16 high. */
typedef struct {
    lw_f16 d;
    uint8_t q[16]; /* n - 8 */
} lw_block_q4_0;

typedef struct {
    lw_f16 d, m;
    uint8_t q[16];
} lw_block_q4_1;

/* Five bits: bit i of high is bit 4 of element i. */
typedef struct {
    lw_f16 d;
    uint8_t high[4];
    uint8_t q[16]; /* n - 16 */
} lw_block_q5_0;

typedef struct {
    lw_f16 d, m;
    uint8_t high[4];
    uint8_t q[16];
} lw_block_q5_1;

typedef struct {
    lw_f16 d;
    uint8_t q[16]; /* into lw_values_iq4 */
} lw_block_iq4_nl;

typedef struct {
    uint8_t e;     /* scale 2^(e - 128) */
    uint8_t q[16]; /* into lw_values_mxfp4 */
} lw_block_mxfp4;

/* 256 elements, j = i / 32 the group, l = i % 32. */
typedef struct {
    uint8_t sc[16]; /* per 16: scale low, minimum high */
    uint8_t q[64];  /* two bits, 2 (j % 4) of byte 32 (j / 4) + l */
    lw_f16 d, m;
} lw_block_q2_k;

typedef struct {
    uint8_t high[32]; /* bit j of byte l; 0 takes 4 off */
    uint8_t q[64];    /* as in Q2_K */
    uint8_t sc[12];   /* per 16, six bits + 32: four in a nibble, two in the last four bytes */
    lw_f16 d;
} lw_block_q3_k;

typedef struct {
    lw_f16 d, m;
    uint8_t sc[12]; /* scales and minima, six bits each */
    uint8_t q[128]; /* nibble j % 2 of byte 32 (j / 2) + l */
} lw_block_q4_k;

typedef struct {
    lw_f16 d, m;
    uint8_t sc[12];
    uint8_t high[32]; /* bit j of byte l is bit 4 */
    uint8_t q[128];
} lw_block_q5_k;

typedef struct {
    uint8_t q[128];   /* with t = j % 4: nibble t / 2 of byte 64 (j / 4) + 32 (t % 2) + l */
    uint8_t high[64]; /* two bits, 2 t of byte 32 (j / 4) + l; n - 32 */
    int8_t sc[16];
    lw_f16 d;
} lw_block_q6_k;

typedef struct {
    lw_f16 d;
    uint8_t sch[2], scl[4]; /* scales + 32: two bits and a nibble */
    uint8_t q[128];         /* per group as in Q4_0, into lw_values_iq4 */
} lw_block_iq4_xs;

G_STATIC_ASSERT(sizeof(lw_block_q8_0) == 34);
G_STATIC_ASSERT(sizeof(lw_block_q4_0) == 18);
G_STATIC_ASSERT(sizeof(lw_block_q4_1) == 20);
G_STATIC_ASSERT(sizeof(lw_block_q5_0) == 22);
G_STATIC_ASSERT(sizeof(lw_block_q5_1) == 24);
G_STATIC_ASSERT(sizeof(lw_block_iq4_nl) == 18);
G_STATIC_ASSERT(sizeof(lw_block_mxfp4) == 17);
G_STATIC_ASSERT(sizeof(lw_block_q2_k) == 84);
G_STATIC_ASSERT(sizeof(lw_block_q3_k) == 110);
G_STATIC_ASSERT(sizeof(lw_block_q4_k) == 144);
G_STATIC_ASSERT(sizeof(lw_block_q5_k) == 176);
G_STATIC_ASSERT(sizeof(lw_block_q6_k) == 210);
G_STATIC_ASSERT(sizeof(lw_block_iq4_xs) == 136);

static const int8_t lw_values_iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                         1,    13,   25,  38,  53,  69,  89,  113};
static const int8_t lw_values_mxfp4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* One block; min is written by types that have minima only. */
typedef struct {
    int8_t code[256];
    float scale[16], min[16];
} lw_codes;

static inline int lw_nibble(const uint8_t *q, int i)
{
    return i < 16 ? q[i] & 15 : q[i - 16] >> 4;
}

static inline void lw_codes_q8_0(const lw_block_q8_0 *b, lw_codes *c)
{
    c->scale[0] = lw_f16_to_f32(b->d);
    memcpy(c->code, b->q, 32);
}

static inline void lw_codes_q4_0(const lw_block_q4_0 *b, lw_codes *c)
{
    c->scale[0] = lw_f16_to_f32(b->d);
    for (int i = 0; i < 32; i++)
        c->code[i] = (int8_t)(lw_nibble(b->q, i) - 8);
}

static inline void lw_codes_q4_1(const lw_block_q4_1 *b, lw_codes *c)
{
    c->scale[0] = lw_f16_to_f32(b->d);
    c->min[0] = lw_f16_to_f32(b->m);
    for (int i = 0; i < 32; i++)
        c->code[i] = (int8_t)lw_nibble(b->q, i);
}

static inline int lw_fifth_bit(const uint8_t high[4], int i)
{
    return (high[i / 8] >> i % 8 & 1) << 4;
}

static inline void lw_codes_q5_0(const lw_block_q5_0 *b, lw_codes *c)
{
    c->scale[0] = lw_f16_to_f32(b->d);
    for (int i = 0; i < 32; i++)
        c->code[i] = (int8_t)((lw_nibble(b->q, i) | lw_fifth_bit(b->high, i)) - 16);
}

static inline void lw_codes_q5_1(const lw_block_q5_1 *b, lw_codes *c)
{
    c->scale[0] = lw_f16_to_f32(b->d);
    c->min[0] = lw_f16_to_f32(b->m);
    for (int i = 0; i < 32; i++)
        c->code[i] = (int8_t)(lw_nibble(b->q, i) | lw_fifth_bit(b->high, i));
}

static inline void lw_codes_iq4_nl(const lw_block_iq4_nl *b, lw_codes *c)
{
    c->scale[0] = lw_f16_to_f32(b->d);
    for (int i = 0; i < 32; i++)
        c->code[i] = lw_values_iq4[lw_nibble(b->q, i)];
}

/* 2^(e - 128), the smallest two denormal. */
static inline guint32 lw_bits_of_exponent(guint32 e)
{
    return e < 2 ? 0x00200000u << e : (e - 1) << 23;
}

static inline void lw_codes_mxfp4(const lw_block_mxfp4 *b, lw_codes *c)
{
    c->scale[0] = lw_f32_from_bits(lw_bits_of_exponent(b->e));
    for (int i = 0; i < 32; i++)
        c->code[i] = lw_values_mxfp4[lw_nibble(b->q, i)];
}

static inline int lw_two_bits(const uint8_t q[64], int i)
{
    return q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

static inline void lw_codes_q2_k(const lw_block_q2_k *b, lw_codes *c)
{
    float d = lw_f16_to_f32(b->d), m = lw_f16_to_f32(b->m);

    for (int g = 0; g < 16; g++) {
        c->scale[g] = d * (float)(b->sc[g] & 15);
        c->min[g] = -m * (float)(b->sc[g] >> 4);
    }
    for (int i = 0; i < 256; i++)
        c->code[i] = (int8_t)lw_two_bits(b->q, i);
}

static inline void lw_codes_q3_k(const lw_block_q3_k *b, lw_codes *c)
{
    float d = lw_f16_to_f32(b->d);

    for (int g = 0; g < 16; g++) {
        int low = b->sc[g % 8] >> (g / 8 * 4) & 15, high = b->sc[8 + g % 4] >> (g / 4 * 2) & 3;
        c->scale[g] = d * (float)((low | high << 4) - 32);
    }
    for (int i = 0; i < 256; i++)
        c->code[i] = (int8_t)(lw_two_bits(b->q, i) - (b->high[i % 32] >> (i / 32) & 1 ? 0 : 4));
}

/* The eight scales and eight minima of Q4_K and Q5_K. */
static inline void lw_scales_k(lw_f16 df, lw_f16 mf, const uint8_t s[12], lw_codes *c)
{
    float d = lw_f16_to_f32(df), m = lw_f16_to_f32(mf);

    for (int j = 0; j < 8; j++) {
        int sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
        int mn = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
        c->scale[j] = d * (float)sc;
        c->min[j] = -m * (float)mn;
    }
}

static inline void lw_codes_q4_k(const lw_block_q4_k *b, lw_codes *c)
{
    lw_scales_k(b->d, b->m, b->sc, c);
    for (int i = 0; i < 256; i++)
        c->code[i] = (int8_t)(b->q[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15);
}

static inline void lw_codes_q5_k(const lw_block_q5_k *b, lw_codes *c)
{
    lw_scales_k(b->d, b->m, b->sc, c);
    for (int i = 0; i < 256; i++)
        c->code[i] = (int8_t)((b->q[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15) |
                              (b->high[i % 32] >> (i / 32) & 1) << 4);
}

static inline void lw_codes_q6_k(const lw_block_q6_k *b, lw_codes *c)
{
    float d = lw_f16_to_f32(b->d);

    for (int g = 0; g < 16; g++)
        c->scale[g] = d * (float)b->sc[g];
    for (int i = 0; i < 256; i++) {
        int t = i % 128 / 32, low = b->q[i / 128 * 64 + t % 2 * 32 + i % 32] >> (t / 2 * 4) & 15;
        c->code[i] = (int8_t)((low | (b->high[i / 128 * 32 + i % 32] >> (t * 2) & 3) << 4) - 32);
    }
}

static inline void lw_codes_iq4_xs(const lw_block_iq4_xs *b, lw_codes *c)
{
    float d = lw_f16_to_f32(b->d);
    int high = b->sch[0] | b->sch[1] << 8;

    for (int j = 0; j < 8; j++) {
        int sc = (b->scl[j / 2] >> (j % 2 * 4) & 15) | (high >> (j * 2) & 3) << 4;
        c->scale[j] = d * (float)(sc - 32);
    }
    for (int i = 0; i < 256; i++)
        c->code[i] = lw_values_iq4[lw_nibble(b->q + i / 32 * 16, i % 32)];
}

G_END_DECLS
