/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/pictures.h"

#include <dlfcn.h>

#include "app/cli/cli.h"
#include "app/cli/pictures-path.h"

#define MODULE "lw-pictures.so"

static void *load(GError **error)
{
    static void *module;
    if (module)
        return module;

    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = exe ? g_path_get_dirname(exe) : NULL;
    g_autofree char *path = g_build_filename(folder ? folder : "", MODULE, NULL);
    if (!folder || !g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_free(path);
        path = g_build_filename(LW_PICTURES_FOLDER, MODULE, NULL);
    }
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* for good: its media live as long as the program */
    if (!module)
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_INPUT, "pictures and films cannot be opened: %s",
                    dlerror());
    return module;
}

/* Same signature for both. */
static lw_media *open_with(const char *function, const char *path, const lw_vision_spec *spec,
                           const lw_vis_options *options, GError **error)
{
    void *module = load(error);
    if (!module)
        return NULL;
    __typeof__(lw_vis_open_picture) *open_medium = dlsym(module, function);
    if (!open_medium) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_INPUT, "pictures and films cannot be opened: %s",
                    dlerror());
        return NULL;
    }
    return open_medium(path, spec, options, error);
}

lw_media *lw_cli_open_picture(const char *path, const lw_vision_spec *spec, const lw_vis_options *options,
                              GError **error)
{
    return open_with("lw_vis_open_picture", path, spec, options, error);
}

lw_media *lw_cli_open_film(const char *path, const lw_vision_spec *spec, const lw_vis_options *options,
                           GError **error)
{
    return open_with("lw_vis_open_film", path, spec, options, error);
}
