/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bicubic resize with antialiasing, equal to Pillow's to the bit: the models were trained on its
 * output.
 *
 * Two passes, horizontal then vertical, with an 8-bit picture between them.  Weights are computed
 * in double and then fixed to 22 fractional bits; the pixel loops are integer only.
 */
#include "vision/vision-private.h"

#include "engine/base/alloc.h"

#include <math.h>
#include <string.h>

#define WEIGHT_BITS 22
#define SUPPORT 2.0 /* of the cubic, in pixels of the coarser side */

/* The pixel loops gain 2 to 3 times from AVX2; the loader picks.  Not under sanitizers: the choice
 * runs before they are ready. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                         \
    __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) &&                 \
    !defined(__SANITIZE_THREAD__) && !defined(SANITIZED)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif

typedef struct {
    int first, count;
} span;

typedef struct {
    int taps; /* room per output pixel */
    span *spans;
    gint32 *weights; /* [out][taps] */
} filter;

static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

static void filter_clear(filter *f)
{
    lw_free(f->spans);
    lw_free(f->weights);
}

static gboolean filter_init(filter *f, int in, int out, GError **error)
{
    double scale = (double)in / out;
    double spread = MAX(scale, 1.0);
    double support = SUPPORT * spread;
    gsize n_weights;

    *f = (filter){.taps = (int)ceil(support) * 2 + 1};
    if (!g_size_checked_mul(&n_weights, (gsize)f->taps, (gsize)out) || n_weights > G_MAXSIZE / 8) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT, "cannot resize %d pixels to %d", in,
                    out);
        return FALSE;
    }
    double *w = NULL;
    f->spans = lw_vis_alloc((gsize)out * sizeof *f->spans, "resize spans", error);
    if (f->spans)
        f->weights = lw_vis_alloc(n_weights * sizeof *f->weights, "resize weights", error);
    if (f->weights)
        w = lw_vis_alloc((gsize)f->taps * sizeof *w, "resize weights", error);
    if (!w) {
        filter_clear(f);
        return FALSE;
    }

    for (int x = 0; x < out; x++) {
        double center = (x + 0.5) * scale;
        int first = MAX((int)(center - support + 0.5), 0);
        int count = MIN((int)(center + support + 0.5), in) - first;
        double sum = 0.0;
        for (int i = 0; i < count; i++) {
            w[i] = cubic((i + first - center + 0.5) * (1.0 / spread));
            sum += w[i];
        }
        gint32 *fixed = f->weights + (gsize)x * f->taps;
        for (int i = 0; i < count; i++) {
            double v = (sum != 0.0 ? w[i] / sum : w[i]) * (1 << WEIGHT_BITS);
            fixed[i] = (gint32)(v < 0 ? v - 0.5 : v + 0.5);
        }
        f->spans[x] = (span){first, count};
    }
    lw_free(w);
    return TRUE;
}

static inline guint8 narrow(gint32 sum)
{
    sum >>= WEIGHT_BITS;
    return (guint8)CLAMP(sum, 0, 255);
}

typedef guint8 bytes4 __attribute__((vector_size(4)));
typedef gint32 lanes4 __attribute__((vector_size(16)));

/* One row.  Reads one byte past the last pixel. */
FAST static void row_horizontal(const guint8 *src, guint8 *dst, int dst_w, const filter *f)
{
    for (int x = 0; x < dst_w; x++) {
        const gint32 *w = f->weights + (gsize)x * f->taps;
        const guint8 *p = src + (gsize)f->spans[x].first * 3;
        lanes4 sum = {1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1), 1 << (WEIGHT_BITS - 1), 0};
        for (int i = 0; i < f->spans[x].count; i++, p += 3) {
            bytes4 b;
            memcpy(&b, p, 4);
            sum += __builtin_convertvector(b, lanes4) * w[i];
        }
        *dst++ = narrow(sum[0]);
        *dst++ = narrow(sum[1]);
        *dst++ = narrow(sum[2]);
    }
}

