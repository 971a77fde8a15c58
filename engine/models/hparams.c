/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hyper-parameters that all decoders have: reading them under the family's prefix and checking them
 * against each other.  Sizes of tensors are checked where they are bound.
 */
#include "engine/models/arch.h"

#include "engine/position/scaling.h"

#include <math.h>
#include <string.h>

/* YaRN's defaults (arXiv 2309.00071), which files may change. */
#define YARN_BETA_FAST 32.0f
#define YARN_BETA_SLOW 1.0f

typedef struct {
    const lw_gguf *g;
    const char *arch;
    GError **error;
    char key[160]; /* the last key that was asked for */
} reader;

static const char *key_of(reader *r, const char *name)
{
    g_snprintf(r->key, sizeof r->key, "%s.%s", r->arch, name);
    return r->key;
}

static gboolean fail(reader *r, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);

static gboolean fail(reader *r, int code, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error(r->error, LW_MODEL_ERROR, code, "%s: %s", lw_gguf_path(r->g), text);
    return FALSE;
}

static gboolean require_u32(reader *r, const char *name, guint32 min, guint32 max, guint32 *out)
{
    return lw_require_u32(r->g, key_of(r, name), min, max, out, r->error);
}

static gboolean optional_u32(reader *r, const char *name, guint32 min, guint32 max, guint32 *out)
{
    return lw_optional_u32(r->g, key_of(r, name), min, max, out, r->error);
}

static gboolean optional_f32(reader *r, const char *name, float *out)
{
    return lw_optional_f32(r->g, key_of(r, name), out, r->error);
}

/* A number, or one per layer: then all must be equal. */
static gboolean uniform_u32(reader *r, const char *name, gboolean required, guint32 n_layer,
                            guint32 max, guint32 *out)
{
    g_autofree gint32 *v = NULL;
    gsize n = 0;

    if (!lw_gguf_get_i32_array(r->g, key_of(r, name), &v, &n, NULL))
        return required ? require_u32(r, name, 1, max, out) : optional_u32(r, name, 1, max, out);
    if (n != n_layer)
        return fail(r, LW_MODEL_ERROR_CORRUPT, "%s has %" G_GSIZE_FORMAT " numbers for %u layers",
                    r->key, n, n_layer);
    for (gsize i = 0; i < n; i++) {
        if (v[i] < 1 || (guint32)v[i] > max)
            return fail(r, LW_MODEL_ERROR_CORRUPT, "%s[%" G_GSIZE_FORMAT "] is %d, must be 1 to %u",
                        r->key, i, v[i], max);
        if (v[i] != v[0])
            return fail(r, LW_MODEL_ERROR_UNSUPPORTED,
                        "%s differs between layers (%d in layer 0, %d in layer %" G_GSIZE_FORMAT
                        "), which is not supported",
                        r->key, v[0], v[i], i);
    }
    *out = (guint32)v[0];
    return TRUE;
}

static gboolean check_heads(reader *r, const lw_hparams *h, guint32 value_dim)
{
    if (h->n_head % h->n_head_kv || h->n_head / h->n_head_kv > LW_MAX_GROUP)
        return fail(r, LW_MODEL_ERROR_CORRUPT,
                    "%u heads cannot share %u KV heads (a whole number up to %d per KV head)",
                    h->n_head, h->n_head_kv, LW_MAX_GROUP);
    if (h->head_dim % 8 || h->head_dim == 0 || h->head_dim > LW_MAX_HEAD_DIM)
        return fail(r, LW_MODEL_ERROR_UNSUPPORTED, "head size %u is not a multiple of 8 up to %d",
                    h->head_dim, LW_MAX_HEAD_DIM);
    if (value_dim != h->head_dim)
        return fail(r, LW_MODEL_ERROR_UNSUPPORTED,
                    "values of %u numbers beside keys of %u in a head are not supported", value_dim,
                    h->head_dim);
    if ((guint64)h->n_head * h->head_dim > LW_MAX_EMBD * 8)
        return fail(r, LW_MODEL_ERROR_CORRUPT, "%u heads of %u are more than %d numbers", h->n_head,
                    h->head_dim, LW_MAX_EMBD * 8);
    return TRUE;
}

