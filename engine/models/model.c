/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Opening a model: the text file, the vision file beside it, and what people want to know of both.
 */
#include "engine/models/model.h"

#include <string.h>

#include "engine/library/lw-library.h"
#include "engine/models/foreign.h"

struct lw_model {
    gatomicrefcount refs;
    lw_gguf *gguf;
    lw_tokenizer *tokenizer;
    const lw_arch *arch;
    lw_hparams h;
    lw_graph *graph;
    lw_vision *vision;
    lw_chat *chat;
    lw_model_info info;
};

/* ---- Facts for people ---- */

static char *dup_str_key(const lw_gguf *g, const char *key)
{
    lw_gguf_str s;

    if (!lw_gguf_get_str(g, key, &s, NULL) || s.n == 0)
        return NULL;
    g_autofree char *raw = g_strndup(s.bytes, s.n);
    return g_utf8_make_valid(raw, -1);
}

static void fill_info(lw_model *m, const char *path)
{
    lw_model_info *i = &m->info;
    const lw_hparams *h = &m->h;

    i->path = g_strdup(lw_gguf_path(m->gguf)); /* the first part of a split model */
    i->name = dup_str_key(m->gguf, "general.name");
    if (!i->name)
        i->name = g_path_get_basename(path);
    i->arch = m->arch->name;
    i->types = lw_gguf_describe_types(m->gguf, &i->weight_bytes, &i->n_params);
    i->chat = lw_chat_get_name(m->chat);
    i->chat_warning = lw_chat_get_warning(m->chat);
    i->chat_guessed = i->chat_warning != NULL;
    lw_chat_get_thinking_marks(m->chat, &i->think_open, &i->think_close);
    i->description = dup_str_key(m->gguf, "general.description");
    i->file_bytes = (gint64)lw_gguf_file_bytes(m->gguf);
    i->n_ctx_train = h->n_ctx_train;
    i->n_layer = h->n_layer;
    i->n_embd = h->n_embd;
    i->n_head = h->n_head;
    i->only_embeds = m->arch->embeds;
    i->n_head_kv = h->n_head_kv;
    i->head_dim = h->head_dim;
    i->n_vocab = h->n_vocab;
}

/* What a file says about embeddings: ARCH.pooling_type, and ARCH.attention.causal, which must agree with
 * what the architecture does. */
static gboolean read_embedding_keys(lw_model *m, GError **error)
{
    g_autofree char *pooling_key = g_strdup_printf("%s.pooling_type", m->arch->name);
    g_autofree char *causal_key = g_strdup_printf("%s.attention.causal", m->arch->name);
    guint32 pooling = LW_POOLING_NONE;
    gboolean causal = !m->arch->embeds;
    GError *err = NULL;

    if (!lw_gguf_get_bool(m->gguf, causal_key, &causal, &err) && err) {
        g_propagate_error(error, err);
        return FALSE;
    }
    if (causal == m->arch->embeds) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: %s is %s, which is not supported for %s", lw_gguf_path(m->gguf), causal_key,
                    causal ? "true" : "false", m->arch->name);
        return FALSE;
    }
    if (!lw_optional_u32(m->gguf, pooling_key, 0, 4, &pooling, error))
        return FALSE;
    if (pooling > LW_POOLING_LAST && m->arch->embeds) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                    "%s: %s is %u: models that rank pairs of texts are not supported", lw_gguf_path(m->gguf),
                    pooling_key, pooling);
        return FALSE;
    }
    m->info.pooling = pooling > LW_POOLING_LAST ? LW_POOLING_NONE : (lw_pooling)pooling;
    return TRUE;
}

/* ---- The vision file beside the model ---- */

static gboolean open_vision(lw_model *m, const char *path, const lw_model_params *params, GError **error)
{
    const char *asked = params ? params->mmproj : NULL;

    if (!m->arch->sees) {
        if (asked && *asked) {
            g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_UNSUPPORTED,
                        "%s: the architecture %s takes no vision file (%s)", path, m->arch->name, asked);
            return FALSE;
        }
        m->info.vision_lack = LW_VISION_LACK_TEXT_MODEL;
        m->info.vision_missing =
            g_strdup_printf("%s cannot see pictures: it is a text model (%s)", m->info.name, m->arch->name);
        return TRUE;
    }
    g_autofree char *mmproj = asked ? g_strdup(asked) : lw_library_find_mmproj(path);
    g_autofree char *folder = g_path_get_dirname(path);
    GError *err = NULL;

    if (!mmproj || !*mmproj) {
        m->info.vision_lack = LW_VISION_LACK_NO_FILE;
        m->info.vision_missing = g_strdup_printf(
            "%s cannot see pictures: there is no vision file (mmproj*.gguf) beside it in %s", m->info.name,
            folder);
        return TRUE;
    }
    m->vision = lw_vision_open(mmproj, &m->h, &err);
    if (!m->vision) {
        if (asked) {
            g_propagate_error(error, err);
            return FALSE;
        }
        m->info.vision_lack = LW_VISION_LACK_BAD_FILE;
        m->info.vision_missing = g_strdup_printf("%s cannot see pictures: %s", m->info.name, err->message);
        g_error_free(err);
        return TRUE;
    }
    m->info.has_vision = TRUE;
    m->info.mmproj_path = g_strdup(mmproj);
    m->info.file_bytes += (gint64)lw_gguf_file_bytes(lw_vision_get_gguf(m->vision));
    return TRUE;
}

