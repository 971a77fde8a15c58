/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs a fuzz target once on each file given, or on each file of a folder: the corpus as a test, with
 * any compiler.
 */
#include "tests/fuzz/fuzz.h"

static guint replay_file(const char *path)
{
    GError *error = NULL;
    char *bytes = NULL;
    gsize n = 0;
    guint8 *exact;

    if (!g_file_get_contents(path, &bytes, &n, &error)) {
        fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
    /* Exactly n bytes, so that a sanitizer sees a read past the end. */
    exact = g_malloc(MAX(n, 1));
    if (n > 0)
        memcpy(exact, bytes, n);
    g_free(bytes);
    LLVMFuzzerTestOneInput(exact, n);
    g_free(exact);
    return 1;
}

static guint replay(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    guint n = 0;

    if (dir == NULL)
        return replay_file(path);
    while ((name = g_dir_read_name(dir)) != NULL) {
        char *child = g_build_filename(path, name, NULL);

        n += replay(child);
        g_free(child);
    }
    g_dir_close(dir);
    return n;
}

int main(int argc, char **argv)
{
    guint n = 0;

    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        n += replay(argv[i]);
    fprintf(stderr, "%u inputs replayed\n", n);
    return n > 0 ? 0 : 1; /* a corpus that is not there tests nothing */
}
