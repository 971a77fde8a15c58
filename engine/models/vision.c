/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/models/vision.h"

#include "engine/base/alloc.h"
#include "engine/models/model.h"

struct lw_vision {
    lw_gguf *gguf;
    lw_vision_hparams h;
    lw_graph *graph;
};

lw_vision *lw_vision_open(const char *path, const lw_hparams *text, GError **error)
{
    lw_vision *v = g_new0(lw_vision, 1);
    const lw_projector *p;

    v->gguf = lw_gguf_open(path, error);
    if (!v->gguf)
        goto fail;
    p = lw_projector_find(v->gguf, error);
    if (!p || !p->read_hparams(v->gguf, &v->h, error))
        goto fail;
    if (v->h.projection_dim != text->n_embd) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s belongs to another model: it projects to %u columns, the text model has %u", path,
                    v->h.projection_dim, text->n_embd);
        goto fail;
    }
    if (v->h.n_deepstack != text->n_deepstack) {
        g_set_error(error, LW_MODEL_ERROR, LW_MODEL_ERROR_CORRUPT,
                    "%s belongs to another model: it feeds %u layers (deepstack), the text model has %u", path,
                    v->h.n_deepstack, text->n_deepstack);
        goto fail;
    }
    v->graph = lw_graph_new();
    lw_binder b = {v->gguf, v->graph};
    if (!p->build(&b, &v->h, error))
        goto fail;
    return v;

fail:
    lw_vision_free(v);
    return NULL;
}

void lw_vision_free(lw_vision *v)
{
    if (!v)
        return;
    lw_graph_free(v->graph);
    lw_gguf_free(v->gguf);
    g_free(v);
}

const lw_vision_hparams *lw_vision_get_hparams(const lw_vision *v)
{
    return &v->h;
}

const lw_gguf *lw_vision_get_gguf(const lw_vision *v)
{
    return v->gguf;
}

int lw_window_order(int rows, int cols, int window, gint32 *order, gint32 *bounds)
{
    int n = 0, n_windows = 0;

    bounds[0] = 0;
    for (int wy = 0; wy < rows; wy += window) {
        for (int wx = 0; wx < cols; wx += window) {
            for (int y = wy; y < MIN(wy + window, rows); y++)
                for (int x = wx; x < MIN(wx + window, cols); x++)
                    order[n++] = y * cols + x;
            bounds[++n_windows] = n;
        }
    }
    return n_windows;
}

/* Where patch i of n stands on a line of `side` positions: the two around it and the share of the second. */
static void between(int side, int n, int i, int at[2], double share[2])
{
    double x = n > 1 ? (double)(side - 1) * i / (n - 1) : 0;

    at[0] = MIN((int)x, side - 1);
    at[1] = MIN(at[0] + 1, side - 1);
    share[1] = x - at[0];
    share[0] = 1 - share[1];
}

void lw_vision_stretch_table(int side, int grid_h, int grid_w, const gint32 *rc, gsize n, gint32 *at,
                             float *share)
{
    for (gsize i = 0; i < n; i++) {
        int y[2], x[2];
        double sy[2], sx[2];
        between(side, grid_h, rc[2 * i], y, sy);
        between(side, grid_w, rc[2 * i + 1], x, sx);
        for (int k = 0; k < 4; k++) {
            *at++ = y[k / 2] * side + x[k % 2];
            *share++ = (float)(sy[k / 2] * sx[k % 2]);
        }
    }
}

/* ---- Encoder ---- */

struct lw_encoder {
    const lw_vision *vision;
    const lw_backend *backend;
    lw_device *device;
    lw_exec *exec; /* planned for max_rows patches, grown on demand */
    gsize max_rows;
};

lw_encoder *lw_encoder_new(const lw_vision *v, const lw_backend *backend, lw_device *device)
{
    lw_encoder *e = g_new0(lw_encoder, 1);

    e->vision = v;
    e->backend = backend;
    e->device = device;
    return e;
}

void lw_encoder_free(lw_encoder *e)
{
    if (!e)
        return;
    if (e->exec)
        e->backend->free_plan(e->exec);
    g_free(e);
}

static gboolean ensure_plan(lw_encoder *e, gsize rows, GError **error)
{
    if (rows <= e->max_rows)
        return TRUE;
    if (e->exec)
        e->backend->free_plan(e->exec);
    e->max_rows = 0;
    e->exec = e->backend->plan(e->device, e->vision->graph, NULL, rows, 0, 0, error);
    if (!e->exec)
        return FALSE;
    e->max_rows = rows;
    return TRUE;
}

/* What a run needs besides the patches, in one allocation each. */
typedef struct {
    gint32 *cells;   /* [cells] window order */
    gint32 *windows; /* window bounds, in patches after scaling */
    gint32 *patches; /* [n] patch order */
    gint32 *rc;      /* [n][2] row and column of each patch, in run order */
    float *cos, *sin;
    gint32 *table_at; /* [n][4], of towers with a table of positions */
    float *table_share;
    float *input;
} encode_buffers;

