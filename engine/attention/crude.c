/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A page that is kept whole is one step of the kernel, as in dense attention.  Of other pages the kept keys are
 * gathered into a tile of their own, page after page until it is full; the keys near the query, which differ
 * from row to row, are a step over the page itself.
 */
#include "engine/attention/crude.h"

#include "engine/kv/store.h"
#include "engine/lw-error.h"

#include <math.h>
#include <string.h>

#define TILE_POSITIONS 32
#define ALL (G_GUINT64_CONSTANT(1) << 32)
#define WHOLE G_MAXUINT64 /* bits of a page */
#define RANDOM_EDGE LW_KV_PAGE /* first and last keys that random keeps */

/* ---- Which keys ---- */

static guint64 draw(const lw_crude *c, guint layer, guint kv_head, gsize j)
{
    guint64 z = (guint64)j ^ (guint64)kv_head << 40 ^ (guint64)layer << 52;

    z = (z + c->seed) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) >> 32;
}

gboolean lw_crude_sees(const lw_crude *c, guint layer, guint kv_head, gsize p, gsize j)
{
    return j <= p && (j < c->sink || p - j < c->local || draw(c, layer, kv_head, j) < c->share);
}

/* The keys of a page that every query sees: bit i is key page * 64 + i. */
static guint64 kept_bits(const lw_crude *c, guint layer, guint kv_head, gsize page)
{
    gsize first = page * LW_KV_PAGE;
    guint64 bits = 0;

    G_STATIC_ASSERT(LW_KV_PAGE == 64);
    if (c->share >= ALL || c->sink >= first + LW_KV_PAGE)
        return WHOLE;
    if (c->sink > first)
        bits = (G_GUINT64_CONSTANT(1) << (c->sink - first)) - 1;
    for (gsize i = 0; c->share && i < LW_KV_PAGE; i++)
        if (draw(c, layer, kv_head, first + i) < c->share)
            bits |= G_GUINT64_CONSTANT(1) << i;
    return bits;
}

static gboolean keeps_all(const lw_crude *c, gsize n_keys)
{
    return c->share >= ALL || c->local >= n_keys || c->sink >= n_keys;
}

/* ---- Scratch of a thread ---- */

typedef struct {
    float *q, *o, *m, *l;        /* [rows][d], [rows][d], [rows], [rows] */
    gint32 *first, *visible;     /* [rows] */
    float *keys, *values;        /* [LW_KV_PAGE][d]: gathered */
    gsize *index;                /* [LW_KV_PAGE]: which keys they are */
    guint n;                     /* how many */
    void *kernel, *q_work;
    gboolean same_q;
} tile;

static gsize align64(gsize n)
{
    return (n + 63) & ~(gsize)63;
}

static gsize thread_bytes(guint group, gsize d)
{
    gsize rows = (gsize)TILE_POSITIONS * group;

    return LW_ATTN_SCRATCH + align64(LW_ATTN_Q_WORK(rows, d)) + 2 * align64(rows * d * sizeof(float)) +
           4 * align64(rows * sizeof(float)) + 2 * align64(LW_KV_PAGE * d * sizeof(float)) +
           align64(LW_KV_PAGE * sizeof(gsize));
}

static void *take(char **p, gsize bytes)
{
    void *at = *p;

    *p += align64(bytes);
    return at;
}

static tile carve(char *p, gsize rows, gsize d)
{
    tile t = {.n = 0};

    t.kernel = take(&p, LW_ATTN_SCRATCH);
    t.q_work = take(&p, LW_ATTN_Q_WORK(rows, d));
    t.q = take(&p, rows * d * sizeof(float));
    t.o = take(&p, rows * d * sizeof(float));
    t.m = take(&p, rows * sizeof(float));
    t.l = take(&p, rows * sizeof(float));
    t.first = take(&p, rows * sizeof(gint32));
    t.visible = take(&p, rows * sizeof(gint32));
    t.keys = take(&p, LW_KV_PAGE * d * sizeof(float));
    t.values = take(&p, LW_KV_PAGE * d * sizeof(float));
    t.index = take(&p, LW_KV_PAGE * sizeof(gsize));
    return t;
}

gsize lw_crude_scratch_bytes(const lw_kv_shape *shape, guint n_head, int n_threads)
{
    return (gsize)n_threads * thread_bytes(n_head / shape->n_head_kv, shape->head_dim);
}

/* ---- Attention ---- */

typedef struct {
    const lw_attend *call;
    const lw_crude *crude;
    guint group, n_head_kv, kv_head;
    gsize d, thread_bytes;
} job;

