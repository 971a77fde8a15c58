/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two functions of lw-vision.h that `lw` needs, in a module that is loaded when the first picture or film
 * is opened: FFmpeg and what it brings along are some 130 shared libraries, whose loading takes 35 ms, longer
 * than all else that `lw info` or `lw models` do.
 *
 * The module, lw-pictures.so, lies beside the program in the build tree and in LIBDIR/longwave when installed.
 */
#pragma once

#include "vision/lw-vision.h"

G_BEGIN_DECLS

/* As lw_vis_open_picture() and lw_vis_open_film(); LW_CLI_ERROR_INPUT when the module cannot be loaded. */
lw_media *lw_cli_open_picture(const char *path, const lw_vision_spec *spec, const lw_vis_options *options,
                              GError **error);
lw_media *lw_cli_open_film(const char *path, const lw_vision_spec *spec, const lw_vis_options *options,
                           GError **error);

G_END_DECLS
