/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "engine/library/lw-library.h"

G_DEFINE_QUARK(lw-cli-error-quark, lw_cli_error)

/* ---- Options ---- */

gboolean lw_cli_parse(int *argc, char ***argv, const char *synopsis, const char *summary,
                      const char *description, const GOptionEntry *entries, const GOptionEntry *more,
                      GError **error)
{
    const char *verb = (*argv)[0];
    g_autofree char *name = g_strdup_printf("lw %s", verb);
    g_autoptr(GError) local = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new(synopsis);

    g_set_prgname(name);
    g_option_context_set_summary(context, summary);
    if (description)
        g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    if (more)
        g_option_context_add_main_entries(context, more, NULL);
    gboolean ok = g_option_context_parse(context, argc, argv, &local);
    g_set_prgname("lw");
    if (!ok) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE, "%s (see lw %s --help)", local->message,
                    verb);
        return FALSE;
    }
    /* GOption leaves a "--" that separated options from arguments. */
    if (*argc > 1 && strcmp((*argv)[1], "--") == 0) {
        memmove(*argv + 1, *argv + 2, sizeof(char *) * (gsize)(*argc - 1));
        (*argc)--;
    }
    return TRUE;
}

gboolean lw_cli_check_n_args(int argc, char **argv, int max, GError **error)
{
    if (argc - 1 <= max)
        return TRUE;
    g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE,
                "\"%s\": %d argument%s at most, %d given (see lw %s --help)", argv[max + 1], max,
                max == 1 ? "" : "s", argc - 1, argv[0]);
    return FALSE;
}

guint32 *lw_cli_parse_list(const char *text, const char *option, guint32 min, guint32 max, gsize *n,
                           GError **error)
{
    /* Blanks separate as well, so that the output of `lw tokenize` can be given back. */
    g_auto(GStrv) words = g_strsplit_set(text, ", \n\t", -1);
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(guint32));

    for (char **w = words; *w; w++) {
        guint64 v;
        if (!**w)
            continue;
        if (!g_ascii_string_to_unsigned(*w, 10, min, max, &v, NULL)) {
            g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE,
                        "%s: \"%s\" is not a whole number from %u to %u", option, *w, min, max);
            return NULL;
        }
        guint32 v32 = (guint32)v;
        g_array_append_val(list, v32);
    }
    if (!list->len) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE, "%s: an empty list", option);
        return NULL;
    }
    return g_array_steal(list, n);
}

/* ---- Model and text files ---- */

char *lw_cli_model_path(const char *name, GError **error)
{
    return name ? lw_library_resolve(name, error) : lw_library_default_model(error);
}

lw_model *lw_cli_open_model(const char *name, const char *mmproj, GError **error)
{
    g_autofree char *path = lw_cli_model_path(name, error);
    if (!path)
        return NULL;
    lw_model_params params = {.mmproj = mmproj};
    return lw_model_open(path, &params, error);
}

char *lw_cli_read_text(const char *path, gsize limit, gsize *n, GError **error)
{
    gboolean is_stdin = !path || strcmp(path, "-") == 0;
    const char *label = is_stdin ? "standard input" : path;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    char chunk[1 << 16];
    gssize got = -1;

    while (fd >= 0 && bytes->len <= limit) {
        got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR && !g_atomic_int_get(&lw_cli_cancel))
            continue;
        if (got <= 0)
            break;
        g_byte_array_append(bytes, (const guint8 *)chunk, (guint)got);
    }
    int saved = errno;
    if (fd > STDERR_FILENO)
        close(fd);
    if (fd < 0 || got < 0) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_INPUT, "%s: %s", label, g_strerror(saved));
        return NULL;
    }
    if (bytes->len > limit) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_INPUT, "%s: more than the limit of %zu bytes",
                    label, limit);
        return NULL;
    }
    const guint8 *nul = memchr(bytes->data ? bytes->data : (guint8 *)"x", 0, bytes->len);
    if (nul) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_INPUT,
                    "%s: not a text file (zero byte at offset %td)", label, nul - bytes->data);
        return NULL;
    }
    const char *bad;
    if (bytes->len && !g_utf8_validate((char *)bytes->data, bytes->len, &bad)) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_INPUT,
                    "%s: not UTF-8 text (byte 0x%02x at offset %td)", label, (guchar)*bad,
                    bad - (char *)bytes->data);
        return NULL;
    }
    *n = bytes->len;
    g_byte_array_append(bytes, (const guint8 *)"", 1);
    return (char *)g_byte_array_free(g_steal_pointer(&bytes), FALSE);
}

