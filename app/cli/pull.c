/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/json.h"
#include "app/models/fetch.h"
#include "engine/library/lw-library.h"

#define RETRIES 5
#define MAX_RETRIES 1000

static struct {
    char *sha256, *mmproj;
    int retries;
    gboolean json;
} o = {.retries = RETRIES};

static const GOptionEntry entries[] = {
    {"sha256", 0, 0, G_OPTION_ARG_STRING, &o.sha256,
     "The file's SHA-256 (default: what the server announces)", "HEX"},
    {"mmproj", 0, 0, G_OPTION_ARG_STRING, &o.mmproj, "Fetch this vision file beside it", "URL"},
    {"retries", 0, 0, G_OPTION_ARG_INT, &o.retries,
     "Attempts in a row that may fail before it gives up (default: 5)", "N"},
    {"json", 0, 0, G_OPTION_ARG_NONE, &o.json, "Print JSON", NULL},
    {NULL},
};

/* ---- Ctrl-C ---- */

/* Cancelling takes locks, so a signal handler may not do it: a thread waits for the signal instead.
 */
static void *wait_for_interrupt(void *data)
{
    GCancellable *cancellable = data;
    sigset_t set;
    int sig;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigwait(&set, &sig);
    g_cancellable_cancel(cancellable);
    sigwait(&set, &sig); /* the user insists; the part is on the disk as it is */
    signal(sig, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(sig);
    return NULL;
}

/* Before any other thread is made, so that all of them leave the signal to the one above. */
static GCancellable *cancel_on_interrupt(void)
{
    GCancellable *cancellable = g_cancellable_new();
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    g_thread_unref(g_thread_new("interrupt", wait_for_interrupt, g_object_ref(cancellable)));
    return cancellable;
}

/* ---- Progress ---- */

static char *format_time(double seconds)
{
    guint s = (guint)MIN(seconds + 0.5, 999 * 3600.0);
    if (s < 60)
        return g_strdup_printf("%u s", s);
    if (s < 3600)
        return g_strdup_printf("%u min %02u s", s / 60, s % 60);
    return g_strdup_printf("%u h %02u min", s / 3600, s / 60 % 60);
}

static void on_progress(void *user, const lw_download_progress *p)
{
    g_autofree char *done = lw_cli_format_bytes((gint64)p->done);
    g_autofree char *total = lw_cli_format_bytes((gint64)p->total);
    g_autoptr(GString) s = g_string_new(p->name);

    if (p->note) {
        lw_cli_note("%s", p->note);
        return;
    }
    g_string_append_printf(s, ": %s", p->stage == LW_DOWNLOAD_CHECKING ? "checking " : "");
    if (p->total)
        g_string_append_printf(s, "%s of %s (%.0f%%)", done, total,
                               100.0 * (double)p->done / (double)p->total);
    else
        g_string_append(s, done);
    if (p->bytes_per_second > 0)
        g_string_append_printf(s, ", %.1f MB/s", p->bytes_per_second / 1e6);
    if (p->seconds_left >= 0) {
        g_autofree char *left = format_time(p->seconds_left);
        g_string_append_printf(s, ", %s left", left);
    }
    lw_cli_status("%s", s->str);
}

/* ---- The files ---- */

static void tell_result(const lw_fetch_item *i)
{
    g_autofree char *bytes = lw_cli_format_bytes((gint64)i->result.bytes);
    const lw_download_result *r = &i->result;
    g_autofree char *resumed = lw_cli_format_bytes((gint64)r->resumed_from);

    if (r->was_there)
        lw_cli_note("%s: is there already%s", i->name,
                    r->sha256 ? "" : " (same size; the server announces no checksum to compare)");
    else
        lw_cli_note("%s: %s%s%s%s", i->name, bytes, r->resumed_from ? ", of which " : "",
                    r->resumed_from ? resumed : "", r->resumed_from ? " were there already" : "");
    if (r->sha256)
        lw_cli_note("    SHA-256 %s, %s%s", r->sha256,
                    r->verified ? "as " : "not compared: neither given nor announced by the server",
                    r->verified ? r->verified : "");
}

static void on_item(void *user, const lw_fetch *f, guint index, gboolean finished)
{
    const lw_fetch_item *i = f->items->pdata[index];

    if (finished) {
        lw_cli_status_clear();
        tell_result(i);
    } else if (f->items->len > 1) {
        lw_cli_note("file %u of %u: %s", index + 1, f->items->len, i->name);
    }
}

static gboolean fetch(lw_fetch *f, GError **error)
{
    g_autoptr(GCancellable) cancellable = cancel_on_interrupt();
    lw_fetch_params params = {
        .retries = (guint)o.retries, .retry_ms = 500, .progress = on_progress, .item = on_item};

    gboolean ok = lw_fetch_run(f, &params, cancellable, error);
    lw_cli_status_clear();
    return ok;
}

/* ---- What came ---- */

static const lw_library_entry *find_entry(GPtrArray *list, const char *path)
{
    for (guint i = 0; i < list->len; i++) {
        const lw_library_entry *e = list->pdata[i];
        if (strcmp(e->path, path) == 0)
            return e;
    }
    return NULL;
}

static gboolean print_json(GPtrArray *items, const lw_library_entry *e, GError **error)
{
    JsonBuilder *b = json_builder_new();
    json_builder_begin_object(b);
    lw_cli_json_str(b, "name", e ? e->name : NULL);
    lw_cli_json_str(b, "path", ((lw_fetch_item *)items->pdata[0])->result.path);
    lw_cli_json_str(b, "problem", e ? e->problem : NULL);
    json_builder_set_member_name(b, "files");
    json_builder_begin_array(b);
    for (guint k = 0; k < items->len; k++) {
        const lw_fetch_item *i = items->pdata[k];
        json_builder_begin_object(b);
        lw_cli_json_str(b, "url", i->url);
        lw_cli_json_str(b, "path", i->result.path);
        lw_cli_json_int(b, "bytes", (gint64)i->result.bytes);
        lw_cli_json_int(b, "resumed_from", (gint64)i->result.resumed_from);
        lw_cli_json_bool(b, "was_there", i->result.was_there);
        lw_cli_json_str(b, "sha256", i->result.sha256);
        lw_cli_json_str(b, "verified", i->result.verified);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
    json_builder_end_object(b);
    return lw_cli_json_print(b, error);
}

gboolean lw_cli_pull(int argc, char **argv, GError **error)
{
    g_autofree char *models = lw_library_folder();
    g_autofree char *about = g_strdup_printf("The file goes into a folder of its own in %s.\nAn "
                                             "interrupted download goes on where it stopped when "
                                             "the same command is given again.\nOf a model that is "
                                             "split into files, all parts are fetched.",
                                             models);

    if (!lw_cli_parse(&argc, &argv, "URL", "Fetch a model file (GGUF) over http or https.", about,
                      entries, NULL, error) ||
        !lw_cli_check_n_args(argc, argv, 1, error))
        return FALSE;
    if (argc < 2) {
        g_set_error_literal(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE,
                            "no URL given (see lw pull --help)");
        return FALSE;
    }

    if (o.retries < 0 || o.retries > MAX_RETRIES) {
        g_set_error(error, LW_CLI_ERROR, LW_CLI_ERROR_USAGE, "--retries %d: 0 to %d are possible", o.retries,
                    MAX_RETRIES);
        return FALSE;
    }

    g_autoptr(lw_fetch) f = lw_fetch_plan(argv[1], o.mmproj, o.sha256, error);
    if (!f || !fetch(f, error))
        return FALSE;

    GPtrArray *items = f->items;
    g_autoptr(GPtrArray) list = lw_library_list();
    const char *path = ((lw_fetch_item *)items->pdata[0])->result.path;
    const lw_library_entry *e = find_entry(list, path);
    if (e && e->problem)
        lw_cli_note("%s is here, but cannot be used: %s", e->name, e->problem);
    else if (e)
        lw_cli_note("%s is ready: lw run -m \"%s\"", e->name, e->name);
    return o.json ? print_json(items, e, error) : lw_cli_print(error, "%s\n", path);
}