static void (*step_of(const lw_kernels *k, lw_kv_type type))(const lw_attn_step *)
{
    return type == LW_KV_F16 ? k->attn_step_f16 : type == LW_KV_F32 ? k->attn_step_f32 : k->attn_step_q8_0;
}

/* Of the query in row p of the call: the first key of the model's window, and the first of the near ones. */
static gsize window_first(const lw_attend *a, gsize p)
{
    gsize end = a->start + p + 1;

    return a->window && a->window < end ? end - a->window : 0;
}

static gsize near_first(const job *w, gsize p)
{
    gsize end = w->call->start + p + 1;

    return w->crude->local < end ? end - w->crude->local : 0;
}

static lw_attn_step step_for(const job *w, const tile *t, gsize n)
{
    return (lw_attn_step){
        .q = t->q,
        .q_stride = w->d,
        .kv_stride = w->d,
        .rows = (int)(n * w->group),
        .d = (int)w->d,
        .scale = w->call->scale,
        .first = t->first,
        .visible = t->visible,
        .m = t->m,
        .l = t->l,
        .o = t->o,
        .scratch = t->kernel,
        .q_work = t->q_work,
    };
}

/* One page for the rows of positions [p0, p0 + n): all keys that a row may see, or only the near ones. */
static void visit_page(const job *w, tile *t, gsize p0, gsize n, gsize page, gsize n_keys, gboolean near)
{
    const lw_attend *a = w->call;
    gint64 first = (gint64)(page * LW_KV_PAGE);
    lw_attn_step step = step_for(w, t, n);

    for (gsize i = 0; i < n; i++) {
        gint64 see = (gint64)(a->start + p0 + i + 1) - first, from = (gint64)window_first(a, p0 + i) - first;
        if (near)
            from = MAX(from, (gint64)near_first(w, p0 + i) - first);
        for (guint g = 0; g < w->group; g++) {
            t->visible[i * w->group + g] = (gint32)CLAMP(see, 0, (gint64)n_keys);
            t->first[i * w->group + g] = (gint32)CLAMP(from, 0, (gint64)n_keys);
        }
    }
    step.n_keys = (int)n_keys;
    step.k = lw_kv_seq_k(a->kv, a->layer, w->kv_head, page);
    step.v = lw_kv_seq_v(a->kv, a->layer, w->kv_head, page);
    step.same_q = t->same_q;
    step_of(a->kernels, lw_kv_seq_shape(a->kv)->type)(&step);
    t->same_q = TRUE;
}

/* The gathered keys: each row sees those that are neither beyond the model's window nor near. */
static void visit_gathered(const job *w, tile *t, gsize p0, gsize n)
{
    lw_attn_step step = step_for(w, t, n);

    if (!t->n)
        return;
    for (gsize i = 0; i < n; i++) {
        gsize from = window_first(w->call, p0 + i), end = near_first(w, p0 + i);
        gint32 first = 0, visible = 0;
        for (guint k = 0; k < t->n; k++) {
            first += t->index[k] < from;
            visible += t->index[k] < end;
        }
        for (guint g = 0; g < w->group; g++) {
            t->first[i * w->group + g] = first;
            t->visible[i * w->group + g] = visible;
        }
    }
    step.n_keys = (int)t->n;
    step.k = t->keys;
    step.v = t->values;
    w->call->kernels->attn_step_f32(&step);
    t->n = 0;
}

static void gather(const job *w, tile *t, gsize p0, gsize n, gsize page, guint64 bits)
{
    for (; bits; bits &= bits - 1) {
        gsize j = page * LW_KV_PAGE + (gsize)__builtin_ctzll(bits);
        if (t->n == LW_KV_PAGE)
            visit_gathered(w, t, p0, n);
        lw_kv_load_k(w->call->kv, w->call->layer, w->kv_head, j, t->keys + t->n * w->d);
        lw_kv_load_v(w->call->kv, w->call->layer, w->kv_head, j, t->values + t->n * w->d);
        t->index[t->n++] = j;
    }
}

static void attend_tile(const job *w, tile *t, gsize p0, gsize n)
{
    const lw_attend *a = w->call;
    gsize rows = n * w->group, last = a->start + p0 + n - 1, total = a->start + a->n_rows;

    for (gsize r = 0; r < rows; r++) {
        t->m[r] = -INFINITY;
        t->l[r] = 0;
    }
    memset(t->o, 0, rows * w->d * sizeof(float));
    for (gsize i = 0; i < n; i++)
        memcpy(t->q + i * w->group * w->d, a->q + ((p0 + i) * a->n_head + (gsize)w->kv_head * w->group) * w->d,
               w->group * w->d * sizeof(float));
    for (gsize page = window_first(a, p0) / LW_KV_PAGE; page <= last / LW_KV_PAGE; page++) {
        gsize n_keys = MIN((gsize)LW_KV_PAGE, total - page * LW_KV_PAGE);
        guint64 there = WHOLE >> (LW_KV_PAGE - n_keys);
        guint64 bits = kept_bits(w->crude, a->layer, w->kv_head, page) & there;

        if (bits == there) {
            visit_page(w, t, p0, n, page, n_keys, FALSE);
            continue;
        }
        gather(w, t, p0, n, page, bits);
        if (page * LW_KV_PAGE + n_keys > near_first(w, p0))
            visit_page(w, t, p0, n, page, n_keys, TRUE);
    }
    visit_gathered(w, t, p0, n);
}

