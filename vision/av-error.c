/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What FFmpeg says, as our errors.
 */
#include "vision/vision-private.h"

#include <libavutil/error.h>

void lw_vis_set_av_error(GError **error, const char *label, const char *doing, int averror)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    lw_vis_error code = LW_VIS_ERROR_FORMAT;

    if (averror == AVERROR(ENOMEM))
        code = LW_VIS_ERROR_NO_MEMORY;
    else if (averror == AVERROR(EIO) || averror == AVERROR(EACCES))
        code = LW_VIS_ERROR_IO;
    av_strerror(averror, text, sizeof text);
    g_set_error(error, LW_VIS_ERROR, code, "%s: %s: %s", label, doing, text);
}
