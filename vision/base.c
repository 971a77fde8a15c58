/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Errors, limits, memory, reading a file whole.
 */
#include "vision/vision-private.h"

#include "engine/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off */
G_DEFINE_QUARK(lw-vis-error-quark, lw_vis_error)
/* clang-format on */

void *lw_vis_alloc(gsize n_bytes, const char *what, GError **error)
{
    void *p = lw_alloc_try(n_bytes, what, NULL);
    if (!p)
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_NO_MEMORY,
                    "not enough memory for the %s (%" G_GSIZE_FORMAT " bytes)", what, n_bytes);
    return p;
}

gboolean lw_vis_check_dimensions(gint64 width, gint64 height, const char *label, GError **error)
{
    if (width < 1 || height < 1) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT,
                    "%s: the picture says it has %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT " pixels",
                    label, width, height);
        return FALSE;
    }
    if (height > LW_VIS_MAX_PICTURE_PIXELS / width) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT
                    " pixels are more than the limit of %lld",
                    label, width, height, LW_VIS_MAX_PICTURE_PIXELS);
        return FALSE;
    }
    if (MAX(width, height) / MIN(width, height) > LW_VIS_MAX_ASPECT) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT
                    " pixels is too thin: the sides differ %" G_GINT64_FORMAT
                    " times, the limit is %d times",
                    label, width, height, MAX(width, height) / MIN(width, height),
                    LW_VIS_MAX_ASPECT);
        return FALSE;
    }
    return TRUE;
}

static gboolean read_all(int fd, const char *name, guint8 **bytes, gsize *n, GError **error)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_IO, "%s: not a file that can be read", name);
        return FALSE;
    }
    if (st.st_size == 0) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_FORMAT, "%s: the file is empty (0 bytes)",
                    name);
        return FALSE;
    }
    if (st.st_size > LW_VIS_MAX_PICTURE_BYTES) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_LIMIT,
                    "%s: %" G_GINT64_FORMAT " bytes are too many for a picture, the limit is %lld",
                    name, (gint64)st.st_size, LW_VIS_MAX_PICTURE_BYTES);
        return FALSE;
    }
    guint8 *buf = lw_vis_alloc((gsize)st.st_size, "picture file", error);
    if (!buf)
        return FALSE;
    gsize have = 0;
    while (have < (gsize)st.st_size) {
        ssize_t got = read(fd, buf + have, (gsize)st.st_size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_IO, "%s: cannot read: %s", name,
                        g_strerror(errno));
            lw_free(buf);
            return FALSE;
        }
        if (got == 0)
            break;
        have += (gsize)got;
    }
    *bytes = buf;
    *n = have;
    return TRUE;
}

gboolean lw_vis_read_file(const char *path, guint8 **bytes, gsize *n, GError **error)
{
    g_autofree char *name = g_filename_display_name(path);
    /* Non-blocking: opening a pipe by mistake must not hang. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        g_set_error(error, LW_VIS_ERROR, LW_VIS_ERROR_IO, "%s: cannot open: %s", name,
                    g_strerror(errno));
        return FALSE;
    }
    gboolean ok = read_all(fd, name, bytes, n, error);
    close(fd);
    return ok;
}

void lw_vis_image_clear(lw_vis_image *img)
{
    lw_free(img->rgb);
    *img = (lw_vis_image){0};
}