static void tile_task(void *user, int task, int worker)
{
    job w = *(const job *)user;
    const lw_attend *a = w.call;
    gsize n_tiles = (a->n_rows + TILE_POSITIONS - 1) / TILE_POSITIONS;
    gsize p0 = (n_tiles - 1 - (gsize)task / w.n_head_kv) * TILE_POSITIONS;
    gsize n = MIN((gsize)TILE_POSITIONS, a->n_rows - p0);
    tile t = carve(a->scratch + (gsize)worker * w.thread_bytes, (gsize)TILE_POSITIONS * w.group, w.d);

    w.kv_head = (guint)task % w.n_head_kv;
    attend_tile(&w, &t, p0, n);
    for (gsize i = 0; i < n; i++)
        for (guint g = 0; g < w.group; g++) {
            gsize r = i * w.group + g;
            float *dst = a->out + ((p0 + i) * a->n_head + (gsize)w.kv_head * w.group + g) * w.d;
            float inv = t.l[r] > 0 ? 1.0f / t.l[r] : 0.0f;
            for (gsize k = 0; k < w.d; k++)
                dst[k] = t.o[r * w.d + k] * inv;
        }
}

static gboolean run(lw_attention *state, const lw_attend *a)
{
    const lw_kv_shape *shape = lw_kv_seq_shape(a->kv);
    job w = {
        .call = a,
        .crude = a->params,
        .group = a->n_head / shape->n_head_kv,
        .n_head_kv = shape->n_head_kv,
        .d = shape->head_dim,
    };
    gsize n_tiles = (a->n_rows + TILE_POSITIONS - 1) / TILE_POSITIONS;

    if (keeps_all(w.crude, a->start + a->n_rows))
        return lw_attention_dense.run(NULL, a);
    w.thread_bytes = thread_bytes(w.group, w.d);
    return lw_pool_run(a->pool, (int)(n_tiles * w.n_head_kv), tile_task, &w, a->cancel);
}

/* ---- Parameters ---- */

static gpointer parse_window(const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, "+", 3);
    guint64 sink = 0, local = 0;
    lw_crude *c;

    if (!g_str_equal(text, "all") &&
        (g_strv_length(words) != 2 || !g_ascii_string_to_unsigned(words[0], 10, 0, G_MAXINT32, &sink, NULL) ||
         !g_ascii_string_to_unsigned(words[1], 10, 1, G_MAXINT32, &local, NULL))) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "\"window:%s\": after window: stands \"all\", or SINK+LOCAL, two numbers of tokens such as 4+508",
                    text);
        return NULL;
    }
    c = g_new0(lw_crude, 1);
    *c = (lw_crude){.sink = sink, .local = local ? local : G_MAXSIZE};
    return c;
}

static gpointer parse_random(const char *text, GError **error)
{
    char *end = NULL;
    double percent = g_ascii_strtod(text, &end);
    guint64 seed = 0;
    lw_crude *c;

    if (end == text || end[0] != '%' || !(percent > 0 && percent <= 100) ||
        (end[1] && (end[1] != '@' || !g_ascii_string_to_unsigned(end + 2, 10, 0, G_MAXUINT32, &seed, NULL)))) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "\"random:%s\": after random: stands a share above 0%% and up to 100%%, and perhaps a seed, such "
                    "as 10%% or 10%%@7",
                    text);
        return NULL;
    }
    c = g_new0(lw_crude, 1);
    *c = (lw_crude){
        .sink = RANDOM_EDGE, .local = RANDOM_EDGE, .share = (guint64)(percent / 100 * (double)ALL), .seed = (guint32)seed};
    return c;
}

const lw_attention_method lw_attention_window = {
    .name = "window",
    .params = "SINK+LOCAL",
    .summary = "crude, to try an evaluation: only the first SINK and the last LOCAL keys",
    .parse = parse_window,
    .run = run,
};

const lw_attention_method lw_attention_random = {
    .name = "random",
    .params = "P%",
    .summary = "crude, to try an evaluation: a random P percent of the keys, drawn without looking",
    .parse = parse_random,
    .run = run,
};
