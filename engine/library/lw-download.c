/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/library/lw-download.h"

#include <errno.h>
#include <fcntl.h>
#include <libsoup/soup.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

G_DEFINE_QUARK(lw - download - error - quark, lw_download_error)

#define CHUNK_BYTES ((gsize)256 * 1024)
/* Left free on the disk for everything else. */
#define SPARE_BYTES ((guint64)64 << 20)
#define MAX_NAME_BYTES 200
#define INFO_GROUP "download"

/* One download: the files on the disk and what is known of the file on the server. */
typedef struct {
    const lw_download_params *params;
    lw_download_progress_fn progress;
    void *user;
    GCancellable *cancellable;
    SoupSession *session;

    char *target, *part, *info;
    int fd;         /* of the part, locked; -1: not open yet */
    guint64 have;   /* bytes in the part */
    GChecksum *sum; /* of the first `summed` bytes */
    guint64 summed;

    char *url, *etag, *modified; /* what the part belongs to; etag is a strong one */
    guint64 total;               /* 0: not known */
    char *sha256;                /* expected, lower case; NULL: not known */
    gboolean sha256_given;       /* by the caller */
    guint64 resumed_from;

    gint64 rate_at, shown_at; /* microseconds */
    guint64 rate_have;
    double rate;
} download;

typedef enum {
    GO_ON, /* another request may bring the rest */
    COMPLETE,
    WAS_THERE,
    FAILED,
} outcome;

static gboolean G_GNUC_PRINTF(3, 4)
    fail(GError **error, lw_download_error code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, LW_DOWNLOAD_ERROR, (gint)code, text);
    return FALSE;
}

static gboolean fail_errno(GError **error, const char *path, const char *what, int saved)
{
    return fail(error, LW_DOWNLOAD_ERROR_DISK, "%s: cannot %s: %s", path, what, g_strerror(saved));
}

/* ---- Names ---- */

gboolean lw_download_is_sha256(const char *text)
{
    gsize n = 0;
    while (g_ascii_isxdigit(text[n]))
        n++;
    return n == 64 && !text[n];
}

char *lw_download_name(const char *url, const char *suffix, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(url, SOUP_HTTP_URI_FLAGS, NULL);
    if (!uri) {
        fail(error, LW_DOWNLOAD_ERROR_URL, "\"%s\" is not a URL", url);
        return NULL;
    }
    /* Encoded slashes are part of the last segment here, and become underscores below. */
    const char *path = g_uri_get_path(uri), *last = strrchr(path, '/');
    g_autofree char *decoded = g_uri_unescape_string(last ? last + 1 : path, NULL);
    g_autofree char *valid = decoded ? g_utf8_make_valid(decoded, -1) : NULL;
    GString *s = g_string_new(NULL);
    for (const char *p = valid ? valid : ""; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        gboolean plain =
            g_unichar_isprint(c) && c != '/' && c != '\\' && c != ':' && c != '"' && c != 0xFFFD;
        if (s->len || c != '.') /* no hidden file, no ".." */
            g_string_append_unichar(s, plain ? c : c == ':' ? '-' : '_');
    }
    g_autofree char *name = g_strstrip(g_string_free(s, FALSE));
    if (!*name || strspn(name, "_") == strlen(name)) {
        fail(error, LW_DOWNLOAD_ERROR_URL, "\"%s\" names no file", url);
        return NULL;
    }
    gsize n = strlen(name), k = strlen(suffix);
    gboolean has = n > k && g_ascii_strcasecmp(name + n - k, suffix) == 0;
    if (n + (has ? 0 : k) > MAX_NAME_BYTES) {
        fail(error, LW_DOWNLOAD_ERROR_URL,
             "the file name in the URL has %zu bytes, the limit is %d", n, MAX_NAME_BYTES);
        return NULL;
    }
    return has ? g_steal_pointer(&name) : g_strconcat(name, suffix, NULL);
}

char *lw_download_sibling(const char *url, const char *name)
{
    gsize end = strcspn(url, "?#"), start = end;
    while (start > 0 && url[start - 1] != '/')
        start--;
    g_autofree char *escaped = g_uri_escape_string(name, NULL, FALSE);
    const char *host = strstr(url, "://");
    if (!host || start < (gsize)(host - url) + 4)
        return NULL;
    return g_strdup_printf("%.*s%s%s", (int)start, url, escaped, url + end);
}

/* A name beside the target that is still free: "m.gguf.part.old", "m.gguf.part.old-2". */
static char *free_name(const char *target, const char *suffix)
{
    char *path = g_strconcat(target, suffix, NULL);
    for (int i = 2; g_file_test(path, G_FILE_TEST_EXISTS); i++) {
        g_free(path);
        path = g_strdup_printf("%s%s-%d", target, suffix, i);
    }
    return path;
}

