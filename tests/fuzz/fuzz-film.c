/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a file: picture, film or refusal.  Films are opened by path, so the bytes go into a
 * memory file.
 */
#include "vision/lw-vision.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const lw_vision_spec spec = {
        .patch_size = 4,
        .merge_size = 2,
        .temporal_patch_size = 2,
        .min_pixels = 64,
        .max_pixels = 64 * 256,
        .std = {1, 1, 1},
    };
    const lw_vis_options options = {.max_frames = 6};
    char path[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);

    lw_media *m = lw_vis_open(path, &spec, &options, NULL);
    if (m) {
        float *patches = g_new(float, (gsize)m->grid_h * m->grid_w * m->patch_dim);
        for (int t = 0; t < m->grid_t; t++) {
            if (!m->read_grid(m, t, patches, NULL))
                break;
        }
        g_free(patches);
        lw_media_unref(m);
    }
    close(fd);
    return 0;
}
