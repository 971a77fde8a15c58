/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole model in every quantised type against the same weights in F32: what quantised activations
 * cost. Two layers of random weights, rows of 256, a tied token table in the type under test too.
 */
#include <glib/gstdio.h>
#include <math.h>

#include "engine/kernels/weight.h"
#include "engine/lw-engine.h"
#include "tests/unit/gguf-build.h"

#define EMBD 256
#define FF 512
#define N_LAYERS 2
#define N_PROMPT 250
#define N_DECODED 50

/* models.md section 7.  Random weights are harder than trained ones: the best two of 271 logits
 * that nothing sets apart are often closer than the noise of 8-bit activations, a few hundredths.
 * Such choices may fall either way, but no more often than MIN_STRICT allows. */
#define MAX_KL 1e-3
#define MIN_TOP1 0.99
#define MIN_STRICT 0.95
#define NEAR_TIE 0.1f

/* Where a block has its f16 scale and minimum (-1: none), and the minimum that makes the mean 0. */
static const struct {
    guint type;
    int d, m;
    float m_per_d;
} types[] = {
    {LW_TYPE_Q8_0, 0, -1, 0},   {LW_TYPE_Q4_0, 0, -1, 0},     {LW_TYPE_Q4_1, 0, 2, -7.5f},
    {LW_TYPE_Q5_0, 0, -1, 0},   {LW_TYPE_Q5_1, 0, 2, -15.5f}, {LW_TYPE_Q2_K, 80, 82, 1.5f},
    {LW_TYPE_Q3_K, 108, -1, 0}, {LW_TYPE_Q4_K, 0, 2, 7.5f},   {LW_TYPE_Q5_K, 0, 2, 15.5f},
    {LW_TYPE_Q6_K, 208, -1, 0}, {LW_TYPE_IQ4_NL, 0, -1, 0},   {LW_TYPE_IQ4_XS, 0, -1, 0},
    {LW_TYPE_MXFP4, -1, -1, 0},
};

static void random_scales(guint8 *block, guint i, float size, GRand *rand)
{
    float d = size * (float)g_rand_double_range(rand, 0.8, 1.2) * (g_rand_boolean(rand) ? 1 : -1);
    lw_f16 df = lw_f32_to_f16(d), mf = lw_f32_to_f16(d * types[i].m_per_d);

    if (types[i].d < 0) { /* powers of two on both sides of size, right in the mean square */
        double over = size / ldexp(1, ilogbf(size));
        gboolean up = g_rand_double(rand) < (over * over - 1) / 3;
        block[0] = (guint8)(128 + ilogbf(size) + up);
        return;
    }
    memcpy(block + types[i].d, &df, 2);
    if (types[i].m >= 0)
        memcpy(block + types[i].m, &mf, 2);
}

/* The same matrix into both files, its values of standard deviation about `deviation`. */
static void add_matrix(gguf_build *quant, gguf_build *f32, guint i, const char *name, gsize n_in,
                       gsize n_out, float deviation, GRand *rand)
{
    const lw_weight_type *t = lw_weight_type_get(types[i].type);
    gsize n = n_in * n_out, n_bytes = n / t->elems * t->block_bytes;
    g_autofree guint8 *blocks = g_malloc(n_bytes);
    g_autofree float *values = g_new(float, n);
    guint64 dims[2] = {n_in, n_out};
    float size = 1;
    lw_kernels ref;

    lw_kernels_init(&ref, 0);
    for (gsize j = 0; j < n_bytes; j++)
        blocks[j] = (guint8)g_rand_int(rand);
    for (int pass = 0; pass < 2; pass++) { /* scales of 1 tell how large the codes are */
        double sum = 0;
        for (gsize j = 0; j < n_bytes; j += t->block_bytes)
            random_scales(blocks + j, i, size, rand);
        t->dequant(&ref, blocks, values, n);
        for (gsize j = 0; j < n; j++)
            sum += (double)values[j] * values[j];
        size = deviation / (float)sqrt(sum / (double)n);
    }
    gguf_build_tensor(quant, name, types[i].type, 2, dims, blocks, n_bytes);
    gguf_build_tensor(f32, name, LW_TYPE_F32, 2, dims, values, n * sizeof(float));
}

