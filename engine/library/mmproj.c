/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which vision file belongs to a model file.
 */
#include <string.h>

#include "engine/library/lw-library.h"
#include "engine/library/ollama.h"

/* How well a vision file's name fits the model's: length of the common prefix once "mmproj" and
 * separators around it are taken out; -1 when it is none. */
static int score_of(const char *name, const char *model)
{
    g_autofree char *lower = g_ascii_strdown(name, -1), *want = g_ascii_strdown(model, -1);
    const char *at = strstr(lower, "mmproj");
    int n = 0;

    if (!at || !g_str_has_suffix(lower, ".gguf"))
        return -1;
    const char *rest = at == lower ? at + strlen("mmproj") : lower;
    rest += strspn(rest, "-_.");
    while (rest[n] && rest[n] == want[n])
        n++;
    return n;
}

char *lw_library_find_mmproj(const char *path)
{
    char *projector = lw_ollama_projector(path);
    if (projector)
        return projector;

    g_autofree char *folder = g_path_get_dirname(path), *base = g_path_get_basename(path);
    GDir *dir = g_dir_open(folder, 0, NULL);
    g_autofree char *best = NULL;
    int best_score = -1;
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        int score = score_of(name, base);
        /* Equal scores: the first in the alphabet, so that the choice does not depend on the disk.
         */
        if (score > best_score || (score == best_score && score >= 0 && strcmp(name, best) < 0)) {
            best_score = score;
            g_free(best);
            best = g_strdup(name);
        }
    }
    if (dir)
        g_dir_close(dir);
    return best ? g_build_filename(folder, best, NULL) : NULL;
}
