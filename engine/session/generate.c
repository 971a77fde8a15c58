/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Prompt in, text out: sync, sample, decode, until something says stop.
 */
#include "engine/session/session.h"

#include "engine/grammar/constraint.h"
#include "engine/session/repetition.h"

#include <string.h>

#define MAX_STOP_STRINGS 16
#define MAX_STOP_BYTES 256

/* Text that was decoded but not emitted yet: a suffix of it may begin a stop string. */
typedef struct {
    GString *held;
    const char *const *stop;
    lw_text_fn fn;
    void *user;
} emitter;

static gboolean check_stop_strings(const char *const *stop, GError **error)
{
    for (gsize i = 0; stop && stop[i]; i++) {
        gsize n = strlen(stop[i]);
        if (i >= MAX_STOP_STRINGS || n == 0 || n > MAX_STOP_BYTES) {
            g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                        "stop string %" G_GSIZE_FORMAT " has %" G_GSIZE_FORMAT
                        " bytes; allowed are %d strings of 1 to %d bytes",
                        i + 1, n, MAX_STOP_STRINGS, MAX_STOP_BYTES);
            return FALSE;
        }
    }
    return TRUE;
}

static void emit(emitter *e, gsize n)
{
    if (n && e->fn)
        e->fn(e->user, e->held->str, n);
    g_string_erase(e->held, 0, (gssize)n);
}

/* Longest suffix of the held text that is a proper prefix of a stop string. */
static gsize suffix_to_hold(const emitter *e)
{
    gsize hold = 0;

    for (gsize i = 0; e->stop && e->stop[i]; i++) {
        gsize n = MIN(strlen(e->stop[i]) - 1, e->held->len);
        for (; n > hold; n--) {
            if (memcmp(e->held->str + e->held->len - n, e->stop[i], n) == 0) {
                hold = n;
                break;
            }
        }
    }
    return hold;
}

/* Emit what is safe.  TRUE: a stop string was found; the text before it was emitted. */
static gboolean drain(emitter *e)
{
    const char *first = NULL;

    for (gsize i = 0; e->stop && e->stop[i]; i++) {
        const char *at = strstr(e->held->str, e->stop[i]);
        if (at && (!first || at < first))
            first = at;
    }
    if (first) {
        emit(e, (gsize)(first - e->held->str));
        g_string_truncate(e->held, 0);
        return TRUE;
    }
    emit(e, e->held->len - suffix_to_hold(e));
    return FALSE;
}

/* Remembers when encoding and reading took place. */
typedef struct {
    lw_progress_fn fn;
    void *user;
    gint64 last;
    lw_stage stage;
    double seconds[2];
} stage_clock;

static void on_progress(void *user, const lw_progress *p)
{
    stage_clock *c = user;
    gint64 now = g_get_monotonic_time();

    c->seconds[c->stage] += (double)(now - c->last) * 1e-6;
    c->last = now;
    c->stage = p->stage;
    if (c->fn)
        c->fn(c->user, p);
}

static gboolean is_cancelled(const gint *cancel)
{
    return cancel && g_atomic_int_get(cancel);
}

/* ---- Choosing a token ---- */

typedef struct {
    const lw_tokenizer *tokenizer;
    lw_sampler *sampler;
    lw_constraint *constraint; /* NULL: every token may come */
    const lw_generate_params *params;
    void *user;
} chooser;

/* Tokens over which no repetition reaches, when the caller names none. */
static GArray *default_breakers(const lw_tokenizer *t)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));

    for (gint32 id = 0; id < lw_tokenizer_n_tokens(t); id++) {
        gsize n;
        const char *bytes = lw_tokenizer_token_bytes(t, id, &n);
        if (memchr(bytes, '\n', n) || memchr(bytes, ':', n) || memchr(bytes, '"', n) ||
            memchr(bytes, '*', n))
            g_array_append_val(ids, id);
    }
    return ids;
}

static void chooser_clear(chooser *c)
{
    lw_constraint_free(c->constraint);
    lw_sampler_free(c->sampler);
}

static gboolean chooser_init(chooser *c, const lw_tokenizer *t, const lw_generate_params *params,
                             void *user, GError **error)
{
    lw_sampler_params sampling = params->sampling;
    g_autoptr(GArray) breakers = NULL;

    *c = (chooser){.tokenizer = t, .params = params, .user = user};
    if (params->n_top > LW_MAX_TOP_LOGPROBS) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "%u alternatives were asked for with each token, at most %d are given",
                    params->n_top, LW_MAX_TOP_LOGPROBS);
        return FALSE;
    }
    if (sampling.dry_multiplier > 0 && !sampling.dry_breakers) {
        breakers = default_breakers(t);
        sampling.dry_breakers = (const gint32 *)breakers->data;
        sampling.n_dry_breakers = breakers->len;
    }
    c->sampler = lw_sampler_new(lw_tokenizer_n_tokens(t), &sampling, error);
    if (!c->sampler)
        return FALSE;
    if (params->grammar && !(c->constraint = lw_constraint_new(params->grammar, t, error))) {
        chooser_clear(c);
        return FALSE;
    }
    return TRUE;
}

