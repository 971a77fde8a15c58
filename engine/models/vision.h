/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Running a vision tower: patches of one temporal grid in, one row per merged cell out.  The tower
 * itself (file, hyper-parameters, graph) is immutable and part of the model; an encoder is the working
 * memory to run it on a device and belongs to one thread.
 */
#pragma once

#include "engine/models/arch.h"

G_BEGIN_DECLS

typedef struct lw_vision lw_vision;

/* Map and bind a vision file for a text model.
 * Errors: LW_MODEL_ERROR; CORRUPT when the projection does not fit the text model. */
lw_vision *lw_vision_open(const char *path, const lw_hparams *text, GError **error);
void lw_vision_free(lw_vision *v);
const lw_vision_hparams *lw_vision_get_hparams(const lw_vision *v);
const lw_gguf *lw_vision_get_gguf(const lw_vision *v);

typedef struct lw_encoder lw_encoder;

lw_encoder *lw_encoder_new(const lw_vision *v, const lw_backend *backend, lw_device *device);
void lw_encoder_free(lw_encoder *e);

/* Encode grid t of a medium: rows is [lw_media_grid_tokens()][lw_vision_row_cols()] f32, in raster order
 * of the merged cells.  Blocks.  Errors: CANCELLED, NO_MEMORY, INVALID (patch size of another model), and the
 * medium's own. */
gboolean lw_encoder_run(lw_encoder *e, lw_media *media, int t, float *rows, const gint *cancel,
                        GError **error);

/* The same on a device of its own: for tests and tools. */
gboolean lw_model_encode_media(lw_model *m, lw_media *media, int t, float *rows, GError **error);

/* Window order of a grid of rows x cols merged cells: order[i] = raster index of the i-th cell when
 * windows of `window` x `window` cells are walked row-major, clipped at the edges.  bounds gets the
 * windows' starts and the end, counted in cells; returns the number of windows.
 * order: [rows * cols]; bounds: room for windows + 1. */
int lw_window_order(int rows, int cols, int window, gint32 *order, gint32 *bounds);
/* A table of side x side positions stretched over grid_h x grid_w patches with its corners on theirs:
 * for each of n patches (rc: [n][2] row and column) the four table rows around it and the share of each
 * (bilinear; transformers' get_vision_interpolation_indices_and_weights with align_corners).
 * at, share: [n][4]. */
void lw_vision_stretch_table(int side, int grid_h, int grid_w, const gint32 *rc, gsize n, gint32 *at,
                             float *share);

G_END_DECLS
