/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a picture: decode, resize, cut into patches, or refuse.
 */
#include "vision/lw-vision.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const lw_vision_spec spec = {
        .patch_size = 14,
        .merge_size = 2,
        .temporal_patch_size = 2,
        .min_pixels = 3136,
        .max_pixels = 28 * 28 * 64,
        .std = {1, 1, 1},
    };
    lw_media *m = lw_vis_open_picture_bytes(data, size, "fuzz", &spec, NULL, NULL);
    if (!m)
        return 0;
    if (lw_media_n_tokens(m) < 1 || lw_media_n_tokens(m) > 4096)
        abort();
    float *patches = g_new(float, (gsize)m->grid_h * m->grid_w * m->patch_dim);
    if (!m->read_grid(m, 0, patches, NULL))
        abort();
    g_free(patches);
    lw_media_unref(m);
    return 0;
}