static void report_token(const chooser *c, const float *logits, gint32 token)
{
    lw_logprob top[LW_MAX_TOP_LOGPROBS];
    gint32 n_vocab = lw_tokenizer_n_tokens(c->tokenizer);
    lw_generated_token g = {.token = token, .top = top};

    g.bytes = lw_tokenizer_token_bytes(c->tokenizer, token, &g.n);
    g.logprob = lw_logprob_of(logits, n_vocab, token);
    g.n_top = lw_logprob_top(logits, n_vocab, top, c->params->n_top);
    c->params->on_token(c->user, &g);
}

/* -1: an error.  A token that ends the answer is returned and not reported. */
static gint32 choose(chooser *c, const float *logits, GError **error)
{
    const guint32 *allowed = NULL;

    if (c->constraint && !(allowed = lw_constraint_allowed(c->constraint, error)))
        return -1;
    gint32 token = lw_sampler_sample(c->sampler, logits, allowed);
    if (lw_tokenizer_is_eog(c->tokenizer, token))
        return token;
    if (c->constraint)
        lw_constraint_accept(c->constraint, token);
    lw_sampler_accept(c->sampler, token);
    if (c->params->on_token)
        report_token(c, logits, token);
    return token;
}

gboolean lw_session_generate(lw_session *s, const lw_prompt *prompt,
                             const lw_generate_params *params, lw_text_fn on_text,
                             lw_progress_fn on_prog, void *user, const gint *cancel,
                             lw_generate_result *result, GError **error)
{
    const lw_tokenizer *t = lw_model_get_tokenizer(lw_session_get_model(s));
    lw_generate_result r = {.stop = LW_STOP_CONTEXT, .n_prompt = lw_prompt_n_tokens(prompt)};
    stage_clock clock = {on_prog, user, g_get_monotonic_time(), LW_STAGE_PREFILL, {0, 0}};
    gboolean ok = FALSE;

    if (!check_stop_strings(params->stop, error))
        return FALSE;
    chooser c;
    if (!chooser_init(&c, t, params, user, error))
        return FALSE;
    lw_detokenizer *detok = lw_detokenizer_new(t);
    emitter e = {g_string_new(NULL), params->stop, on_text, user};
    lw_repetition *repetition = params->repeat_stop ? lw_repetition_new(params->repeat_stop) : NULL;

    if (!lw_session_sync(s, prompt, on_progress, &clock, cancel, error))
        goto out;
    r.vision_seconds = clock.seconds[LW_STAGE_VISION];
    r.prompt_seconds = clock.seconds[LW_STAGE_PREFILL];
    r.n_reused = lw_session_get_n_reused(s);
    r.n_restored = lw_session_get_n_restored(s);
    for (gsize i = 0; i < r.n_prompt; i++)
        lw_sampler_accept(c.sampler, lw_prompt_ids(prompt)[i]);

    gint64 start = g_get_monotonic_time();
    ok = TRUE;
    for (;;) {
        if (is_cancelled(cancel)) {
            r.stop = LW_STOP_CANCELLED;
            break;
        }
        if (params->max_tokens && r.n_generated >= params->max_tokens) {
            r.stop = LW_STOP_LENGTH;
            break;
        }
        gint32 token = choose(&c, lw_session_get_logits(s), error);
        if (token < 0) {
            ok = FALSE;
            break;
        }
        if (lw_tokenizer_is_eog(t, token)) {
            r.stop = LW_STOP_END;
            break;
        }
        r.n_generated++;
        lw_detokenizer_push(detok, token, e.held);
        if (drain(&e)) {
            r.stop = LW_STOP_STRING;
            break;
        }
        if (repetition && lw_repetition_push(repetition, token)) {
            r.stop = LW_STOP_REPEATS;
            break;
        }
        if (lw_session_get_n_tokens(s) >= lw_session_get_n_ctx(s))
            break; /* LW_STOP_CONTEXT: this token was the last that could be said */
        GError *err = NULL;
        if (!lw_session_decode(s, token, NULL, cancel, &err)) {
            /* The cache can be full before the context is: forks share it. */
            gboolean full = g_error_matches(err, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CONTEXT_FULL);
            if (full || g_error_matches(err, LW_ENGINE_ERROR, LW_ENGINE_ERROR_CANCELLED)) {
                g_error_free(err);
                r.stop = full ? LW_STOP_CONTEXT : LW_STOP_CANCELLED;
                break;
            }
            g_propagate_error(error, err);
            ok = FALSE;
            break;
        }
    }
    if (r.stop != LW_STOP_STRING) {
        lw_detokenizer_finish(detok, e.held);
        emit(&e, e.held->len);
    }
    r.generate_seconds = (double)(g_get_monotonic_time() - start) * 1e-6;
    if (ok)
        lw_session_save_turn(s);

out:
    if (ok && result)
        *result = r;
    lw_repetition_free(repetition);
    g_string_free(e.held, TRUE);
    lw_detokenizer_free(detok);
    chooser_clear(&c);
    return ok;
}
