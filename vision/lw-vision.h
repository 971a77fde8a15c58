/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures and films -> patches (lw_media).  Decoding, orientation, limits, Qwen2-VL's resize and
 * frame choice; no model arithmetic.
 *
 * Pictures: stb_image (PNG, JPEG, GIF first frame, BMP...), FFmpeg for what it lacks (WebP, AVIF,
 * TIFF...), libheif for HEIC where it was there when this was built (else those files are refused);
 * EXIF orientation applied, for HEIC its own rotation and crop; alpha composited on white.  Films:
 * any seekable file FFmpeg opens; frames are decoded one after the other, so memory does not grow with
 * length.
 *
 * Thread: any one thread at a time per object; calls block while they decode.
 */
#pragma once

#include "engine/lw-media.h"

G_BEGIN_DECLS

#define LW_VIS_ERROR (lw_vis_error_quark())
GQuark lw_vis_error_quark(void);

typedef enum {
    LW_VIS_ERROR_IO,          /* cannot open or read */
    LW_VIS_ERROR_FORMAT,      /* not a picture or film we can decode, or damaged */
    LW_VIS_ERROR_LIMIT,       /* too many bytes or pixels, too thin, too long: the message has both numbers */
    LW_VIS_ERROR_NO_VIDEO,    /* a film file without a video stream */
    LW_VIS_ERROR_NO_MEMORY,
} lw_vis_error;

/* Limits, checked before anything of that size is allocated. */
#define LW_VIS_MAX_PICTURE_BYTES (256ll << 20)
#define LW_VIS_MAX_PICTURE_PIXELS (200ll * 1000 * 1000)
#define LW_VIS_MAX_ASPECT 200

typedef struct {
    int width, height;   /* pixels, after orientation */
    guint8 *rgb;         /* [height][width][3], lw_alloc_try() */
} lw_vis_image;

/* Decode a picture file or bytes.  label names it in errors. */
gboolean lw_vis_image_load(const char *path, lw_vis_image *out, GError **error);
gboolean lw_vis_image_decode(const void *bytes, gsize n, const char *label, lw_vis_image *out,
                             GError **error);
void lw_vis_image_clear(lw_vis_image *img);

/* Qwen2-VL's smart_resize: sides a multiple of `factor`, area within [min, max]. Errors: LIMIT. */
gboolean lw_vis_smart_resize(int height, int width, int factor, gint64 min_pixels, gint64 max_pixels,
                             int *out_height, int *out_width, GError **error);

/* Pillow's bicubic, bit for bit (8-bit, horizontal then vertical). dst: [dst_h][dst_w][3]. */
gboolean lw_vis_resize_bicubic(const guint8 *src, int src_w, int src_h, guint8 *dst, int dst_w, int dst_h,
                               GError **error);

typedef struct {
    gint64 max_tokens;   /* at most this many tokens for the whole medium; 0: the model's own limits.
                          * A smaller number shrinks the picture (or the frames and their number), and
                          * the medium's note says so */
    double fps;          /* films: frames sampled per second; 0: 2 */
    int max_frames;      /* films: 0: 768 */
} lw_vis_options;

/* The kind is decided by content, not by name.  options may be NULL. */
lw_media *lw_vis_open(const char *path, const lw_vision_spec *spec, const lw_vis_options *options,
                      GError **error);
lw_media *lw_vis_open_picture(const char *path, const lw_vision_spec *spec,
                              const lw_vis_options *options, GError **error);
lw_media *lw_vis_open_picture_bytes(const void *bytes, gsize n, const char *label,
                                    const lw_vision_spec *spec, const lw_vis_options *options,
                                    GError **error);
lw_media *lw_vis_open_film(const char *path, const lw_vision_spec *spec, const lw_vis_options *options,
                           GError **error);

/* Raw RGB that is already in memory (screens, tests): [h][w][3], copied. */
lw_media *lw_vis_open_rgb(const guint8 *rgb, int width, int height, const char *label,
                          const lw_vision_spec *spec, const lw_vis_options *options, GError **error);

/* Frames that somebody paints when they are looked at: pictures and films that are in no file. */
typedef struct {
    lw_media_kind kind;
    int n_frames;        /* 1 for a picture; the last one is repeated to fill a film's last grid */
    int width, height;   /* pixels, of each */
    double fps;          /* films: frames a second */
    guint8 hash[32];     /* of everything that decides what is painted */
    /* rgb: [height][width][3].  Called on the thread that reads the medium. */
    gboolean (*paint)(void *user, int frame, guint8 *rgb, GError **error);
    void (*free)(void *user); /* when the medium goes, or could not be made; may be NULL */
    void *user;
} lw_vis_frames;

/* Every frame is shown, none is chosen or left out; they are only resized to the model's own limits (or
 * options' max_tokens, which holds for one grid here).  Needs no FFmpeg.  Errors: LIMIT, NO_MEMORY. */
lw_media *lw_vis_open_frames(const lw_vis_frames *frames, const char *label, const lw_vision_spec *spec,
                             const lw_vis_options *options, GError **error);

/* A small picture of a file for a thumbnail: the picture, or the film's first frame, at most `side`
 * pixels on its longer side.  duration (may be NULL): seconds of a film, 0 for a picture. */
gboolean lw_vis_thumbnail(const char *path, int side, lw_vis_image *out, double *duration, GError **error);

G_END_DECLS