/* ---- Lifecycle ---- */

lw_model *lw_model_open(const char *path, const lw_model_params *params, GError **error)
{
    lw_model *m = g_new0(lw_model, 1);

    g_atomic_ref_count_init(&m->refs);
    m->gguf = lw_gguf_open(path, error);
    if (!m->gguf || !lw_foreign_check(m->gguf, error) || !(m->arch = lw_arch_find(m->gguf, error)))
        goto fail;
    m->tokenizer = lw_tokenizer_new(m->gguf, error);
    if (!m->tokenizer || !m->arch->read_hparams(m->gguf, &m->h, error))
        goto fail;
    m->h.n_vocab = (guint32)lw_tokenizer_n_tokens(m->tokenizer);
    m->graph = lw_graph_new();
    lw_binder b = {m->gguf, m->graph};
    if (!m->arch->build(&b, &m->h, error))
        goto fail;
    m->chat = lw_chat_new(m->gguf, m->tokenizer);
    fill_info(m, path);
    if (!read_embedding_keys(m, error) || !open_vision(m, path, params, error))
        goto fail;
    return m;

fail:
    lw_model_unref(m);
    return NULL;
}

lw_model *lw_model_ref(lw_model *m)
{
    g_atomic_ref_count_inc(&m->refs);
    return m;
}

void lw_model_unref(lw_model *m)
{
    if (!m || !g_atomic_ref_count_dec(&m->refs))
        return;
    lw_vision_free(m->vision);
    lw_graph_free(m->graph);
    lw_tokenizer_free(m->tokenizer);
    lw_chat_free(m->chat);
    lw_gguf_free(m->gguf);
    g_free((char *)m->info.path);
    g_free((char *)m->info.name);
    g_free((char *)m->info.types);
    g_free((char *)m->info.description);
    g_free((char *)m->info.vision_missing);
    g_free((char *)m->info.mmproj_path);
    g_free(m);
}

const lw_model_info *lw_model_get_info(const lw_model *m)
{
    return &m->info;
}

const lw_tokenizer *lw_model_get_tokenizer(const lw_model *m)
{
    return m->tokenizer;
}

const lw_gguf *lw_model_get_gguf(const lw_model *m)
{
    return m->gguf;
}

const lw_vision_spec *lw_model_get_vision_spec(const lw_model *m)
{
    return m->vision ? &lw_vision_get_hparams(m->vision)->spec : NULL;
}

lw_sampler_params lw_model_get_sampling(const lw_model *m)
{
    lw_sampler_params p = lw_sampler_params_default();
    const struct {
        const char *key;
        float *value;
    } floats[] = {
        {"general.sampling.temp", &p.temperature},
        {"general.sampling.top_p", &p.top_p},
        {"general.sampling.min_p", &p.min_p},
        {"general.sampling.xtc_probability", &p.xtc_probability},
        {"general.sampling.xtc_threshold", &p.xtc_threshold},
        {"general.sampling.penalty_repeat", &p.repeat_penalty},
    };
    const struct {
        const char *key;
        gint32 *value;
    } ints[] = {
        {"general.sampling.top_k", &p.top_k},
        {"general.sampling.penalty_last_n", &p.penalty_last_n},
    };
    gint64 v;

    /* Out-of-range recommendations are caught when a sampler is made. */
    for (gsize i = 0; i < G_N_ELEMENTS(floats); i++)
        lw_gguf_get_f32(m->gguf, floats[i].key, floats[i].value, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(ints); i++) {
        if (lw_gguf_get_i64(m->gguf, ints[i].key, &v, NULL))
            *ints[i].value = (gint32)CLAMP(v, 0, G_MAXINT32);
    }
    return p;
}

const lw_hparams *lw_model_get_hparams(const lw_model *m)
{
    return &m->h;
}

const lw_arch *lw_model_get_arch(const lw_model *m)
{
    return m->arch;
}

const lw_graph *lw_model_get_graph(const lw_model *m)
{
    return m->graph;
}

const lw_vision *lw_model_get_vision(const lw_model *m)
{
    return m->vision;
}

const lw_chat *lw_model_get_chat(const lw_model *m)
{
    return m->chat;
}
