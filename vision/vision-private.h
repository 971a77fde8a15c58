/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of vision/ share with each other.  Nothing here is for other folders.
 */
#pragma once

#include "vision/lw-vision.h"

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>

G_BEGIN_DECLS

struct SwsContext;

/* The longest side that can pass both the pixel and the aspect limit: sqrt(pixels * aspect). */
#define LW_VIS_MAX_SIDE 200000

/* ---- memory and messages ---- */

/* lw_alloc_try() with the error in LW_VIS_ERROR. */
void *lw_vis_alloc(gsize n_bytes, const char *what, GError **error);

/* "label: <what FFmpeg says>" as LW_VIS_ERROR_FORMAT, or IO / NO_MEMORY where the code says so. */
void lw_vis_set_av_error(GError **error, const char *label, const char *doing, int averror);

/* Width, height and area against the limits; the message has both numbers. */
gboolean lw_vis_check_dimensions(gint64 width, gint64 height, const char *label, GError **error);

/* The whole file at once, at most LW_VIS_MAX_PICTURE_BYTES; free with lw_free(). */
gboolean lw_vis_read_file(const char *path, guint8 **bytes, gsize *n, GError **error);

/* ---- what the bytes are (sniff.c) ---- */

typedef enum {
    LW_VIS_FORMAT_OTHER, /* a film, or nothing we know */
    LW_VIS_FORMAT_PNG,
    LW_VIS_FORMAT_JPEG,
    LW_VIS_FORMAT_GIF,
    LW_VIS_FORMAT_BMP,
    LW_VIS_FORMAT_PNM,
    LW_VIS_FORMAT_WEBP,
    LW_VIS_FORMAT_TIFF,
    LW_VIS_FORMAT_JP2,
    LW_VIS_FORMAT_JXL,
    LW_VIS_FORMAT_AVIF,
    LW_VIS_FORMAT_HEIC,
} lw_vis_format;

lw_vis_format lw_vis_sniff(const guint8 *bytes, gsize n);
const char *lw_vis_format_name(lw_vis_format format);

/* FALSE when the container says that there should be more bytes than there are.  For the formats
 * whose decoder would return a half grey picture instead. */
gboolean lw_vis_is_complete(lw_vis_format format, const guint8 *bytes, gsize n);

/* May stb_image see this JPEG? */
gboolean lw_vis_jpeg_tables_ok(const guint8 *bytes, gsize n);

/* More than one frame (GIF, APNG, WebP). */
gboolean lw_vis_is_animated(lw_vis_format format, const guint8 *bytes, gsize n);

/* The first frame of an animated WebP as a still WebP, which is what FFmpeg's decoder knows; NULL
 * when it has none.  Free with g_free(). */
guint8 *lw_vis_webp_first_frame(const guint8 *bytes, gsize n, gsize *out_n);

/* The size a header claims, unchecked; FALSE when it is not found or the format is not known here.
 */
gboolean lw_vis_header_size(lw_vis_format format, const guint8 *bytes, gsize n, gint64 *width,
                            gint64 *height);

/* ---- orientation (exif.c, orient.c) ---- */

/* EXIF orientation 1..8; 1 when absent or damaged. */
int lw_vis_exif_orientation(lw_vis_format format, const guint8 *bytes, gsize n);

/* One value of a TIFF structure's first directory (SHORT or LONG); FALSE when absent. */
gboolean lw_vis_tiff_tag(const guint8 *tiff, gsize n, guint tag, guint32 *value);

/* Turn decoder output (1 grey, 2 grey + alpha, 3 RGB, 4 RGBA) into an upright RGB picture on white.
 */
gboolean lw_vis_upright(const guint8 *src, gsize stride, int width, int height, int channels,
                        int orientation, lw_vis_image *out, GError **error);

/* ---- stb_image (stb.c) ---- */

typedef struct {
    guint8 *pixels; /* lw_stb_free() */
    int width, height, channels;
} lw_stb_image;

/* Allocates at most `budget` bytes in all; *out_of_budget tells that this was the reason. */
gboolean lw_stb_load(const guint8 *bytes, gsize n, gint64 budget, lw_stb_image *out,
                     const char **reason, gboolean *out_of_budget);
void lw_stb_free(lw_stb_image *img);

/* ---- FFmpeg ---- */

/* A decoded frame as packed RGB or RGBA; keeps its buffer and tables between frames. */
typedef struct {
    struct SwsContext *sws;
    int width, height, format, colorspace, range; /* what sws was made for */
    guint8 *pixels;                               /* rows of `stride` bytes */
    gsize stride;
    int channels;
} lw_vis_converter;

gboolean lw_vis_convert(lw_vis_converter *c, const AVFrame *frame, GError **error);
void lw_vis_converter_clear(lw_vis_converter *c);

/* The picture formats stb_image lacks. */
gboolean lw_vis_ffmpeg_still(lw_vis_format format, const guint8 *bytes, gsize n, const char *label,
                             int orientation, lw_vis_image *out, GError **error);

/* ---- libheif (image-heif.c, only with LW_HAVE_HEIF) ---- */

/* A HEIC file's primary picture, put together from its tiles, turned and cropped as its boxes say.
 */
gboolean lw_vis_heif_still(const guint8 *bytes, gsize n, const char *label, lw_vis_image *out,
                           GError **error);

/* ---- size and patches (resize.c, preprocess.c) ---- */

/* lw_vis_resize_bicubic() for rows that lie src_stride bytes apart. */
gboolean lw_vis_resize_rows(const guint8 *src, gsize src_stride, int src_w, int src_h, guint8 *dst,
                            int dst_w, int dst_h, GError **error);

/* What a spec from a file may say before we compute with it. */
gboolean lw_vis_check_spec(const lw_vision_spec *spec, GError **error);

/* smart_resize, then smaller if that is more than max_cells merged cells (0: no such limit). Unlike
 * smart_resize alone this keeps the bound for thin pictures too, at the price of their proportions.
 */
gboolean lw_vis_fit(int height, int width, int factor, gint64 min_pixels, gint64 max_pixels,
                    gint64 max_cells, int *out_height, int *out_width, GError **error);

typedef struct {
    float value[3][256]; /* normalised pixel by channel and byte */
} lw_vis_norm;

void lw_vis_norm_init(lw_vis_norm *norm, const lw_vision_spec *spec);

/* Write time slice `time` of every patch of one grid from an RGB frame of [grid_h * patch][grid_w *
 * patch]. */
void lw_vis_patchify(const guint8 *rgb, int grid_h, int grid_w, const lw_vision_spec *spec,
                     const lw_vis_norm *norm, int time, float *patches);

/* Spec fields that change what the tower sees, for the content hash. */
void lw_vis_hash_spec(GChecksum *sum, const lw_vision_spec *spec);
void lw_vis_hash_finish(GChecksum *sum, guint8 hash[32]);

/* ---- pictures ---- */

/* A decoded picture becomes a medium; takes img's pixels.  `first_of_many`: say that only the first
 * frame of an animation is used. */
lw_media *lw_vis_picture_new(lw_vis_image *img, const char *label, gboolean first_of_many,
                             const lw_vision_spec *spec, const lw_vis_options *options,
                             GError **error);

G_END_DECLS