/* ---- Text for people ---- */

char *lw_cli_clean(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *s = g_string_new(NULL);
    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        g_string_append_unichar(s, g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029 ? ' ' : c);
    }
    return g_string_free(s, FALSE);
}

char *lw_cli_short_name(const char *path)
{
    g_autofree char *base = g_path_get_basename(path);
    return lw_cli_clean(base);
}

char *lw_cli_format_bytes(gint64 bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes;
    guint u = 0;
    while (v >= 1024 && u + 1 < G_N_ELEMENTS(units)) {
        v /= 1024;
        u++;
    }
    if (u == 0)
        return g_strdup_printf("%" G_GINT64_FORMAT " bytes", bytes);
    return g_strdup_printf(v < 10 ? "%.2f %s" : v < 100 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

char *lw_cli_format_count(gint64 n)
{
    g_autofree char *digits = g_strdup_printf("%" G_GINT64_FORMAT, n);
    GString *s = g_string_new(digits);
    for (gssize i = (gssize)s->len - 3; i > (n < 0 ? 1 : 0); i -= 3)
        g_string_insert_c(s, i, ',');
    return g_string_free(s, FALSE);
}

/* ---- stderr ---- */

#define CLEAR_LINE "\r\033[K"
static gboolean status_shown;

/* Ctrl-C interrupts a blocked write; stdio would lose what it had not written. */
static gboolean write_all(int fd, const char *bytes, gsize n)
{
    while (n > 0) {
        gssize wrote = write(fd, bytes, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return FALSE;
        bytes += wrote;
        n -= (gsize)wrote;
    }
    return TRUE;
}

void lw_cli_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *clean = lw_cli_clean(text);
    g_autofree char *line = g_strconcat(clean, "\n", NULL);
    lw_cli_status_clear();
    write_all(STDERR_FILENO, line, strlen(line));
}

void lw_cli_status(const char *format, ...)
{
    if (!isatty(STDERR_FILENO))
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *clean = lw_cli_clean(text);
    g_autofree char *line = g_strconcat(CLEAR_LINE, clean, NULL);
    write_all(STDERR_FILENO, line, strlen(line));
    status_shown = TRUE;
}

void lw_cli_status_clear(void)
{
    if (!status_shown)
        return;
    write_all(STDERR_FILENO, CLEAR_LINE, strlen(CLEAR_LINE));
    status_shown = FALSE;
}

void lw_cli_on_progress(void *user, const lw_progress *p)
{
    static gint64 last;
    gint64 now = g_get_monotonic_time();
    if (p->done >= p->total) {
        lw_cli_status_clear();
        return;
    }
    if (now - last < G_USEC_PER_SEC / 10)
        return;
    last = now;
    const char *what = p->stage == LW_STAGE_VISION ? "Looking" : "Reading";
    if (p->seconds_left >= 1)
        lw_cli_status("%s: %zu of %zu tokens, about %.0f s left", what, p->done, p->total,
                      p->seconds_left);
    else
        lw_cli_status("%s: %zu of %zu tokens", what, p->done, p->total);
}

/* ---- stdout ---- */

gboolean lw_cli_write(const char *bytes, gsize n, GError **error)
{
    if (write_all(STDOUT_FILENO, bytes, n))
        return TRUE;
    int saved = errno;
    g_set_error(error, LW_CLI_ERROR, saved == EPIPE ? LW_CLI_ERROR_CLOSED : LW_CLI_ERROR_OUTPUT,
                "standard output: %s", g_strerror(saved));
    return FALSE;
}

gboolean lw_cli_print(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return lw_cli_write(text, strlen(text), error);
}

/* ---- Ctrl-C ---- */

gint lw_cli_cancel;

static void on_interrupt(int sig)
{
    if (g_atomic_int_get(&lw_cli_cancel)) {
        /* The user insists. */
        signal(sig, SIG_DFL);
        raise(sig);
        return;
    }
    g_atomic_int_set(&lw_cli_cancel, 1);
}

void lw_cli_catch_interrupt(void)
{
    /* No SA_RESTART: a read from stdin ends too. */
    struct sigaction action = {.sa_handler = on_interrupt};
    g_atomic_int_set(&lw_cli_cancel, 0);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}