gboolean lw_hparams_read(const lw_gguf *g, const char *arch, lw_hparams *h, GError **error)
{
    reader r = {.g = g, .arch = arch, .error = error};
    guint32 n_expert = 0, value_dim;

    if (!require_u32(&r, "block_count", 1, LW_MAX_LAYERS, &h->n_layer) ||
        !require_u32(&r, "embedding_length", 1, LW_MAX_EMBD, &h->n_embd) ||
        !require_u32(&r, "context_length", 1, 1u << 30, &h->n_ctx_train) ||
        !optional_u32(&r, "expert_count", 0, G_MAXUINT32, &n_expert))
        return FALSE;
    if (n_expert)
        return fail(&r, LW_MODEL_ERROR_UNSUPPORTED, "a mixture of %u experts is not supported",
                    n_expert);
    if (!uniform_u32(&r, "feed_forward_length", TRUE, h->n_layer, LW_MAX_EMBD * 8, &h->n_ff) ||
        !uniform_u32(&r, "attention.head_count", TRUE, h->n_layer, LW_MAX_EMBD, &h->n_head) ||
        !lw_require_f32(g, key_of(&r, "attention.layer_norm_rms_epsilon"), &h->eps, error))
        return FALSE;

    h->n_head_kv = h->n_head;
    if (!uniform_u32(&r, "attention.head_count_kv", FALSE, h->n_layer, h->n_head, &h->n_head_kv))
        return FALSE;
    h->head_dim = h->n_embd / h->n_head;
    if (!optional_u32(&r, "attention.key_length", 1, LW_MAX_HEAD_DIM, &h->head_dim))
        return FALSE;
    value_dim = h->head_dim;
    return optional_u32(&r, "attention.value_length", 1, LW_MAX_HEAD_DIM, &value_dim) &&
           check_heads(&r, h, value_dim);
}

/* ---- Rotary positions ---- */

gboolean lw_hparams_read_sections(const lw_gguf *g, const char *arch, const lw_hparams *h,
                                  gint32 sections[3], GError **error)
{
    reader r = {.g = g, .arch = arch, .error = error};
    g_autofree gint32 *s = NULL;
    gsize n = 0;
    gint64 sum = 0;
    GError *err = NULL;

    if (!lw_gguf_get_i32_array(g, key_of(&r, "rope.dimension_sections"), &s, &n, &err)) {
        if (err)
            g_propagate_error(error, err);
        else
            fail(&r, LW_MODEL_ERROR_MISSING, "key %s is missing", r.key);
        return FALSE;
    }
    gboolean ok = n >= 3 && n <= 4;
    for (gsize i = 0; ok && i < n; i++) {
        ok = s[i] >= 0 && s[i] <= LW_MAX_HEAD_DIM && !(i == 3 && s[i]);
        sum += s[i];
    }
    if (!ok || sum != h->head_dim / 2)
        return fail(&r, LW_MODEL_ERROR_CORRUPT,
                    "%s (%" G_GSIZE_FORMAT " entries, sum %" G_GINT64_FORMAT
                    ") must be three whose sum is half the head size, %u",
                    r.key, n, sum, h->head_dim / 2);
    memcpy(sections, s, 3 * sizeof *sections);
    return TRUE;
}

static gboolean equals(const lw_gguf_str *s, const char *text)
{
    return s->n == strlen(text) && memcmp(s->bytes, text, s->n) == 0;
}

/* Divisors of the frequencies, when the file has them. */
static gboolean divide_by(reader *r, const char *tensor, lw_rope *rope, gboolean *found)
{
    guint32 n = (guint32)rope->n_rot / 2;
    const float *factors;

    if (!lw_bind_optional_vector(r->g, tensor, n, &factors, r->error))
        return FALSE;
    *found = factors != NULL;
    if (!factors)
        return TRUE;
    for (guint32 i = 0; i < n; i++)
        if (!isfinite(factors[i]) || factors[i] <= 0)
            return fail(r, LW_MODEL_ERROR_CORRUPT, "%s[%u] is %g, must be finite and positive",
                        tensor, i, (double)factors[i]);
    lw_rope_divide(rope, factors);
    return TRUE;
}

