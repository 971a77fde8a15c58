/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names and URLs of downloads.  The transfer itself is driven against a loopback server by
 * tests/cli/pull.py.
 */
#include "engine/library/lw-download.h"

static void named(const char *url, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = lw_download_name(url, ".gguf", &error);
    if (expected) {
        g_assert_no_error(error);
        g_assert_cmpstr(name, ==, expected);
    } else {
        g_assert_null(name);
        g_assert_error(error, LW_DOWNLOAD_ERROR, LW_DOWNLOAD_ERROR_URL);
    }
}

static void test_names(void)
{
    named("https://h/a/b/m.gguf", "m.gguf");
    named("https://h/a/b/m.gguf?download=true#x", "m.gguf");
    named("https://h/a/My%20Model.GGUF", "My Model.GGUF");
    named("https://h/a/m", "m.gguf");
    named("https://h/v2/library/x/blobs/sha256:0123", "sha256-0123.gguf");
    named("https://h/a/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "_.._etc_passwd.gguf");
    named("https://h/a/..%5c..%5cx.gguf", "_.._x.gguf");
    named("https://h/a/.hidden.gguf", "hidden.gguf");
    named("https://h/a/a%1b%5b31m%0ab.gguf", "a_[31m_b.gguf");
    named("https://h/a/%ff%fe.gguf", "__.gguf");
    named("https://h/a/\xc3\xa9.gguf", "\xc3\xa9.gguf");
    named("https://h/a/", NULL);
    named("https://h", NULL);
    named("https://h/a/%00.gguf", NULL);
    named("https://h/a/..", NULL);
    named("no url", NULL);
    named("", NULL);
    g_autofree char *many = g_strnfill(300, 'x'),
                    *url = g_strconcat("http://h/", many, ".gguf", NULL);
    named(url, NULL);
}

static void test_siblings(void)
{
    g_autofree char *a = lw_download_sibling("https://h/x/m-00001-of-00002.gguf?d=a/b", "m 2.gguf");
    g_assert_cmpstr(a, ==, "https://h/x/m%202.gguf?d=a/b");
    g_autofree char *b = lw_download_sibling("http://h/m.gguf", "n.gguf");
    g_assert_cmpstr(b, ==, "http://h/n.gguf");
    g_assert_null(lw_download_sibling("http://h", "n.gguf"));
    g_assert_null(lw_download_sibling("h/m.gguf", "n.gguf"));
}

static void test_redirects(void)
{
    static const struct {
        const char *from, *to;
        gboolean ok;
    } cases[] = {
        {"https://a/x", "https://b/y", TRUE},
        {"https://a/x", "/y", TRUE},
        {"https://a/x", "//b/y", TRUE},
        {"http://a/x", "https://b/y", TRUE},
        {"http://a/x", "http://b/y", TRUE},
        {"https://a/x", "http://a/x", FALSE},
        {"https://a/x", "HTTP://a/x", FALSE},
        {"HTTPS://a/x", "http://a/x", FALSE},
        {"http://a/x", "file:///etc/passwd", FALSE},
        {"https://a/x", "ftp://b/y", FALSE},
        {"https://a/x", "data:,x", FALSE},
        {"https://a/x", "http:///y", FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        if (lw_download_may_redirect(cases[i].from, cases[i].to, &error) != cases[i].ok)
            g_error("%s -> %s", cases[i].from, cases[i].to);
        g_assert_true((error == NULL) == cases[i].ok);
    }
}

static void test_sha256(void)
{
    g_autofree char *good = g_strnfill(64, 'F'), *longer = g_strnfill(65, '0');
    g_assert_true(lw_download_is_sha256(good));
    g_assert_false(lw_download_is_sha256(longer));
    good[3] = 'g';
    g_assert_false(lw_download_is_sha256(good));
    g_assert_false(lw_download_is_sha256(""));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/download/names", test_names);
    g_test_add_func("/download/siblings", test_siblings);
    g_test_add_func("/download/redirects", test_redirects);
    g_test_add_func("/download/sha256", test_sha256);
    return g_test_run();
}
