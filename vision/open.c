/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any file: is it a picture or a film, and what does it look like from afar?
 */
#include "vision/film-private.h"

#include "engine/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first bytes decide; a film's own file is not read whole for that. */
static gboolean sniff_file(const char *path, lw_vis_format *format, GError **error)
{
    guint8 head[512];
    g_autofree char *name = g_filename_display_name(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    gboolean readable = fd < 0 || fstat(fd, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode);
    ssize_t n = fd >= 0 && readable ? pread(fd, head, sizeof head, 0) : -1;

    if (!readable)
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_IO, "%s: not a file that can be read", name);
    else if (n < 0)
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_IO, "%s: cannot %s: %s", name,
                    fd < 0 ? "open" : "read", g_strerror(errno));
    else if (n == 0)
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT, "%s: the file is empty (0 bytes)",
                    name);
    else
        *format = lw_vis_sniff(head, (gsize)n);
    if (fd >= 0)
        close(fd);
    return n > 0;
}

lw_media *lw_vis_open(const char *path, const lw_vision_spec *spec, const lw_vis_options *options,
                      GError **error)
{
    lw_vis_format format;
    guint8 *bytes;
    gsize n;

    if (!sniff_file(path, &format, error))
        return NULL;
    if (format == LW_VIS_FORMAT_OTHER)
        return lw_vis_open_film(path, spec, options, error);

    if (!lw_vis_read_file(path, &bytes, &n, error))
        return NULL;
    if (lw_vis_is_animated(format, bytes, n)) {
        /* Where FFmpeg cannot play it (WebP), the first frame serves as a picture, and the note
         * says so. */
        lw_media *m = lw_vis_open_film(path, spec, options, NULL);
        if (m) {
            lw_free(bytes);
            return m;
        }
    }
    g_autofree char *label = g_filename_display_basename(path);
    lw_media *m = lw_vis_open_picture_bytes(bytes, n, label, spec, options, error);
    lw_free(bytes);
    return m;
}

/* Shrink in place, never enlarge. */
static gboolean shrink(lw_vis_image *img, int side, GError **error)
{
    int longer = MAX(img->width, img->height);
    if (longer <= side)
        return TRUE;
    int w = MAX(1, (int)lrint((double)img->width * side / longer));
    int h = MAX(1, (int)lrint((double)img->height * side / longer));
    guint8 *rgb = lw_vis_alloc((gsize)w * (gsize)h * 3, "thumbnail", error);
    if (!rgb || !lw_vis_resize_bicubic(img->rgb, img->width, img->height, rgb, w, h, error)) {
        lw_free(rgb);
        return FALSE;
    }
    lw_free(img->rgb);
    *img = (lw_vis_image){.width = w, .height = h, .rgb = rgb};
    return TRUE;
}

static gboolean first_frame(const char *path, lw_vis_image *out, double *duration, GError **error)
{
    lw_film_file file;
    lw_film_survey survey = {.fps = 25, .frames = 1};
    lw_film_reader reader;
    lw_vis_converter c = {0};
    gboolean ok = FALSE;

    if (!lw_film_file_open(&file, path, error))
        return FALSE;
    /* The header's length will do for a label; only a file that says nothing is read through. */
    if (file.fmt->duration > 0)
        *duration = (double)file.fmt->duration / AV_TIME_BASE;
    else if (lw_film_survey_run(&file, 0, &survey, error))
        *duration = (double)survey.frames / survey.fps;
    else
        goto out;
    survey.timed = FALSE;
    if (lw_film_reader_init(&reader, &file, &survey, error)) {
        const AVFrame *frame = lw_film_reader_at(&reader, 0, NULL, error);
        ok = frame && lw_vis_convert(&c, frame, error) &&
             lw_vis_upright(c.pixels, c.stride, frame->width, frame->height, c.channels,
                            file.orientation, out, error);
        lw_vis_converter_clear(&c);
        lw_film_reader_clear(&reader);
    }
out:
    lw_film_file_close(&file);
    return ok;
}

gboolean lw_vis_thumbnail(const char *path, int side, lw_vis_image *out, double *duration,
                          GError **error)
{
    lw_vis_format format;
    double seconds = 0;

    *out = (lw_vis_image){0};
    if (side < 1) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT, "a thumbnail of %d pixels is empty",
                    side);
        return FALSE;
    }
    if (!sniff_file(path, &format, error))
        return FALSE;
    gboolean ok = format == LW_VIS_FORMAT_OTHER ? first_frame(path, out, &seconds, error)
                                                : lw_vis_image_load(path, out, error);
    if (ok && !shrink(out, side, error)) {
        lw_vis_image_clear(out);
        ok = FALSE;
    }
    if (duration)
        *duration = seconds;
    return ok;
}