/* ---- Telling ---- */

static void tell(download *d, lw_download_stage stage, guint64 done, lw_download_note noted,
                 const char *note)
{
    gint64 now = g_get_monotonic_time();
    if (!d->progress || (!note && now - d->shown_at < G_USEC_PER_SEC / 10))
        return;
    d->shown_at = now;
    if (stage == LW_DOWNLOAD_RECEIVING && now - d->rate_at >= G_USEC_PER_SEC / 2) {
        double fresh = (double)(done - d->rate_have) * G_USEC_PER_SEC / (double)(now - d->rate_at);
        d->rate = d->rate > 0 ? 0.7 * d->rate + 0.3 * fresh : fresh;
        d->rate_at = now;
        d->rate_have = done;
    }
    lw_download_progress p = {
        .stage = stage,
        .name = d->params->name,
        .done = done,
        .total = d->total,
        .bytes_per_second = stage == LW_DOWNLOAD_RECEIVING ? d->rate : 0,
        .seconds_left = -1,
        .noted = noted,
        .note = note,
    };
    if (p.bytes_per_second > 0 && d->total >= done && d->total)
        p.seconds_left = (double)(d->total - done) / p.bytes_per_second;
    d->progress(d->user, &p);
}

static void G_GNUC_PRINTF(3, 4) note(download *d, lw_download_note noted, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    tell(d, LW_DOWNLOAD_CONNECTING, d->have, noted, text);
}

static gboolean cancelled(download *d, GError **error)
{
    if (!g_cancellable_is_cancelled(d->cancellable))
        return FALSE;
    fail(error, LW_DOWNLOAD_ERROR_CANCELLED,
         "%s: stopped after %" G_GUINT64_FORMAT
         " bytes, which are kept; the same command goes on from there",
         d->params->name, d->have);
    return TRUE;
}

/* ---- The part and its sidecar ---- */

