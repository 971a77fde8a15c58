/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/position/mrope.h"

#include <math.h>

void lw_rope_init(lw_rope *r, int n_rot, double base, const gint32 *sections)
{
    r->n_rot = n_rot;
    r->base = base;
    r->magnitude = 1;
    for (int i = 0; i < n_rot / 2; i++) {
        r->inv_freq[i] = pow(base, -2.0 * i / n_rot);
        r->axis[i] = !sections || i < sections[0] ? 0 : i < sections[0] + sections[1] ? 1 : 2;
    }
}

void lw_rope_interleave(lw_rope *r, const gint32 sections[3])
{
    for (int i = 0; i < r->n_rot / 2; i++) {
        int axis = i % 3;
        r->axis[i] = (guint8)(axis && i < 3 * sections[axis] ? axis : 0);
    }
}

void lw_rope_tables(const lw_rope *r, const gint32 *pos, gsize n, float *cos_out, float *sin_out)
{
    int half = r->n_rot / 2;

    for (gsize row = 0; row < n; row++, pos += 3) {
        for (int i = 0; i < half; i++) {
            double a = pos[r->axis[i]] * r->inv_freq[i];
            *cos_out++ = (float)(cos(a) * r->magnitude);
            *sin_out++ = (float)(sin(a) * r->magnitude);
        }
    }
}

void lw_rope_tables_2d(int head_dim, const gint32 *rc, gsize n, float *cos_out, float *sin_out)
{
    int quarter = head_dim / 4;

    for (gsize row = 0; row < n; row++, rc += 2) {
        for (int axis = 0; axis < 2; axis++) {
            for (int j = 0; j < quarter; j++) {
                double a = rc[axis] * pow(10000.0, -2.0 * j / (head_dim / 2));
                *cos_out++ = (float)cos(a);
                *sin_out++ = (float)sin(a);
            }
        }
    }
}

static void put(GArray *out, gint64 t, gint64 h, gint64 w)
{
    gint32 id[3] = {(gint32)t, (gint32)h, (gint32)w};
    g_array_append_vals(out, id, 3);
}

void lw_mrope_text(GArray *out, gint64 *next, gsize n)
{
    for (gsize i = 0; i < n; i++, (*next)++)
        put(out, *next, *next, *next);
}

void lw_mrope_media(GArray *out, gint64 *next, int grid_t, int rows, int cols, double t_step)
{
    gint64 start = *next, max = start;

    for (int t = 0; t < grid_t; t++) {
        gint64 tid = start + (gint64)floor(t * t_step);
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < cols; x++)
                put(out, tid, start + y, start + x);
        max = MAX(max, tid);
    }
    *next = MAX(max, start + MAX(rows, cols) - 1) + 1;
}
