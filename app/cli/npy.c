/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/npy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cli/cli.h"

/* The header with its padding: data start at a multiple of 64 bytes. */
static GString *header(gsize n_rows, gsize n_columns)
{
    g_autofree char *dict = g_strdup_printf(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", n_rows, n_columns);
    gsize n = (10 + strlen(dict) + 1 + 63) / 64 * 64 - 10;
    GString *s = g_string_new(NULL);
    g_string_append_len(s, "\x93NUMPY\x01\x00", 8);
    g_string_append_c(s, (char)(n & 0xff));
    g_string_append_c(s, (char)(n >> 8));
    g_string_append(s, dict);
    while (s->len < 10 + n - 1)
        g_string_append_c(s, ' ');
    g_string_append_c(s, '\n');
    return s;
}

static gboolean write_rows(FILE *f, const float *rows, gsize n)
{
    guint32 buffer[4096];
    while (n > 0) {
        gsize k = MIN(n, G_N_ELEMENTS(buffer));
        memcpy(buffer, rows, k * 4);
        for (gsize i = 0; i < k; i++)
            buffer[i] = GUINT32_TO_LE(buffer[i]);
        if (fwrite(buffer, 4, k, f) != k)
            return FALSE;
        rows += k;
        n -= k;
    }
    return TRUE;
}

gboolean lw_cli_npy_write(const char *path, const float *rows, gsize n_rows, gsize n_columns,
                          GError **error)
{
    struct stat st;
    /* Devices and pipes are written to directly. */
    gboolean direct = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    g_autofree char *target = direct ? g_strdup(path) : g_strdup_printf("%s.part", path);
    GString *head = header(n_rows, n_columns);
    gsize total = head->len + n_rows * n_columns * 4;

    errno = 0;
    FILE *f = fopen(target, "wbe");
    gboolean opened = f != NULL;
    gboolean ok = opened && fwrite(head->str, 1, head->len, f) == head->len &&
                  write_rows(f, rows, n_rows * n_columns) && fflush(f) == 0 &&
                  (direct || fsync(fileno(f)) == 0);
    int saved = errno;
    if (opened && fclose(f) != 0 && ok) {
        saved = errno;
        ok = FALSE;
    }
    if (ok && !direct && rename(target, path) != 0) {
        saved = errno;
        ok = FALSE;
    }
    if (!ok && opened && !direct)
        unlink(target);
    g_string_free(head, TRUE);
    if (!ok)
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_OUTPUT, "%s: could not write %zu bytes: %s",
                    path, total, g_strerror(saved));
    return ok;
}