/* One row out of `s.count` rows; n bytes wide. */
FAST static void row_vertical(const guint8 *src, gsize stride, guint8 *dst, gsize n, span s,
                              const gint32 *w)
{
    enum { BLOCK = 512 };
    gint32 sum[BLOCK];

    for (gsize x0 = 0; x0 < n; x0 += BLOCK) {
        gsize m = MIN((gsize)BLOCK, n - x0);
        for (gsize x = 0; x < m; x++)
            sum[x] = 1 << (WEIGHT_BITS - 1);
        for (int i = 0; i < s.count; i++) {
            const guint8 *row = src + (gsize)(s.first + i) * stride + x0;
            gint32 k = w[i];
            for (gsize x = 0; x < m; x++)
                sum[x] += k * row[x];
        }
        for (gsize x = 0; x < m; x++)
            dst[x0 + x] = narrow(sum[x]);
    }
}

static gboolean pass_horizontal(const guint8 *src, gsize stride, int src_w, int rows, guint8 *dst,
                                int dst_w, GError **error)
{
    filter f;
    if (!filter_init(&f, src_w, dst_w, error))
        return FALSE;

    /* The last row has nothing behind it that may be read. */
    gsize row_bytes = (gsize)src_w * 3;
    guint8 *last = lw_vis_alloc(row_bytes + 1, "resize row", error);
    if (last) {
        memcpy(last, src + (gsize)(rows - 1) * stride, row_bytes);
        last[row_bytes] = 0;
        for (int y = 0; y < rows; y++)
            row_horizontal(y + 1 < rows ? src + (gsize)y * stride : last,
                           dst + (gsize)y * dst_w * 3, dst_w, &f);
    }
    lw_free(last);
    filter_clear(&f);
    return last != NULL;
}

static gboolean pass_vertical(const guint8 *src, gsize stride, int src_h, int w, guint8 *dst,
                              int dst_h, GError **error)
{
    filter f;
    if (!filter_init(&f, src_h, dst_h, error))
        return FALSE;
    for (int y = 0; y < dst_h; y++)
        row_vertical(src, stride, dst + (gsize)y * w * 3, (gsize)w * 3, f.spans[y],
                     f.weights + (gsize)y * f.taps);
    filter_clear(&f);
    return TRUE;
}

gboolean lw_vis_resize_rows(const guint8 *src, gsize stride, int src_w, int src_h, guint8 *dst,
                            int dst_w, int dst_h, GError **error)
{
    if (src_w < 1 || src_h < 1 || dst_w < 1 || dst_h < 1) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "cannot resize %dx%d to %dx%d: empty picture", src_w, src_h, dst_w, dst_h);
        return FALSE;
    }
    if (src_w == dst_w && src_h == dst_h) {
        for (int y = 0; y < src_h; y++)
            memcpy(dst + (gsize)y * dst_w * 3, src + (gsize)y * stride, (gsize)dst_w * 3);
        return TRUE;
    }
    if (src_h == dst_h)
        return pass_horizontal(src, stride, src_w, src_h, dst, dst_w, error);
    if (src_w == dst_w)
        return pass_vertical(src, stride, src_h, src_w, dst, dst_h, error);

    gsize n;
    if (!g_size_checked_mul(&n, (gsize)dst_w * 3, (gsize)src_h)) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT, "cannot resize %dx%d to %dx%d", src_w,
                    src_h, dst_w, dst_h);
        return FALSE;
    }
    guint8 *middle = lw_vis_alloc(n, "resize buffer", error);
    if (!middle)
        return FALSE;
    gboolean ok = pass_horizontal(src, stride, src_w, src_h, middle, dst_w, error) &&
                  pass_vertical(middle, (gsize)dst_w * 3, src_h, dst_w, dst, dst_h, error);
    lw_free(middle);
    return ok;
}

gboolean lw_vis_resize_bicubic(const guint8 *src, int src_w, int src_h, guint8 *dst, int dst_w,
                               int dst_h, GError **error)
{
    return lw_vis_resize_rows(src, (gsize)src_w * 3, src_w, src_h, dst, dst_w, dst_h, error);
}