static void buffers_clear(encode_buffers *b)
{
    lw_free(b->cells);
    lw_free(b->windows);
    lw_free(b->patches);
    lw_free(b->rc);
    lw_free(b->cos);
    lw_free(b->sin);
    lw_free(b->table_at);
    lw_free(b->table_share);
    lw_free(b->input);
}

static gboolean buffers_alloc(encode_buffers *b, gsize cells, gsize n, gsize patch_dim, gsize half,
                              gboolean table, GError **error)
{
    const char *what = "encoding a picture";

    return (b->cells = lw_alloc0_array_try(cells, sizeof *b->cells, what, error)) &&
           (b->windows = lw_alloc0_array_try(cells + 1, sizeof *b->windows, what, error)) &&
           (b->patches = lw_alloc0_array_try(n, sizeof *b->patches, what, error)) &&
           (b->rc = lw_alloc0_array_try(n, 2 * sizeof *b->rc, what, error)) &&
           (b->cos = lw_alloc0_array_try(n, half * sizeof(float), what, error)) &&
           (b->sin = lw_alloc0_array_try(n, half * sizeof(float), what, error)) &&
           (!table || ((b->table_at = lw_alloc0_array_try(n, 4 * sizeof(gint32), what, error)) &&
                       (b->table_share = lw_alloc0_array_try(n, 4 * sizeof(float), what, error)))) &&
           (b->input = lw_alloc0_array_try(n, patch_dim * sizeof(float), what, error));
}

gboolean lw_encoder_run(lw_encoder *e, lw_media *media, int t, float *rows, const gint *cancel,
                        GError **error)
{
    const lw_vision_hparams *h = &e->vision->h;
    int merge = h->spec.merge_size, group = merge * merge;
    int patch_dim = 3 * h->spec.temporal_patch_size * h->spec.patch_size * h->spec.patch_size;
    int cell_rows = media->grid_h / merge, cell_cols = media->grid_w / merge;
    gsize n_cells = (gsize)cell_rows * (gsize)cell_cols, n = n_cells * (gsize)group;
    gsize half = h->width / h->n_head / 2, cols = lw_vision_row_cols(h);
    encode_buffers b = {0};
    gboolean ok = FALSE;
    const float *out;

    if (media->patch_dim != patch_dim || media->merge_size != merge || n == 0) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID,
                    "%s was prepared for another model (patches of %d numbers, this one takes %d)",
                    media->label, media->patch_dim, patch_dim);
        return FALSE;
    }
    if (!ensure_plan(e, n, error) ||
        !buffers_alloc(&b, n_cells, n, (gsize)patch_dim, half, h->table_side != 0, error) ||
        !media->read_grid(media, t, b.input, error))
        goto out;

    int n_windows = lw_window_order(cell_rows, cell_cols, (int)h->window, b.cells, b.windows);
    for (int i = 0; i <= n_windows; i++)
        b.windows[i] *= group;
    for (gsize i = 0; i < n; i++) {
        gint32 cell = b.cells[i / (gsize)group], in = (gint32)(i % (gsize)group);
        b.patches[i] = cell * group + in;
        b.rc[2 * i] = cell / cell_cols * merge + in / merge;
        b.rc[2 * i + 1] = cell % cell_cols * merge + in % merge;
    }
    lw_rope_tables_2d((int)half * 2, b.rc, n, b.cos, b.sin);
    if (h->table_side)
        lw_vision_stretch_table((int)h->table_side, media->grid_h, media->grid_w, b.rc, n, b.table_at,
                                b.table_share);

    gint32 whole[2] = {0, (gint32)n};
    lw_step step = {
        .n_rows = n,
        .input = b.input,
        .input_order = b.patches,
        .table_rows = b.table_at,
        .table_shares = b.table_share,
        .table_mix = 4,
        .cos = {b.cos},
        .sin = {b.sin},
        .bounds = {b.windows, whole},
        .n_segments = {n_windows, 1},
        .cancel = cancel,
    };
    ok = e->backend->run(e->exec, &step, &out, error);
    for (gsize i = 0; ok && i < n_cells; i++)
        memcpy(rows + (gsize)b.cells[i] * cols, out + i * cols, cols * sizeof(float));
out:
    buffers_clear(&b);
    return ok;
}

gboolean lw_model_encode_media(lw_model *m, lw_media *media, int t, float *rows, GError **error)
{
    const lw_vision *vision = lw_model_get_vision(m);
    const lw_backend *backend = lw_backend_find(NULL, error);

    if (!backend)
        return FALSE;
    if (!vision) {
        g_set_error(error, LW_ENGINE_ERROR, LW_ENGINE_ERROR_INVALID, "%s",
                    lw_model_get_info(m)->vision_missing);
        return FALSE;
    }
    lw_device *device = backend->open(0, error);
    if (!device)
        return FALSE;
    lw_encoder *e = lw_encoder_new(vision, backend, device);
    gboolean ok = lw_encoder_run(e, media, t, rows, NULL, error);
    lw_encoder_free(e);
    backend->close(device);
    return ok;
}
