/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: delete a file, or a folder with all that is in it; links are not followed.
 */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>

static inline void remove_tree(const char *path)
{
    GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        remove_tree(child);
    }
    if (dir)
        g_dir_close(dir);
    g_remove(path);
}