static void add_ones(gguf_build *b, const char *name, gsize n, float value)
{
    g_autofree float *v = g_new(float, n);
    guint64 dims[1] = {n};

    for (gsize j = 0; j < n; j++)
        v[j] = value;
    gguf_build_tensor(b, name, LW_TYPE_F32, 1, dims, v, n * sizeof(float));
}

static void add_keys(gguf_build *b)
{
    gguf_build_str(b, "general.architecture", "qwen2");
    gguf_build_u32(b, "qwen2.block_count", N_LAYERS);
    gguf_build_u32(b, "qwen2.embedding_length", EMBD);
    gguf_build_u32(b, "qwen2.feed_forward_length", FF);
    gguf_build_u32(b, "qwen2.context_length", 512);
    gguf_build_u32(b, "qwen2.attention.head_count", 4);
    gguf_build_u32(b, "qwen2.attention.head_count_kv", 2);
    gguf_build_f32(b, "qwen2.attention.layer_norm_rms_epsilon", 1e-6f);
    gguf_build_f32(b, "qwen2.rope.freq_base", 10000);
    gguf_build_vocab(b, "qwen2");
    add_ones(b, "output_norm.weight", EMBD, 1);
}

static void build(guint i, gguf_build *quant, gguf_build *f32)
{
    static const struct {
        const char *name;
        gsize n_in, n_out;
        gboolean bias;
    } parts[] = {{"attn_q", EMBD, EMBD, TRUE},  {"attn_k", EMBD, 128, TRUE},
                 {"attn_v", EMBD, 128, TRUE},   {"attn_output", EMBD, EMBD, FALSE},
                 {"ffn_gate", EMBD, FF, FALSE}, {"ffn_up", EMBD, FF, FALSE},
                 {"ffn_down", FF, EMBD, FALSE}};
    gguf_build *both[2] = {quant, f32};
    GRand *rand = g_rand_new_with_seed(i + 1);

    add_keys(quant);
    add_keys(f32);
    /* Logits of deviation 2.4: as steep as a real model's. */
    add_matrix(quant, f32, i, "token_embd.weight", EMBD, TINY_N_TOKENS, 0.15f, rand);
    for (int layer = 0; layer < N_LAYERS; layer++) {
        for (int k = 0; k < 2; k++) {
            g_autofree char *a = g_strdup_printf("blk.%d.attn_norm.weight", layer);
            g_autofree char *f = g_strdup_printf("blk.%d.ffn_norm.weight", layer);
            add_ones(both[k], a, EMBD, 1);
            add_ones(both[k], f, EMBD, 1);
        }
        for (guint p = 0; p < G_N_ELEMENTS(parts); p++) {
            g_autofree char *w = g_strdup_printf("blk.%d.%s.weight", layer, parts[p].name);
            g_autofree char *bias = g_strdup_printf("blk.%d.%s.bias", layer, parts[p].name);
            add_matrix(quant, f32, i, w, parts[p].n_in, parts[p].n_out,
                       1 / sqrtf((float)parts[p].n_in), rand);
            if (parts[p].bias) {
                add_ones(quant, bias, parts[p].n_out, 0.1f);
                add_ones(f32, bias, parts[p].n_out, 0.1f);
            }
        }
    }
    g_rand_free(rand);
}

/* Logits after each token of the prompt (panels of weights) and of what follows one by one
 * (matvec). */