static gboolean open_part(download *d, GError **error)
{
    struct stat st;

    if (d->fd >= 0)
        return TRUE;
    d->fd = open(d->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (d->fd < 0)
        return fail_errno(error, d->part, "write", errno);
    if (flock(d->fd, LOCK_EX | LOCK_NB) != 0)
        return fail(error, LW_DOWNLOAD_ERROR_EXISTS, "%s: another download of this file is running",
                    d->part);
    if (fstat(d->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return fail(error, LW_DOWNLOAD_ERROR_DISK, "%s: not a regular file", d->part);
    d->have = (guint64)st.st_size;
    return TRUE;
}

static void read_info(download *d)
{
    g_autoptr(GKeyFile) k = g_key_file_new();
    if (!g_key_file_load_from_file(k, d->info, G_KEY_FILE_NONE, NULL))
        return;
    d->url = g_key_file_get_string(k, INFO_GROUP, "url", NULL);
    d->etag = g_key_file_get_string(k, INFO_GROUP, "etag", NULL);
    d->modified = g_key_file_get_string(k, INFO_GROUP, "modified", NULL);
    d->total = g_key_file_get_uint64(k, INFO_GROUP, "total", NULL);
    g_autofree char *sha = g_key_file_get_string(k, INFO_GROUP, "sha256", NULL);
    if (sha && lw_download_is_sha256(sha) && !d->sha256)
        d->sha256 = g_ascii_strdown(sha, -1);
    else if (sha && d->sha256 && g_ascii_strcasecmp(sha, d->sha256) != 0)
        g_clear_pointer(&d->url, g_free); /* the part of another file */
}

static gboolean write_info(download *d, GError **error)
{
    g_autoptr(GKeyFile) k = g_key_file_new();
    g_autoptr(GError) local = NULL;
    g_key_file_set_string(k, INFO_GROUP, "url", d->params->url);
    if (d->etag)
        g_key_file_set_string(k, INFO_GROUP, "etag", d->etag);
    if (d->modified)
        g_key_file_set_string(k, INFO_GROUP, "modified", d->modified);
    if (d->sha256)
        g_key_file_set_string(k, INFO_GROUP, "sha256", d->sha256);
    g_key_file_set_uint64(k, INFO_GROUP, "total", d->total);
    if (g_key_file_save_to_file(k, d->info, &local))
        return TRUE;
    return fail(error, LW_DOWNLOAD_ERROR_DISK, "%s", local->message);
}

/* The part belongs to another file than the server has now: keep it under another name, begin
 * again. */
static gboolean set_part_aside(download *d, const char *why, GError **error)
{
    if (d->have > 0) {
        g_autofree char *old = free_name(d->target, ".part.old");
        if (rename(d->part, old) != 0)
            return fail_errno(error, d->part, "rename", errno);
        note(d, LW_DOWNLOAD_NOTE_SET_ASIDE,
             "%s: %s; beginning again, the %" G_GUINT64_FORMAT " bytes so far are kept as %s",
             d->params->name, why, d->have, old);
    }
    close(d->fd);
    d->fd = -1;
    d->have = d->summed = d->resumed_from = 0;
    g_checksum_reset(d->sum);
    return open_part(d, error);
}

/* Bring the checksum up to what is in the part. */
static gboolean sum_part(download *d, GError **error)
{
    g_autofree guchar *buffer = g_malloc(CHUNK_BYTES);
    while (d->summed < d->have) {
        gsize want = (gsize)MIN(d->have - d->summed, CHUNK_BYTES);
        gssize got = pread(d->fd, buffer, want, (off_t)d->summed);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail_errno(error, d->part, "read", got < 0 ? errno : EIO);
        g_checksum_update(d->sum, buffer, got);
        d->summed += (guint64)got;
        if (cancelled(d, error))
            return FALSE;
        tell(d, LW_DOWNLOAD_CHECKING, d->summed, LW_DOWNLOAD_NOTE_NONE, NULL);
    }
    return TRUE;
}

static gboolean append(download *d, const guchar *bytes, gsize n, GError **error)
{
    g_checksum_update(d->sum, bytes, (gssize)n);
    while (n > 0) {
        gssize wrote = pwrite(d->fd, bytes, n, (off_t)d->have);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            int saved = wrote < 0 ? errno : ENOSPC;
            return fail(error, LW_DOWNLOAD_ERROR_DISK, "%s: %s after %" G_GUINT64_FORMAT " bytes%s",
                        d->part, g_strerror(saved), d->have,
                        saved == ENOSPC
                            ? ", which are kept; make room and give the same command again"
                            : "");
        }
        bytes += wrote;
        n -= (gsize)wrote;
        d->have += (guint64)wrote;
    }
    d->summed = d->have;
    return TRUE;
}

static gboolean check_space(download *d, GError **error)
{
    struct statvfs fs;
    if (!d->total || d->total <= d->have || statvfs(d->params->folder, &fs) != 0)
        return TRUE;
    guint64 room = (guint64)fs.f_bavail * fs.f_frsize, need = d->total - d->have;
    if (need <= room && room - need >= SPARE_BYTES)
        return TRUE;
    g_autofree char *needed = g_format_size(need), *there = g_format_size(room);
    return fail(error, LW_DOWNLOAD_ERROR_DISK,
                "%s: %s (%" G_GUINT64_FORMAT " bytes) are still to come, and the disk has %s free",
                d->part, needed, need, there);
}

/* ---- The request ---- */

static gboolean check_url(GUri *uri, GError **error)
{
    const char *scheme = uri ? g_uri_get_scheme(uri) : NULL,
               *host = uri ? g_uri_get_host(uri) : NULL;
    if (uri && strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        return fail(error, LW_DOWNLOAD_ERROR_URL, "%s: only http and https can be fetched", scheme);
    if (!uri || !host || !*host)
        return fail(error, LW_DOWNLOAD_ERROR_URL, "not a URL that can be fetched");
    return TRUE;
}

/* The next hop of a redirect.  Its scheme may have been given in capitals; GUri lowers it. */
static gboolean may_follow(GUri *from, GUri *to, const char *asked, GError **error)
{
    if (!check_url(to, error)) {
        g_prefix_error(error, "%s: a redirect of the server: ", asked);
        return FALSE;
    }
    if (strcmp(g_uri_get_scheme(from), "https") == 0 && strcmp(g_uri_get_scheme(to), "https") != 0)
        return fail(
            error, LW_DOWNLOAD_ERROR_SERVER,
            "%s: the server redirects from https to http, which anybody on the way could read "
            "and change",
            asked);
    return TRUE;
}

gboolean lw_download_may_redirect(const char *from, const char *to, GError **error)
{
    g_autoptr(GUri) a = g_uri_parse(from, SOUP_HTTP_URI_FLAGS, NULL);
    g_autoptr(GUri) b = a ? g_uri_parse_relative(a, to, SOUP_HTTP_URI_FLAGS, NULL) : NULL;
    return a && b ? may_follow(a, b, from, error)
                  : fail(error, LW_DOWNLOAD_ERROR_URL, "\"%s\" is not a URL", a ? to : from);
}

/* The value of a digest header, as hexadecimal digits: sha-256=:BASE64: or sha-256=BASE64. */
static char *digest_from_base64(const char *value)
{
    const char *at = value ? strstr(value, "sha-256=") : NULL;
    if (!at)
        return NULL;
    at += strlen("sha-256=");
    at += *at == ':';
    g_autofree char *base64 = g_strndup(at, strcspn(at, ":, "));
    gsize n = 0;
    g_autofree guchar *raw = strlen(base64) < 64 ? g_base64_decode(base64, &n) : NULL;
    if (!raw || n != 32)
        return NULL;
    GString *hex = g_string_new(NULL);
    for (gsize i = 0; i < n; i++)
        g_string_append_printf(hex, "%02x", raw[i]);
    return g_string_free(hex, FALSE);
}

/* Digits that stand between quotes or after "sha256:". */
static char *digest_from_text(const char *value)
{
    if (!value)
        return NULL;
    g_autofree char *text = g_strdup(value);
    char *p = g_strstrip(text);
    if (g_str_has_prefix(p, "sha256:") || g_str_has_prefix(p, "sha256-"))
        p += strlen("sha256:");
    gsize n = strlen(p);
    if (n >= 2 && p[0] == '"' && p[n - 1] == '"') {
        p[n - 1] = 0;
        p++;
    }
    return lw_download_is_sha256(p) ? g_ascii_strdown(p, -1) : NULL;
}

static char *announced_sha256(SoupMessage *msg)
{
    SoupMessageHeaders *h = soup_message_get_response_headers(msg);
    static const char *const text_headers[] = {"X-Linked-ETag", "Docker-Content-Digest"};
    static const char *const base64_headers[] = {"Repr-Digest", "Digest"};
    char *found = NULL;
    for (gsize i = 0; !found && i < G_N_ELEMENTS(text_headers); i++)
        found = digest_from_text(soup_message_headers_get_one(h, text_headers[i]));
    for (gsize i = 0; !found && i < G_N_ELEMENTS(base64_headers); i++)
        found = digest_from_base64(soup_message_headers_get_one(h, base64_headers[i]));
    if (!found) {
        const char *path = g_uri_get_path(soup_message_get_uri(msg)), *last = strrchr(path, '/');
        if (last && g_str_has_prefix(last, "/sha256"))
            found = digest_from_text(last + 1);
    }
    return found;
}

static gboolean take_announced(download *d, SoupMessage *msg, GError **error)
{
    g_autofree char *found = announced_sha256(msg);
    if (!found)
        return TRUE;
    if (!d->sha256) {
        d->sha256 = g_steal_pointer(&found);
        return TRUE;
    }
    if (strcmp(found, d->sha256) == 0)
        return TRUE;
    if (d->sha256_given)
        return fail(
            error, LW_DOWNLOAD_ERROR_CHECKSUM,
            "%s: the server announces the SHA-256 %s, asked for was %s; nothing was fetched",
            d->params->name, found, d->sha256);
    /* The sidecar's: the file on the server is another one now; the answer's ETag says so too. */
    g_free(d->sha256);
    d->sha256 = g_steal_pointer(&found);
    return TRUE;
}

static void add_range(download *d, SoupMessage *msg)
{
    SoupMessageHeaders *h = soup_message_get_request_headers(msg);
    g_autofree char *range = g_strdup_printf("bytes=%" G_GUINT64_FORMAT "-", d->have);
    if (!d->have || !d->url || strcmp(d->url, d->params->url) != 0 || (!d->etag && !d->modified))
        return; /* nothing says that it would be the same file */
    soup_message_headers_replace(h, "Range", range);
    soup_message_headers_replace(h, "If-Range", d->etag ? d->etag : d->modified);
}

static gboolean is_redirect(guint status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Follow redirects by hand: what a redirect announces counts, and https must not become http.
 * *retry: worth another attempt. */
static GInputStream *request(download *d, SoupMessage **out, gboolean *retry, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(d->params->url, SOUP_HTTP_URI_FLAGS, NULL);
    *retry = FALSE;
    for (int hop = 0; hop <= LW_DOWNLOAD_MAX_REDIRECTS; hop++) {
        g_autoptr(GError) local = NULL;
        g_autoptr(GInputStream) stream = NULL;
        if (!check_url(uri, error)) {
            g_prefix_error(error, "%s: ", hop ? "a redirect of the server" : d->params->url);
            return NULL;
        }
        g_autoptr(SoupMessage) msg = soup_message_new_from_uri("GET", uri);
        soup_message_add_flags(msg, SOUP_MESSAGE_NO_REDIRECT);
        soup_message_headers_replace(soup_message_get_request_headers(msg), "Accept-Encoding",
                                     "identity");
        add_range(d, msg);
        stream = soup_session_send(d->session, msg, d->cancellable, &local);
        if (!stream) {
            g_autofree char *where =
                g_uri_to_string_partial(uri, G_URI_HIDE_PASSWORD | G_URI_HIDE_QUERY);
            if (!cancelled(d, error))
                fail(error, LW_DOWNLOAD_ERROR_NETWORK, "%s: %s", where, local->message);
            *retry = !local || local->domain != G_TLS_ERROR;
            return NULL;
        }
        if (!take_announced(d, msg, error))
            return NULL;
        if (!is_redirect(soup_message_get_status(msg))) {
            *out = g_steal_pointer(&msg);
            return g_steal_pointer(&stream);
        }
        const char *to =
            soup_message_headers_get_one(soup_message_get_response_headers(msg), "Location");
        g_autoptr(GUri) next = to ? g_uri_parse_relative(uri, to, SOUP_HTTP_URI_FLAGS, NULL) : NULL;
        if (!next) {
            fail(error, LW_DOWNLOAD_ERROR_SERVER, "%s: a redirect without a place to go to",
                 d->params->url);
            return NULL;
        }
        if (!may_follow(uri, next, d->params->url, error))
            return NULL;
        g_uri_unref(uri);
        uri = g_steal_pointer(&next);
    }
    fail(error, LW_DOWNLOAD_ERROR_SERVER, "%s: more than %d redirects", d->params->url,
         LW_DOWNLOAD_MAX_REDIRECTS);
    return NULL;
}

/* ---- The answer ---- */

static gboolean is_transient(guint status)
{
    return status == 408 || status == 425 || status == 429 ||
           (status >= 500 && status != 501 && status != 505);
}

static gboolean refuse_status(download *d, SoupMessage *msg, GError **error)
{
    guint status = soup_message_get_status(msg);
    const char *reason = soup_message_get_reason_phrase(msg);
    return fail(error, LW_DOWNLOAD_ERROR_SERVER, "%s: the server answers %u%s%s%s", d->params->url,
                status, reason && *reason ? " " : "", reason ? reason : "",
                status == 401 || status == 403 ? " (a model that asks for a login or a licence?)"
                                               : "");
}

/* The file itself has its name already: is it this one? */
static outcome check_existing(download *d, GError **error)
{
    struct stat st;
    if (stat(d->target, &st) != 0)
        return GO_ON;
    if (d->total && (guint64)st.st_size != d->total) {
        fail(error, LW_DOWNLOAD_ERROR_EXISTS,
             "%s: another file has this name (%" G_GINT64_FORMAT
             " bytes, the server's has %" G_GUINT64_FORMAT "); move it away first",
             d->target, (gint64)st.st_size, d->total);
        return FAILED;
    }
    if (!d->total && !d->sha256) {
        fail(error, LW_DOWNLOAD_ERROR_EXISTS,
             "%s: a file has this name, and the server does not say whether it is the same; move "
             "it away first",
             d->target);
        return FAILED;
    }
    if (d->sha256) {
        /* Hash the file with the means for the part. */
        int fd = open(d->target, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            fail_errno(error, d->target, "read", errno);
            return FAILED;
        }
        download whole = *d;
        whole.fd = fd;
        whole.part = d->target;
        whole.have = (guint64)st.st_size;
        whole.summed = 0;
        g_checksum_reset(d->sum);
        gboolean ok = sum_part(&whole, error);
        close(fd);
        if (!ok)
            return FAILED;
        if (strcmp(g_checksum_get_string(d->sum), d->sha256) != 0) {
            fail(error, LW_DOWNLOAD_ERROR_EXISTS,
                 "%s: another file has this name (SHA-256 %s, expected %s); move it away first",
                 d->target, g_checksum_get_string(d->sum), d->sha256);
            return FAILED;
        }
    }
    return WAS_THERE;
}

/* "bytes 100-199/200" */
static gboolean parse_content_range(SoupMessage *msg, guint64 *start, guint64 *total)
{
    const char *text =
        soup_message_headers_get_one(soup_message_get_response_headers(msg), "Content-Range");
    unsigned long long first = 0, last = 0, all = 0;
    if (!text)
        return FALSE;
    if (sscanf(text, "bytes */%llu", &all) == 1) {
        *start = *total = all;
        return TRUE;
    }
    if (sscanf(text, "bytes %llu-%llu/%llu", &first, &last, &all) != 3 || first > last ||
        last >= all)
        return FALSE;
    *start = first;
    *total = all;
    return TRUE;
}

static void remember(download *d, SoupMessage *msg, guint64 total)
{
    SoupMessageHeaders *h = soup_message_get_response_headers(msg);
    const char *etag = soup_message_headers_get_one(h, "ETag");
    g_free(d->url);
    g_free(d->etag);
    g_free(d->modified);
    d->url = g_strdup(d->params->url);
    d->etag = etag && !g_str_has_prefix(etag, "W/") ? g_strdup(etag) : NULL;
    d->modified = g_strdup(soup_message_headers_get_one(h, "Last-Modified"));
    d->total = total;
}

/* *skip: bytes that come again before the first new one. */
static outcome begin_body(download *d, SoupMessage *msg, guint64 *skip, GError **error)
{
    SoupMessageHeaders *h = soup_message_get_response_headers(msg);
    guint status = soup_message_get_status(msg);
    guint64 start = 0, total = 0;

    *skip = 0;
    if (status == 206 || status == 416) {
        gboolean known = parse_content_range(msg, &start, &total);
        if (status == 416 && known && total == d->have) {
            d->total = total;
            return COMPLETE;
        }
        if (status == 416 || !known || start != d->have || (d->total && total != d->total)) {
            if (!set_part_aside(d, "the server's answer does not fit the part", error))
                return FAILED;
            return GO_ON;
        }
        d->total = total;
        d->resumed_from = d->resumed_from ? d->resumed_from : d->have;
        return write_info(d, error) ? COMPLETE : FAILED;
    }
    if (status != 200) {
        refuse_status(d, msg, error);
        return FAILED;
    }
    const char *type = soup_message_headers_get_content_type(h, NULL);
    if (d->params->magic && type && g_str_has_prefix(type, "text/html")) {
        fail(error, LW_DOWNLOAD_ERROR_SERVER,
             "%s: the server sends a web page, not a file; take the address of the download itself",
             d->params->url);
        return FAILED;
    }
    if (soup_message_headers_get_encoding(h) == SOUP_ENCODING_CONTENT_LENGTH)
        total = (guint64)MAX(soup_message_headers_get_content_length(h), 0);
    if (d->have > 0) {
        const char *etag = soup_message_headers_get_one(h, "ETag");
        gboolean same = etag && d->etag && strcmp(etag, d->etag) == 0 && d->url &&
                        strcmp(d->url, d->params->url) == 0 && (!total || total >= d->have);
        if (same) /* a server that cannot begin in the middle */
            *skip = d->have;
        else if (!set_part_aside(d, "the file on the server is not the one that was begun", error))
            return FAILED;
    }
    remember(d, msg, total);
    return write_info(d, error) ? COMPLETE : FAILED;
}

static gboolean check_magic(download *d, const guchar *first, gsize n, GError **error)
{
    const char *magic = d->params->magic;
    if (!magic || (n >= strlen(magic) && memcmp(first, magic, strlen(magic)) == 0))
        return TRUE;
    return fail(error, LW_DOWNLOAD_ERROR_SERVER,
                "%s: not a %s file (it begins with bytes %02x %02x %02x %02x)", d->params->url,
                magic, n > 0 ? first[0] : 0, n > 1 ? first[1] : 0, n > 2 ? first[2] : 0,
                n > 3 ? first[3] : 0);
}

/* FALSE: the connection broke (*retry), or worse. */
static gboolean receive(download *d, GInputStream *stream, guint64 skip, gboolean *retry,
                        GError **error)
{
    g_autofree guchar *buffer = g_malloc(CHUNK_BYTES);
    gboolean first = d->have == 0;

    *retry = FALSE;
    d->rate_at = g_get_monotonic_time();
    d->rate_have = d->have;
    d->rate = 0;
    for (;;) {
        g_autoptr(GError) local = NULL;
        gsize at = 0, n = 0;
        if (first) { /* enough to know what it is */
            gboolean all = g_input_stream_read_all(stream, buffer, 16, &n, d->cancellable, &local);
            if (all && !check_magic(d, buffer, n, error))
                return FALSE;
            first = FALSE;
        } else {
            gssize got = g_input_stream_read(stream, buffer, CHUNK_BYTES, d->cancellable, &local);
            n = got > 0 ? (gsize)got : 0;
        }
        if (skip > 0) {
            at = (gsize)MIN(skip, n);
            skip -= at;
        }
        if (d->total &&
            n - at > d->total - d->have) /* more than announced is not part of the file */
            n = at + (gsize)(d->total - d->have);
        if (n > at && !append(d, buffer + at, n - at, error))
            return FALSE;
        if (local) {
            *retry = !cancelled(d, error);
            return *retry ? fail(error, LW_DOWNLOAD_ERROR_NETWORK,
                                 "%s: the connection broke after %" G_GUINT64_FORMAT " bytes: %s",
                                 d->params->name, d->have, local->message)
                          : FALSE;
        }
        tell(d, LW_DOWNLOAD_RECEIVING, d->have, LW_DOWNLOAD_NOTE_NONE, NULL);
        if (n == 0 || (d->total && d->have == d->total))
            break;
    }
    if (d->total && d->have < d->total) {
        *retry = TRUE;
        return fail(error, LW_DOWNLOAD_ERROR_NETWORK,
                    "%s: the server sent %" G_GUINT64_FORMAT " of the announced %" G_GUINT64_FORMAT
                    " bytes",
                    d->params->name, d->have, d->total);
    }
    return TRUE;
}

/* One request.  GO_ON with *error set: worth another attempt. */
static outcome attempt(download *d, GError **error)
{
    g_autoptr(SoupMessage) msg = NULL;
    gboolean retry = FALSE;
    guint64 skip = 0;

    g_autoptr(GInputStream) stream = request(d, &msg, &retry, error);
    if (!stream)
        return retry && !g_cancellable_is_cancelled(d->cancellable) ? GO_ON : FAILED;
    if (is_transient(soup_message_get_status(msg))) {
        refuse_status(d, msg, error);
        return GO_ON;
    }
    /* The name may be taken: the size of the server's file tells, before anything is written. */
    if (g_file_test(d->target, G_FILE_TEST_EXISTS)) {
        SoupMessageHeaders *h = soup_message_get_response_headers(msg);
        if (soup_message_get_status(msg) != 200) {
            refuse_status(d, msg, error);
            return FAILED;
        }
        d->total = soup_message_headers_get_encoding(h) == SOUP_ENCODING_CONTENT_LENGTH
                       ? (guint64)MAX(soup_message_headers_get_content_length(h), 0)
                       : 0;
        return check_existing(d, error);
    }
    if (!open_part(d, error))
        return FAILED;
    outcome o = begin_body(d, msg, &skip, error);
    if (o != COMPLETE)
        return o;
    if (!sum_part(d, error) || !check_space(d, error))
        return FAILED;
    if (soup_message_get_status(msg) == 416)
        return COMPLETE;
    if (!receive(d, stream, skip, &retry, error))
        return retry ? GO_ON : FAILED;
    return COMPLETE;
}

/* Wait, unless it is stopped meanwhile. */
static gboolean wait_before_retry(download *d, guint ms)
{
    GPollFD fd;
    if (d->cancellable && g_cancellable_make_pollfd(d->cancellable, &fd)) {
        g_poll(&fd, 1, (gint)ms);
        g_cancellable_release_fd(d->cancellable);
    } else {
        g_usleep((gulong)ms * 1000);
    }
    return !g_cancellable_is_cancelled(d->cancellable);
}

static outcome fetch(download *d, GError **error)
{
    guint failures = 0, wait_ms = d->params->retry_ms ? d->params->retry_ms : 1000, restarts = 0;

    for (;;) {
        g_autoptr(GError) local = NULL;
        guint64 before = d->have;
        outcome o = attempt(d, &local);
        if (o != GO_ON) {
            if (local)
                g_propagate_error(error, g_steal_pointer(&local));
            return o;
        }
        if (!local) { /* the part was set aside */
            if (++restarts > 2) {
                fail(error, LW_DOWNLOAD_ERROR_SERVER, "%s: the file changes while it is fetched",
                     d->params->url);
                return FAILED;
            }
            continue;
        }
        failures = d->have > before ? 1 : failures + 1;
        if (failures > d->params->retries) {
            g_propagate_error(error, g_steal_pointer(&local));
            if (d->have > 0)
                g_prefix_error(error,
                               "%" G_GUINT64_FORMAT
                               " bytes are kept, the same command goes on from there; ",
                               d->have);
            return FAILED;
        }
        guint wait = wait_ms << MIN(failures - 1, 5);
        note(d, LW_DOWNLOAD_NOTE_RETRY, "%s; trying again (%u of %u)", local->message, failures,
             d->params->retries);
        if (!wait_before_retry(d, wait)) {
            cancelled(d, error);
            return FAILED;
        }
    }
}

/* ---- The end ---- */

static gboolean install(download *d, GError **error)
{
    const char *sum = g_checksum_get_string(d->sum);
    if (d->sha256 && strcmp(sum, d->sha256) != 0) {
        g_autofree char *aside = free_name(d->target, ".wrong-sha256");
        if (rename(d->part, aside) != 0)
            return fail_errno(error, d->part, "rename", errno);
        unlink(d->info);
        return fail(error, LW_DOWNLOAD_ERROR_CHECKSUM,
                    "%s: the SHA-256 is %s, expected was %s; the %" G_GUINT64_FORMAT
                    " bytes are kept as %s",
                    d->params->name, sum, d->sha256, d->have, aside);
    }
    if (fdatasync(d->fd) != 0)
        return fail_errno(error, d->part, "write to the disk", errno);
    /* Unlike rename(), link() never replaces a file; some file systems have no links. */
    if (link(d->part, d->target) == 0)
        unlink(d->part);
    else if (errno == EEXIST)
        return fail(error, LW_DOWNLOAD_ERROR_EXISTS,
                    "%s: another file has this name now; the download is kept "
                    "as %s",
                    d->target, d->part);
    else if (g_file_test(d->target, G_FILE_TEST_EXISTS) || rename(d->part, d->target) != 0)
        return fail_errno(error, d->part, "rename", errno);
    unlink(d->info);
    return TRUE;
}

static void clear(download *d)
{
    if (d->fd >= 0)
        close(d->fd);
    /* An empty part says nothing. */
    if (d->part && d->fd >= 0 && d->have == 0) {
        unlink(d->part);
        unlink(d->info);
    }
    g_clear_object(&d->session);
    g_checksum_free(d->sum);
    g_free(d->target);
    g_free(d->part);
    g_free(d->info);
    g_free(d->url);
    g_free(d->etag);
    g_free(d->modified);
    g_free(d->sha256);
}

void lw_download_result_clear(lw_download_result *r)
{
    g_clear_pointer(&r->path, g_free);
    g_clear_pointer(&r->sha256, g_free);
}

static gboolean prepare(download *d, GError **error)
{
    const lw_download_params *p = d->params;
    g_autoptr(GUri) uri = g_uri_parse(p->url, SOUP_HTTP_URI_FLAGS, NULL);
    if (!check_url(uri, error)) {
        g_prefix_error(error, "%s: ", p->url);
        return FALSE;
    }
    if (p->sha256 && !lw_download_is_sha256(p->sha256))
        return fail(error, LW_DOWNLOAD_ERROR_CHECKSUM,
                    "\"%s\" is not a SHA-256 (64 hexadecimal digits)", p->sha256);
    if (g_mkdir_with_parents(p->folder, 0755) != 0)
        return fail_errno(error, p->folder, "make the folder", errno);
    d->target = g_build_filename(p->folder, p->name, NULL);
    d->part = g_strconcat(d->target, ".part", NULL);
    d->info = g_strconcat(d->part, ".info", NULL);
    d->sha256 = p->sha256 ? g_ascii_strdown(p->sha256, -1) : NULL;
    d->sha256_given = d->sha256 != NULL;
    d->sum = g_checksum_new(G_CHECKSUM_SHA256);
    d->session = soup_session_new_with_options("timeout", p->timeout_s ? p->timeout_s : 60,
                                               "user-agent", "longwave/" LW_VERSION, NULL);
    soup_session_remove_feature_by_type(d->session, SOUP_TYPE_CONTENT_DECODER);
    if (g_file_test(d->part, G_FILE_TEST_EXISTS) && !g_file_test(d->target, G_FILE_TEST_EXISTS)) {
        if (!open_part(d, error))
            return FALSE;
        read_info(d);
    }
    return TRUE;
}

gboolean lw_download(const lw_download_params *params, lw_download_progress_fn progress, void *user,
                     GCancellable *cancellable, lw_download_result *result, GError **error)
{
    download d = {
        .params = params, .progress = progress, .user = user, .cancellable = cancellable, .fd = -1};
    gboolean ok = FALSE;

    *result = (lw_download_result){0};
    if (prepare(&d, error)) {
        outcome o = fetch(&d, error);
        ok = o == WAS_THERE || (o == COMPLETE && install(&d, error));
        if (ok) {
            result->path = g_strdup(d.target);
            result->was_there = o == WAS_THERE;
            result->sha256 =
                o == WAS_THERE && !d.sha256 ? NULL : g_strdup(g_checksum_get_string(d.sum));
            result->verified = !d.sha256        ? NULL
                               : d.sha256_given ? "given"
                                                : "announced by the server";
            result->bytes = o == WAS_THERE ? d.total : d.have;
            result->resumed_from = d.resumed_from;
        }
    }
    clear(&d);
    return ok;
}