/* LongRoPE: two sets of factors and one magnitude. */
static gboolean read_longrope(reader *r, lw_hparams *h, guint32 original, float attn_factor)
{
    gboolean has_short, has_long;

    h->rope_long = h->rope[0];
    if (!divide_by(r, "rope_factors_short.weight", &h->rope[0], &has_short) ||
        !divide_by(r, "rope_factors_long.weight", &h->rope_long, &has_long))
        return FALSE;
    if (!has_short && !has_long)
        return TRUE;
    if (!has_short || !has_long)
        return fail(r, LW_MODEL_ERROR_MISSING, "tensor %s is missing",
                    has_short ? "rope_factors_long.weight" : "rope_factors_short.weight");
    h->n_ctx_short = original;
    h->rope[0].magnitude = h->rope_long.magnitude =
        attn_factor > 0 ? attn_factor : lw_longrope_magnitude(h->n_ctx_train, original);
    return TRUE;
}

gboolean lw_hparams_read_rope(const lw_gguf *g, const char *arch, float default_base,
                              const gint32 *sections, lw_hparams *h, GError **error)
{
    reader r = {.g = g, .arch = arch, .error = error};
    lw_gguf_str type = {"linear", 6};
    guint32 n_rot = h->head_dim, original = h->n_ctx_train;
    float base = default_base, factor = 1, attn_factor = 0, fast = YARN_BETA_FAST,
          slow = YARN_BETA_SLOW;
    GError *err = NULL;
    gboolean found;

    if (!optional_u32(&r, "rope.dimension_count", 2, h->head_dim, &n_rot) ||
        !optional_f32(&r, "rope.freq_base", &base) ||
        !optional_f32(&r, "rope.scale_linear", &factor) ||
        !optional_f32(&r, "rope.scaling.factor", &factor) ||
        !optional_f32(&r, "rope.scaling.attn_factor", &attn_factor) ||
        !optional_u32(&r, "rope.scaling.original_context_length", 2, 1u << 30, &original) ||
        !optional_f32(&r, "rope.scaling.yarn_beta_fast", &fast) ||
        !optional_f32(&r, "rope.scaling.yarn_beta_slow", &slow))
        return FALSE;
    if (n_rot % 2)
        return fail(&r, LW_MODEL_ERROR_CORRUPT, "%s.rope.dimension_count is %u, must be even", arch,
                    n_rot);
    if (!lw_gguf_get_str(g, key_of(&r, "rope.scaling.type"), &type, &err) && err) {
        g_propagate_error(error, err);
        return FALSE;
    }

    h->n_rope = 1;
    lw_rope_init(&h->rope[0], (int)n_rot, base, sections);
    if (equals(&type, "linear")) {
        lw_rope_scale_linear(&h->rope[0], factor);
    } else if (equals(&type, "yarn")) {
        lw_rope_scale_yarn(&h->rope[0], factor, original, fast, slow);
        if (attn_factor > 0)
            h->rope[0].magnitude *= attn_factor;
    } else if (!equals(&type, "none") && !equals(&type, "longrope")) {
        g_autofree char *raw = g_strndup(type.bytes, MIN(type.n, 64)),
                        *shown = g_utf8_make_valid(raw, -1);
        return fail(&r, LW_MODEL_ERROR_UNSUPPORTED,
                    "unsupported %s \"%s\" (there is: none, linear, yarn, longrope)", r.key, shown);
    }
    return divide_by(&r, "rope_freqs.weight", &h->rope[0], &found) &&
           read_longrope(&r, h, original, attn_factor);
}

gboolean lw_hparams_is_long(const lw_hparams *h, guint32 n_ctx)
{
    return h->n_ctx_short && n_ctx > h->n_ctx_short;
}

const lw_rope *lw_hparams_get_rope(const lw_hparams *h, guint table, guint32 n_ctx)
{
    return table == 0 && lw_hparams_is_long(h, n_ctx) ? &h->rope_long : &h->rope[table];
}