static float *logits_of(gguf_build *b, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GError) error = NULL;
    GByteArray *file = gguf_build_finish(b);
    float *all = g_new(float, (N_PROMPT + N_DECODED) * TINY_N_TOKENS);
    gint32 ids[N_PROMPT];
    const float *row;
    gsize n;

    g_assert_true(g_file_set_contents(path, (const char *)file->data, file->len, NULL));
    g_byte_array_unref(file);
    lw_model *m = lw_model_open(path, NULL, &error);
    g_assert_no_error(error);
    lw_session *s =
        lw_session_new(m, &(lw_session_params){.kv_type = LW_KV_F32, .n_threads = 1}, &error);
    g_assert_no_error(error);
    for (int i = 0; i < N_PROMPT; i++)
        ids[i] = i * 89 % 256;
    lw_prompt *prompt = lw_prompt_new_tokens(m, ids, N_PROMPT, &error);
    g_assert_no_error(error);
    lw_session_keep_all_logits(s, TRUE);
    g_assert_true(lw_session_sync(s, prompt, NULL, NULL, NULL, &error));
    memcpy(all, lw_session_get_all_logits(s, &n), N_PROMPT * TINY_N_TOKENS * sizeof(float));
    g_assert_cmpuint(n, ==, N_PROMPT);
    for (int i = 0; i < N_DECODED; i++) {
        g_assert_true(lw_session_decode(s, i * 37 % 256, &row, NULL, &error));
        memcpy(all + (gsize)(N_PROMPT + i) * TINY_N_TOKENS, row, TINY_N_TOKENS * sizeof(float));
    }
    lw_prompt_free(prompt);
    lw_session_free(s);
    lw_model_unref(m);
    g_assert_cmpint(g_unlink(path), ==, 0);
    return all;
}

static double log_sum(const float *row, int *best)
{
    double max = -INFINITY, sum = 0;

    for (int i = 0; i < TINY_N_TOKENS; i++)
        if (row[i] > max)
            max = row[ *best = i];
    for (int i = 0; i < TINY_N_TOKENS; i++)
        sum += exp(row[i] - max);
    return max + log(sum);
}

static void test_type(gconstpointer data)
{
    guint i = GPOINTER_TO_UINT(data);
    g_autofree char *folder = g_dir_make_tmp("lw-types-XXXXXX", NULL);
    gguf_build *quant = gguf_build_new(), *f32 = gguf_build_new();
    double kl = 0, top1 = 0, strict = 0, entropy = 0;
    const int n = N_PROMPT + N_DECODED;

    build(i, quant, f32);
    g_autofree float *got = logits_of(quant, folder, "quant.gguf"),
                     *want = logits_of(f32, folder, "f32.gguf");
    for (int r = 0; r < n; r++) {
        const float *p = want + (gsize)r * TINY_N_TOKENS, *q = got + (gsize)r * TINY_N_TOKENS;
        int best_p = 0, best_q = 0;
        double norm_p = log_sum(p, &best_p), norm_q = log_sum(q, &best_q);
        for (int t = 0; t < TINY_N_TOKENS; t++) {
            double log_p = p[t] - norm_p, weight = exp(log_p) / n;
            kl += weight * (log_p - (q[t] - norm_q));
            entropy -= weight * log_p;
        }
        strict += (best_p == best_q) / (double)n;
        top1 += (best_p == best_q || p[best_p] - p[best_q] < NEAR_TIE) / (double)n;
    }
    g_test_message("%s: mean KL %.2e nats at an entropy of %.2f, same first choice in %.1f %%, "
                   "without near-ties %.1f %%",
                   lw_type_get_info(types[i].type)->name, kl, entropy, 100 * strict, 100 * top1);
    g_assert_cmpfloat(entropy, >, 1);   /* or there would be nothing to get wrong */
    g_assert_cmpfloat(entropy, <, 5.4); /* log 271 is 5.6 */
    g_assert_cmpfloat(kl, <=, MAX_KL);
    g_assert_cmpfloat(kl, >, 0); /* they are two computations */
    g_assert_cmpfloat(top1, >=, MIN_TOP1);
    g_assert_cmpfloat(strict, >=, MIN_STRICT);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autofree char *path = g_strdup_printf("/types/%s", lw_type_get_info(types[i].type)->name);
        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_type);
    }
    return g_test_run();
}
