/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How fast a vocabulary is opened and texts are encoded, on one core.
 *
 * usage: bench-tokenizer MODEL.gguf TEXT...
 *
 * Times are the thread's own, and the best of several rounds: other work on the machine only ever
 * makes them longer.
 */
#include <stdio.h>
#include <time.h>

#include "engine/tokenizer/tokenizer.h"

#define ROUNDS 5

/* Microseconds of CPU time. */
static gint64 now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (gint64)t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
}

static gint64 best(gint64 old, gint64 begun)
{
    gint64 us = now() - begun;

    return old == 0 || us < old ? us : old;
}

static lw_tokenizer *open_once(const char *path, lw_gguf **g, gint64 *us, GError **error)
{
    gint64 begun = now();
    lw_tokenizer *t;

    *g = lw_gguf_open(path, error);
    if (*g == NULL)
        return NULL;
    us[0] = best(us[0], begun);
    begun = now();
    t = lw_tokenizer_new(*g, error);
    us[1] = best(us[1], begun);
    begun = now();
    if (t != NULL && !lw_tokenizer_prepare(t, error))
        g_clear_pointer(&t, lw_tokenizer_free);
    us[2] = best(us[2], begun);
    if (t == NULL)
        lw_gguf_free(*g);
    return t;
}

static gboolean encode(const lw_tokenizer *t, const char *path, GError **error)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(gint32));
    char *text = NULL;
    gint64 us = 0;
    gsize n = 0;
    gboolean ok = g_file_get_contents(path, &text, &n, error);

    for (guint i = 0; ok && i < ROUNDS; i++) {
        gint64 begun = now();

        g_array_set_size(ids, 0);
        ok = lw_tokenizer_encode_text(t, text, (gssize)n, FALSE, ids, error);
        us = best(us, begun);
    }
    if (ok)
        printf("%-32s %6.1f MB/s  %5.2f bytes a token\n", path, (double)n / (double)MAX(us, 1),
               (double)n / MAX(ids->len, 1));
    g_free(text);
    g_array_unref(ids);
    return ok;
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    gint64 us[3] = {0};
    lw_gguf *g = NULL;
    lw_tokenizer *t = NULL;
    gboolean ok;

    if (argc < 2) {
        fprintf(stderr, "usage: %s MODEL.gguf TEXT...\n", argv[0]);
        return 2;
    }
    for (guint i = 0; i < ROUNDS && error == NULL; i++) {
        if (t != NULL) {
            lw_tokenizer_free(t);
            lw_gguf_free(g);
        }
        t = open_once(argv[1], &g, us, &error);
    }
    ok = t != NULL;
    if (ok)
        printf("file %.1f ms, vocabulary %.1f ms, tables at first use %.1f ms\n",
               (double)us[0] / 1e3, (double)us[1] / 1e3, (double)us[2] / 1e3);
    for (int i = 2; ok && i < argc; i++)
        ok = encode(t, argv[i], &error);
    if (!ok)
        fprintf(stderr, "%s\n", error->message);
    g_clear_error(&error);
    if (t != NULL) {
        lw_tokenizer_free(t);
        lw_gguf_free(g);
    }
    return ok ? 0 : 1;
}
